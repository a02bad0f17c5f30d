// What reads strangers' input, one target a kind: given a number it makes that input, always the same, and reads it.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDecisions } from '../../src/dataset/decisions';
import { DatasetError } from '../../src/dataset/errors';
import { inspect } from '../../src/dataset/inspect';
import type { LabelledSet } from '../../src/dataset/types';
import { labelSet } from '../../src/dataset/labels';
import { readPredictions } from '../../src/dataset/predictions';
import { readAnnotations } from '../../src/dataset/reader';
import { readEvaluation, readHistory, readImport, readRecord } from '../../src/engine/client/folder';
import { readImageFacts } from '../../src/engine/client/image-facts';
import { readLooking } from '../../src/engine/client/looking';
import { readPixels, readStored, readThumbnail } from '../../src/engine/images';
import { recipeWith } from '../../src/engine/recipes';
import { readCheckpoint, START, writeCheckpoint } from '../../src/engine/train/checkpoint';
import { classifierFrom } from '../../src/engine/train/classifier';
import { type RandomStream, randomStream } from '../../src/metrics/random';
import { OnnxError } from '../../src/onnx/model';
import { LabelscopeError } from '../../src/protocol/errors';
import { understood } from '../../src/protocol/window-shapes';
import { COCO, DECISIONS, HISTORY, MESSAGES, networks, pictures, PREDICTIONS, PREDICTIONS_CSV, RUN } from './corpus';
import { damaged, damagedTree } from './mutate';

/** Whether it was read; the other way is to refuse it as it should be. */
type Outcome = 'read' | 'refused';

/** Reads the input of a number. @throws whatever is neither */
type Target = (input: number) => Promise<Outcome>;

export const KINDS = ['annotations', 'pictures', 'networks', 'runs', 'predictions', 'settings', 'messages'] as const;
export type Kind = (typeof KINDS)[number];

/** @param folder an empty folder */
export async function targetOf(kind: Kind, folder: string): Promise<Target> {
  await mkdir(folder, { recursive: true });
  const run = await MAKERS[kind](folder);
  return (input) => run(randomStream('fuzz', kind, input));
}

type Reader = (random: RandomStream) => Promise<Outcome>;

/** Whatever is refused is refused in our own words, which name the file. */
async function outcomeOf(path: string, read: () => unknown): Promise<Outcome> {
  try {
    await read();
    return 'read';
  } catch (error) {
    const isOurs = error instanceof LabelscopeError || error instanceof DatasetError || error instanceof OnnxError;
    if (!isOurs) throw error;
    if (!error.message.includes(path)) throw new Error(`The message does not name ${path}: ${error.message}`);
    return 'refused';
  }
}

const text = (tree: unknown) => Buffer.from(JSON.stringify(tree) ?? '');
const pick = <T>(from: readonly T[], random: RandomStream): T => from[random.integer(from.length)]!;

/** Half of the trees are damaged as trees, half as bytes. */
function anyJson(tree: unknown, random: RandomStream): Uint8Array {
  return random.integer(2) === 0 ? text(damagedTree(tree, random)) : damaged(text(tree), random);
}

