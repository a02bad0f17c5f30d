// The study of crashes: runs whose engine is killed at random moments of training, evaluating and exporting, against runs that were left alone.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineClient } from '../../src/engine/client/engine';
import { readCheckpoint } from '../../src/engine/train/checkpoint';
import { randomStream } from '../../src/metrics/random';
import { LabelscopeError } from '../../src/protocol/errors';
import type { TrainEvent } from '../../src/protocol/messages';
import type { RecipeName } from '../../src/protocol/recipe';
import { type TinyData, writeTinyData } from '../support/data';
import { trainParams, writeTinyBackbone } from '../support/tiny';
import { askFaulty, type Fault } from './engine';
import { brokenFiles, differentFiles } from './whole';

const PHASES = ['train', 'evaluate', 'export'] as const;
type Phase = (typeof PHASES)[number];

interface CrashOptions {
  /** An empty folder. */
  readonly folder: string;
  /** How many kills there are to be. */
  readonly kills: number;
  readonly seed: number;
  readonly recipes?: readonly RecipeName[];
  readonly say?: (line: string) => void;
}

export interface CrashReport {
  readonly kills: Readonly<Record<Phase, number>>;
  /** Runs that were brought to their end and compared. */
  readonly runs: number;
  /** Moments that came after the work was done. */
  readonly late: number;
  /** Iterations between two checkpoints, and the most that a kill took. */
  readonly interval: number;
  readonly mostLost: number;
  /** What was half-written, lost or different: none. */
  readonly faults: readonly string[];
}

const INTERVAL = 7;
const IMAGES = { epochs: '30', batchSize: '8', validationFrequency: '5', validationPatience: '0' };
const FEATURES = { epochs: '90', validationFrequency: '5', validationPatience: '0' };
const SETTINGS: Readonly<Record<RecipeName, Readonly<Record<string, string>>>> = {
  'matlab-example': IMAGES,
  balanced: IMAGES,
  quick: FEATURES,
  best: FEATURES,
};
const RECIPES = Object.keys(SETTINGS) as RecipeName[];

/** Of each four kills two are in training. */
const PLAN: readonly Phase[] = ['train', 'train', 'evaluate', 'export'];

interface Study {
  readonly data: TinyData;
  readonly backbone: string;
  readonly folder: string;
}

interface Place {
  readonly recipe: RecipeName;
  readonly run: string;
  readonly out: string;
  readonly cache: string;
}

/** How long a phase takes undisturbed, in milliseconds from the start of its process, and how often it touches files. */
interface Extent {
  readonly milliseconds: number;
  readonly operations: number;
}

interface Whole {
  readonly place: Place;
  readonly extents: Readonly<Record<Phase, Extent>>;
}

export async function crashStudy({ folder, kills, seed, recipes = RECIPES, say }: CrashOptions): Promise<CrashReport> {
  const study = { folder, data: await writeTinyData(join(folder, 'data')), backbone: join(folder, 'tiny.onnx') };
  await writeTinyBackbone(study.backbone);
  const wholes = new Map<RecipeName, Whole>();
  const tally = new Tally();
  for (let k = 0; tally.total < kills; k++) {
    const recipe = recipes[k % recipes.length]!;
    if (!wholes.has(recipe)) wholes.set(recipe, await undisturbed(study, recipe));
    await disturbed(study, wholes.get(recipe)!, { name: `${recipe}-${seed}-${k}`, kills, seed: [seed, k] }, tally);
    say?.(`${recipe}, run ${k + 1}: ${tally.total} of ${kills} kills, ${tally.faults.length} faults`);
  }
  return tally.report();
}

class Tally {
  readonly kills: Record<Phase, number> = { train: 0, evaluate: 0, export: 0 };
  readonly faults: string[] = [];
  late = 0;
  runs = 0;
  mostLost = 0;

  get total(): number {
    return PHASES.reduce((sum, phase) => sum + this.kills[phase], 0);
  }

  report(): CrashReport {
    const { kills, runs, late, mostLost, faults } = this;
    return { kills, runs, late, interval: INTERVAL, mostLost, faults };
  }
}

async function placeFor({ folder }: Study, recipe: RecipeName, name: string): Promise<Place> {
  const place = { recipe, run: join(folder, name, 'run'), out: join(folder, name, 'out'), cache: join(folder, name, 'cache') };
  await mkdir(place.out, { recursive: true });
  return place;
}

