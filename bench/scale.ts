// `npm run bench -- scale`: whether an image costs more time or memory in a large data set than in a small one, on the real way of the data.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { table } from '../src/cli/io';
import { defaultBackbonePath } from '../src/engine/backbone/locate';
import { UsageError, wholeNumber } from './cases';
import { writeScaleData, writeScaleNetwork } from './scale-data';
import type { ScaleJob, ScaleReading } from './scale-run';
import { rounded, type Sized, verdictLines } from './scale-verdict';

/** Of a simulated network, so that all else counts: the pass over all images, and steps. And steps of ResNet-50, as a person runs them. */
const PARTS = ['features', 'steps', 'network'] as const;
type Part = (typeof PARTS)[number];

/** ResNet-50's. */
const FEATURES = 2048;
const SMALL = 1000;

const STEPS = { batchSize: '32', batchNorm: 'frozen', imageCache: '0', validationFrequency: '1000', validationPatience: '0' };

/** The head's training is short: what is measured is the pass over all images before it. Steps keep no images in memory: more of a small set would fit. */
const RECIPES: Readonly<Record<Part, Pick<ScaleJob, 'recipe' | 'set'>>> = {
  features: { recipe: 'quick', set: { maxIterations: '200', validationFrequency: '200', batchSize: '16' } },
  steps: { recipe: 'matlab-example', set: { ...STEPS, epochs: '1' } },
  network: { recipe: 'matlab-example', set: { ...STEPS, maxIterations: '30' } },
};

/** Training in a small set goes round it until it has seen as many images as this. */
const STEPS_IMAGES = 20_000;

export async function benchScale(args: string[], say: (text: string) => void): Promise<string[]> {
  const { images, parts } = readOptions(args);
  // Where it is missing, this is said before anything is measured.
  const resnet = parts.includes('network') ? defaultBackbonePath() : '';
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-scale-'));
  try {
    const simulated = join(folder, 'small.onnx');
    const rows: string[][] = [];
    const measured: Record<Part, Sized[]> = { features: [], steps: [], network: [] };
    for (const size of [SMALL, images]) {
      say(`writing ${size} images`);
      const { training } = await writeScaleData(join(folder, `${size}`), size);
      for (const part of parts) {
        const backbone = part === 'network' ? resnet : simulated;
        if (part !== 'network') await writeScaleNetwork(simulated, part === 'features' ? FEATURES : 16);
        say(`${part} of ${size} images`);
        const reading = await measure(jobOf(part, size, training, backbone, join(folder, `${part} ${size}`)), folder);
        rows.push(rowOf(part, size, reading));
        measured[part].push({ ...reading, files: size });
      }
      await rm(join(folder, `${size}`), { recursive: true });
    }
    const verdicts = parts.flatMap((part) => verdictLines(part, measured[part][0]!, measured[part][1]!, part !== 'network'));
    return [...table([HEAD, ...rows.sort(([a], [b]) => a!.localeCompare(b!))]), '', ...verdicts];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const HEAD = ['', 'files', 'images', 'images/s', 'first quarter', 'last quarter', 'MiB at ¼', '½', '¾', 'end', 'load'];

function rowOf(part: Part, size: number, { images, imagesPerSecond, quarters, memory }: ScaleReading): string[] {
  const speeds = [imagesPerSecond, ...quarters].map(rounded);
  return [part, `${size}`, `${images}`, ...speeds, ...memory.map((mib) => mib.toFixed(0)), loadavg()[0]!.toFixed(1)];
}

function jobOf(part: Part, size: number, annotations: string, backbone: string, run: string): ScaleJob {
  const { recipe, set } = RECIPES[part];
  const epochs = part === 'steps' ? { epochs: `${Math.max(1, Math.ceil(STEPS_IMAGES / size))}` } : {};
  return { annotations, backbone, run, recipe, set: { ...set, ...epochs } };
}

async function measure(job: ScaleJob, folder: string): Promise<ScaleReading> {
  const env = { ...process.env, LABELSCOPE_CACHE: join(folder, 'cache'), MALLOC_ARENA_MAX: '2' };
  const { stdout } = await promisify(execFile)(process.execPath, [__filename, 'scale-run', JSON.stringify(job)], {
    env,
    cwd: folder,
    maxBuffer: 1 << 26,
  });
  await rm(job.run, { recursive: true });
  // Of features alone there is one.
  await rm(env.LABELSCOPE_CACHE, { recursive: true, force: true });
  return JSON.parse(stdout) as ScaleReading;
}

function readOptions(args: string[]): { images: number; parts: readonly Part[] } {
  try {
    const options = { images: { type: 'string', default: '120000' }, part: { type: 'string' } } as const;
    const { part, images } = parseArgs({ args, options }).values;
    const parts = PARTS.filter((one) => part === undefined || one === part);
    if (parts.length === 0) throw new UsageError(`--part is one of ${PARTS.join(', ')}.`);
    return { images: wholeNumber('--images', images), parts };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