const MAKERS: Readonly<Record<Kind, (folder: string) => Reader | Promise<Reader>>> = {
  annotations: (folder) => async (random) => {
    const path = join(folder, 'instances.json');
    await writeFile(path, anyJson(COCO, random));
    return outcomeOf(path, async () => {
      const index = await readAnnotations(path);
      await inspect(index);
      labelSet(index);
    });
  },
  pictures: async (folder) => {
    const all = await pictures();
    return async (random) => {
      const [ending, bytes] = pick(all, random);
      const path = join(folder, `picture.${ending}`);
      await writeFile(path, damaged(bytes, random));
      const read = pick(
        [() => readPixels(path, 32, 32), () => readThumbnail(path, 64, { width: 48, height: 32 }), () => readStored(path)],
        random,
      );
      return outcomeOf(path, read);
    };
  },
  networks: (folder) => {
    const all = networks();
    return async (random) => {
      const path = join(folder, 'network.onnx');
      const bytes = pick(all, random);
      await writeFile(path, random.integer(20) === 0 ? bytes : damaged(bytes, random));
      const [imageSize, pooling] = [pick([0, 32, 4096], random), pick(['average', 'gem'] as const, random)];
      return outcomeOf(path, () => classifierFrom(path, 3, 1, { headInit: 'zeros', imageSize, pooling }));
    };
  },
  runs: readsRuns,
  predictions: async (folder) => {
    const set = await labelledSet(folder);
    return async (random) => {
      const isCsv = random.integer(3) === 0;
      const path = join(folder, isCsv ? 'predictions.csv' : 'predictions.json');
      await writeFile(path, isCsv ? damaged(Buffer.from(PREDICTIONS_CSV), random) : anyJson(PREDICTIONS, random));
      if (random.integer(3) > 0) return outcomeOf(path, () => readPredictions(path, set));
      const decisions = join(folder, 'decisions.json');
      await writeFile(decisions, anyJson(DECISIONS, random));
      return outcomeOf(decisions, () => readDecisions(decisions));
    };
  },
  settings: () => (random) => {
    const keys = ['epochs', 'learnRate', 'layers', 'reflection', 'loss', 'threads', '__proto__', 'constructor', 'recipe', 'x'];
    const words = [
      '1',
      '0',
      '-0',
      '1e3',
      'NaN',
      'Infinity',
      '0x10',
      ' 5 ',
      '',
      'true',
      'all',
      '1e999',
      '\u0661',
      '٣',
      '[object Object]',
      'null',
    ];
    const set = Object.fromEntries(
      Array.from({ length: 1 + random.integer(2) }, () => [pick(keys, random), pick(words, random)]),
    );
    return outcomeOf('', () => recipeWith(pick(['quick', 'matlab-example'] as const, random), set));
  },
  messages: () => (random) => {
    const { window, message } = pick(MESSAGES, random);
    const said = understood(window, damagedTree(message, random));
    return Promise.resolve(said === undefined || (typeof said === 'object' && 'wrong' in said) ? 'refused' : 'read');
  },
};

async function labelledSet(folder: string): Promise<LabelledSet> {
  const path = join(folder, 'set.json');
  await writeFile(path, text(COCO));
  return labelSet(await readAnnotations(path));
}

/** A run folder of which one file is damaged, read as the editor reads it; or a damaged checkpoint. */
async function readsRuns(folder: string): Promise<Reader> {
  const run = join(folder, 'run');
  await mkdir(run, { recursive: true });
  const state = {
    w: { type: 'float32' as const, dims: [2, 3], data: new Float32Array(6) },
    b: { type: 'float32' as const, dims: [], data: new Float32Array(1) },
  };
  const checkpoint = join(folder, 'state.safetensors');
  await writeCheckpoint(checkpoint, { progress: START, state });
  const whole = await readFile(checkpoint);
  const names = Object.keys(RUN);
  for (const name of names) await writeFile(join(run, name), text(RUN[name]));
  return async (random) => {
    const name = pick([...names, 'history.jsonl', 'checkpoint'], random);
    if (name === 'checkpoint') {
      await writeFile(checkpoint, damaged(whole, random));
      return outcomeOf(checkpoint, () => readCheckpoint(checkpoint));
    }
    const path = join(run, name);
    await writeFile(path, name === 'history.jsonl' ? damaged(Buffer.from(HISTORY), random) : anyJson(RUN[name], random));
    const readers = [readRecord, readHistory, readImport, readLooking, readsEvaluation];
    const outcomes: Outcome[] = [];
    for (const read of readers) outcomes.push(await outcomeOf(run, () => read(run)));
    await writeFile(path, name === 'history.jsonl' ? HISTORY : text(RUN[name]));
    return outcomes.includes('refused') ? 'refused' : 'read';
  };
}

async function readsEvaluation(run: string): Promise<unknown> {
  const stored = await readEvaluation(run);
  return stored && readImageFacts(run, stored.result.split, stored.scores);
}
