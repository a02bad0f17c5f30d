// `npm run bench -- train [ANNOTATIONS]`: training from image files: images a second, and what share of the time the steps waited for their images.
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../src/cli/io';
import { engineClient } from '../src/engine/client/engine';
import { readRecord } from '../src/engine/client/folder';
import type { Device } from '../src/engine/runtime/messages';
import type { TrainResult } from '../src/protocol/messages';
import { withEmptyCache } from './cache';
import { deviceOf, UsageError, wholeNumber } from './cases';
import { drawSample } from './sample-run';

/** Those whose steps look at images: `quick` and `best` learn from features. */
const RECIPES = ['balanced', 'matlab-example'] as const;
type RecipeName = (typeof RECIPES)[number];

/** A GPU's first steps take long, and are to weigh little. */
const USUAL_STEPS = { cpu: '15', webgpu: '200', cuda: '200' } as const;
/** Steps wait for a smaller share of their time than this. */
const WAITING_TARGET = 0.03;

interface Options {
  /** Undefined: the built-in sample. */
  readonly annotations: string | undefined;
  readonly recipes: readonly RecipeName[];
  readonly device: Device;
  readonly steps: number;
}

interface Trained extends TrainResult {
  readonly recipe: RecipeName;
  readonly batchSize: number;
  readonly load: number;
}

export async function benchTrain(args: string[], say: (text: string) => void): Promise<string[]> {
  const options = readOptions(args);
  const sample = options.annotations === undefined ? await drawSample() : undefined;
  try {
    const trained: Trained[] = [];
    for (const recipe of options.recipes) {
      say(`${recipe}: ${options.steps} steps`);
      trained.push(await train(options.annotations ?? sample!.annotations, recipe, options));
    }
    const head = ['recipe', 'device', 'steps', 'images a step', 'images/s', 'waiting %', 'load'];
    return [...table([head, ...trained.map(rowOf)]), '', ...trained.map(verdictOn)];
  } finally {
    if (sample) await rm(sample.folder, { recursive: true, force: true });
  }
}

/** Nothing is kept from earlier runs, and no decoded image for a second epoch: the data set stands for one that is larger than memory. */
async function train(annotations: string, recipe: RecipeName, { device, steps }: Options): Promise<Trained> {
  const load = loadavg()[0]!;
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-bench-'));
  const run = join(folder, 'run');
  const set = {
    epochs: '1000',
    maxIterations: `${steps}`,
    validationFrequency: `${steps}`,
    validationPatience: '0',
    imageCache: '0',
  };
  const engine = engineClient({ script: join(__dirname, 'engine.js'), onLog: () => undefined });
  try {
    const params = { annotations, recipe, set, device, seed: 0, run, resume: false };
    const result = await withEmptyCache(() => engine.request('train', params).finally(() => engine.stop()));
    return { ...result, recipe, batchSize: (await readRecord(run)).recipe.batchSize, load };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function rowOf({ recipe, device, iterations, batchSize, imagesPerSecond, idleShare, load }: Trained): string[] {
  const waiting = idleShare === undefined ? '–' : (100 * idleShare).toFixed(2);
  return [recipe, device.device, `${iterations}`, `${batchSize}`, imagesPerSecond.toFixed(2), waiting, load.toFixed(1)];
}

function verdictOn({ recipe, idleShare }: Trained): string {
  if (idleShare === undefined) return `${recipe}: how long steps waited for images was not measured`;
  const verdict = idleShare < WAITING_TARGET ? 'met' : 'MISSED';
  const [waited, wanted] = [(100 * idleShare).toFixed(2), 100 * WAITING_TARGET];
  return `target ${verdict}: ${recipe}: steps waited ${waited} % of their time for images, should be under ${wanted} %`;
}

function readOptions(args: string[]): Options {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new UsageError('train takes one annotation file, or none for the built-in sample.');
  const device = deviceOf(values.device);
  return {
    annotations: positionals[0] === undefined ? undefined : resolve(positionals[0]),
    recipes: values.recipe === undefined ? RECIPES : [recipeOf(values.recipe)],
    device,
    steps: wholeNumber('--steps', values.steps ?? USUAL_STEPS[device]),
  };
}

function parse(args: string[]) {
  const options = { recipe: { type: 'string' }, device: { type: 'string', default: 'cpu' }, steps: { type: 'string' } } as const;
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function recipeOf(name: string): RecipeName {
  const recipe = RECIPES.find((one) => one === name);
  if (recipe === undefined) throw new UsageError(`--recipe is ${RECIPES.join(' or ')}, not '${name}'.`);
  return recipe;
}
