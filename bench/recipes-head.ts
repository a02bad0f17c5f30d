// One head trained as a run trains it, on rows of a feature table, and its scores of other rows.
import { takeRows } from '../src/dataset/labels';
import { splitStratified } from '../src/dataset/split';
import type { LabelledSet } from '../src/dataset/types';
import { mixedExamples } from '../src/engine/mixup';
import { recipeWith } from '../src/engine/recipes';
import type { Runtime } from '../src/engine/runtime/runtime';
import { START } from '../src/engine/train/checkpoint';
import { headData } from '../src/engine/train/data';
import { startLearner } from '../src/engine/train/learner';
import { scheduleOf, trainLoop } from '../src/engine/train/loop';
import { objectiveOf } from '../src/engine/train/objective';
import { withPrior } from '../src/engine/train/prior';
import { HEAD_BIAS, HEAD_WEIGHT, headOnly } from '../src/onnx/classifier';
import type { Tensor } from '../src/onnx/model';
import { trainedTensors } from '../src/onnx/training';
import { type BenchData, featureTable, type FloatTable, takeTable } from './recipes-data';

export type Settings = Readonly<Record<string, string>>;

/** Weight C×F and bias. */
export interface TrainedHead {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** What a head learns from, and what it is validated on: without that, images are kept of the former as in a run without a validation file. */
export interface HeadRows {
  readonly train: readonly number[];
  readonly validation?: readonly number[];
}

/** The head of the lowest validation loss. */
export async function trainHead(
  runtime: Runtime,
  { classifier, table }: BenchData,
  rows: HeadRows,
  settings: Settings,
  seed: number,
): Promise<TrainedHead> {
  const recipe = recipeWith('quick', settings);
  const { train, validation } = rows.validation
    ? { train: rows.train, validation: rows.validation }
    : parted(table.set, rows.train, recipe.validationFraction, seed);
  const drawn = { ...table, variants: recipe.reflection ? table.variants : table.variants.slice(0, 1) };
  const [own, others] = [takeTable(drawn, train), takeTable(table, validation)];
  const data = await headData(featureTable(own), featureTable(others), { recipe, seed });
  const { batchSize } = scheduleOf(recipe, data.train.count);
  const options = { ...recipe, batchSize, batchNormMomentum: undefined, objective: objectiveOf(recipe, own.set) };
  const load = { device: 'cpu', threads: 1 } as const;
  const learner = await startLearner(
    runtime,
    headOnly(withPrior(classifier, recipe, own.set)),
    classifier.features,
    options,
    load,
  );
  let best: Readonly<Record<string, Tensor>> = {};
  try {
    const examples = recipe.mixup > 0 ? mixedExamples(data.train, recipe.mixup, seed) : data.train;
    await trainLoop(learner, examples, data.validation, {
      recipe: { ...recipe, checkpointSeconds: 1e9 },
      seed,
      start: START,
      signal: new AbortController().signal,
      gate: { closed: false, opened: () => Promise.resolve() },
      onStep: () => undefined,
      onPoint: () => undefined,
      onBest: async () => void (best = data.inModel(trainedTensors(await learner.state()))),
      onCheckpoint: () => Promise.resolve(),
      onPaused: () => Promise.resolve(),
    });
  } finally {
    await learner.release();
  }
  return { weight: best[HEAD_WEIGHT]!.data as Float32Array, bias: best[HEAD_BIAS]!.data as Float32Array };
}

function parted(set: LabelledSet, rows: readonly number[], fraction: number, seed: number) {
  const { train, validation } = splitStratified(takeRows(set, rows), { fraction, seed });
  const rowOf = new Map(rows.map((row) => [set.images[row]!.fileName, row]));
  const rowsOf = ({ images }: LabelledSet) => images.map(({ fileName }) => rowOf.get(fileName)!);
  return { train: rowsOf(train), validation: rowsOf(validation) };
}

/** Probabilities, rows × C; with `flip` the means over image and mirror image. */
export function scoresOf(head: TrainedHead, { variants }: FloatTable, rows: readonly number[], flip: boolean): Float64Array {
  const used = flip ? variants : variants.slice(0, 1);
  const categories = head.bias.length;
  const width = head.weight.length / categories;
  const scores = new Float64Array(rows.length * categories);
  rows.forEach((row, place) => {
    for (let c = 0; c < categories; c++)
      for (const matrix of used) scores[place * categories + c]! += probability(head, matrix, row, c, width) / used.length;
  });
  return scores;
}

function probability({ weight, bias }: TrainedHead, matrix: Float32Array, row: number, c: number, width: number): number {
  let logit = bias[c]!;
  for (let k = 0; k < width; k++) logit += weight[c * width + k]! * matrix[row * width + k]!;
  return 1 / (1 + Math.exp(-logit));
}