/** The questions, one a phase. Training goes on where there is something to go on with. */
function questions({ data, backbone }: Study, { recipe, run, out }: Place) {
  const often = { ...SETTINGS[recipe], checkpointFrequency: String(INTERVAL), checkpointSeconds: '0' };
  return {
    train: (engine: EngineClient, resume: boolean, onProgress: (event: TrainEvent) => void = () => undefined) =>
      engine.request('train', trainParams(data.train, backbone, run, resume ? { resume } : { recipe, set: often }), {
        onProgress,
      }),
    evaluate: (engine: EngineClient) => engine.request('evaluate', { model: run, device: 'cpu' }),
    export: (engine: EngineClient) => engine.request('export', { run, out: join(out, 'exported.onnx') }),
  };
}

async function undisturbed(study: Study, recipe: RecipeName): Promise<Whole> {
  const place = await placeFor(study, recipe, `${recipe}-whole`);
  const ask = questions(study, place);
  const count = join(study.folder, `${recipe}.count`);
  const extent = async (phase: Phase): Promise<Extent> => {
    const began = performance.now();
    let took = 0;
    await askFaulty({ count }, place, async (engine) => {
      await ask[phase](engine, false);
      took = performance.now() - began;
    });
    return { milliseconds: took, operations: Number(await readFile(count, 'utf8')) };
  };
  return { place, extents: { train: await extent('train'), evaluate: await extent('evaluate'), export: await extent('export') } };
}

interface Disturbance {
  readonly name: string;
  /** Of the whole study. */
  readonly kills: number;
  readonly seed: readonly number[];
}

/** One run that is killed several times, brought to its end, and compared. */
async function disturbed(study: Study, whole: Whole, { name, kills, seed }: Disturbance, tally: Tally): Promise<void> {
  const place = await placeFor(study, whole.place.recipe, name);
  const ask = questions(study, place);
  const random = randomStream('crash', ...seed);
  const done = new Set<Phase>();
  let begun = false;
  /** True where the phase was killed. */
  const attempt = async (phase: Phase, fault: Fault): Promise<boolean> => {
    let told = 0;
    const onProgress = (event: TrainEvent) => {
      if (event.kind === 'points') told = event.points.at(-1)!.iteration;
    };
    const isKilled = await askFaulty<unknown>(fault, place, (engine) => ask[phase](engine, begun, onProgress)).then(
      () => false,
      (error: unknown) => {
        if (error instanceof LabelscopeError && error.code === 'engine-died') return true;
        throw error;
      },
    );
    begun ||= await exists(join(place.run, 'run.json'));
    if (!isKilled) {
      done.add(phase);
      return false;
    }
    tally.kills[phase]++;
    tally.faults.push(...(await brokenFiles(place.run)), ...(await brokenFiles(place.out)));
    if (phase === 'train') noteLost(tally, name, told - (await iterationKept(place.run)));
    return true;
  };
  for (const phase of PLAN) {
    if (tally.total >= kills) break;
    if (phase !== 'train') await finish('train');
    if (phase === 'export') await finish('evaluate');
    if (!(await attempt(phase, drawn(random, whole.extents[phase])))) tally.late++;
  }
  for (const phase of PHASES) await finish(phase);
  tally.runs++;
  for (const part of ['run', 'out'] as const) tally.faults.push(...(await differentFiles(place[part], whole.place[part])));

  async function finish(phase: Phase): Promise<void> {
    if (done.has(phase)) return;
    if (await attempt(phase, {})) tally.faults.push(`${name}: the engine died by itself in ${phase}`);
  }
}

/** Half of the moments are times, half are operations on files. */
function drawn(random: ReturnType<typeof randomStream>, { milliseconds, operations }: Extent): Fault {
  if (random.next() < 0.5) return { killAfter: random.next() * milliseconds };
  const how = (['before', 'half', 'after'] as const)[random.integer(3)]!;
  return { kill: { operation: 1 + random.integer(operations), how } };
}

function noteLost(tally: Tally, name: string, lost: number): void {
  tally.mostLost = Math.max(tally.mostLost, lost);
  if (lost > INTERVAL) tally.faults.push(`${name}: ${lost} iterations were lost, more than one interval of ${INTERVAL}`);
}

/** The iteration that the next process goes on from. */
async function iterationKept(run: string): Promise<number> {
  const path = join(run, 'checkpoint', 'state.safetensors');
  return (await exists(path)) ? (await readCheckpoint(path)).progress.iteration : 0;
}

const exists = (path: string): Promise<boolean> =>
  readFile(path).then(
    () => true,
    () => false,
  );
