// The child process of the benchmark `coco`: one reading of the file, with nothing else loaded, so that its peak memory is the reader's. A bundle of
// its own: in that of all benchmarks, whose parts are loaded on demand, every constant is a variable, which the engine's bundle does not suffer from.
import { constants } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAnnotations } from '../src/dataset/index-cache';
import { readAnnotations } from '../src/dataset/reader';

/** What it says of it. */
export interface Reading {
  readonly milliseconds: number;
  readonly peakMiB: number;
  /** 0 where none were to be read. */
  readonly annotations: number;
}

export type Reader = 'read' | 'open' | 'cancel' | 'parse';

interface CocoJob {
  readonly reader: Reader;
  readonly file: string;
  readonly cacheFolder: string;
}

async function main(job: CocoJob): Promise<void> {
  const start = performance.now();
  const { annotations, since = start } = await READINGS[job.reader](job);
  const reading: Reading = {
    milliseconds: performance.now() - since,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    annotations,
  };
  process.stdout.write(JSON.stringify(reading));
}

const READINGS: Record<Reader, (job: CocoJob) => Promise<{ annotations: number; since?: number }>> = {
  read: async ({ file, cacheFolder }) => ({ annotations: (await readAnnotations(file, { cacheFolder })).annotations.count }),
  open: async ({ file, cacheFolder }) => ({ annotations: (await openAnnotations(file, { cacheFolder })).annotations.count }),
  cancel: async (job) => cancel(job),
  parse: async ({ file }) => {
    const bytes = await readFile(file);
    if (bytes.length > constants.MAX_STRING_LENGTH) throw new Error('The text is longer than the longest string.');
    return { annotations: (JSON.parse(bytes.toString()) as { annotations: unknown[] }).annotations.length };
  },
};

/** From asking to stop in the middle of the file to the reader's answer. */
async function cancel({ file, cacheFolder }: CocoJob): Promise<{ annotations: number; since: number }> {
  const stop = new AbortController();
  const reading = readAnnotations(file, { cacheFolder, signal: stop.signal }).then(
    () => {
      throw new Error('The file was read before it could be cancelled.');
    },
    () => undefined,
  );
  await sleep(300);
  const since = performance.now();
  stop.abort();
  await reading;
  return { annotations: 0, since };
}

void main(JSON.parse(process.argv[2]!) as CocoJob);
