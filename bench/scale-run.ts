// The child process of the benchmark `scale`: one training through the engine's own request, with its speed and memory along the run.
import { join } from 'node:path';
import { makeContext } from '../src/engine/context';
import { modelCache } from '../src/engine/models';
import { startRuntime } from '../src/engine/runtime/runtime';
import { train } from '../src/engine/train/train';
import type { TrainEvent } from '../src/protocol/messages';

export interface ScaleJob {
  readonly annotations: string;
  readonly backbone: string;
  readonly run: string;
  readonly recipe: 'quick' | 'matlab-example';
  readonly set: Readonly<Record<string, string>>;
}

/** What it says of the part that is measured: features, or steps. */
export interface ScaleReading {
  readonly images: number;
  readonly imagesPerSecond: number;
  /** Of the first and of the last quarter of the images alone. */
  readonly quarters: readonly [first: number, last: number];
  /** Resident memory in MiB at a quarter, half, three quarters and the end of the images, each the mean of ten looks before. */
  readonly memory: readonly number[];
}

interface Look {
  readonly images: number;
  readonly at: number;
  readonly mib: number;
}

const LOOK_MS = 20;

export async function runScale({ annotations, backbone, run, recipe, set }: ScaleJob): Promise<void> {
  const runtime = startRuntime(join(__dirname, 'worker.js'));
  const { signal } = new AbortController();
  const context = makeContext({ runtime, models: modelCache(runtime), signal, version: '0' });
  const batch = Number(set.batchSize);
  const looks: Look[] = [];
  const look = (images: number) => {
    const at = performance.now();
    if (at - (looks.at(-1)?.at ?? 0) < LOOK_MS) return;
    looks.push({ images, at, mib: process.memoryUsage.rss() / 2 ** 20 });
  };
  const emit = (event: TrainEvent) => {
    if (recipe === 'quick' && event.kind === 'features') look(event.done);
    if (recipe !== 'quick' && event.kind === 'points') look(event.points.at(-1)!.iteration * batch);
  };
  const params = { annotations, backbone, run, recipe, set, device: 'cpu', seed: 0, resume: false } as const;
  await train(params, context, emit);
  process.stdout.write(JSON.stringify(readingOf(looks)));
  await runtime.close();
}

function readingOf(looks: readonly Look[]): ScaleReading {
  const [first, last] = [looks[0]!, looks.at(-1)!];
  const place = (share: number) => looks.findIndex(({ images }) => images >= share * last.images);
  const speed = (from: Look, to: Look) => (1000 * (to.images - from.images)) / (to.at - from.at);
  const around = (end: number) => {
    const some = looks.slice(Math.max(0, end - 9), end + 1);
    return some.reduce((sum, { mib }) => sum + mib, 0) / some.length;
  };
  return {
    images: last.images,
    imagesPerSecond: speed(first, last),
    quarters: [speed(first, looks[place(0.25)]!), speed(looks[place(0.75)]!, last)],
    memory: [0.25, 0.5, 0.75, 1].map((share) => around(place(share))),
  };
}
