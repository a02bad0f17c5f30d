// The protocol of the benchmark `recipes`: folds of the training images choose, the test images judge.
import { decide } from '../src/metrics/decision';
import { evaluate } from '../src/metrics/evaluate';
import { fitThresholds } from '../src/metrics/thresholds';
import type { ScoredSet } from '../src/metrics/types';
import { takeRows } from '../src/dataset/labels';
import { stratify } from '../src/dataset/stratify';
import type { LabelledSet } from '../src/dataset/types';
import { recipeWith } from '../src/engine/recipes';
import type { Runtime } from '../src/engine/runtime/runtime';
import { type BenchData, type Fold, foldsOf, type Pooling } from './recipes-data';
import { scoresOf, type Settings, trainHead } from './recipes-head';
import { regressionScores } from './recipes-peer';

export interface Row {
  readonly name: string;
  readonly seed: number;
  /** What chooses: the mean of mAP and micro F1 at 0.5 over the training images, each scored by a head that did not know it. */
  readonly choice: number;
  readonly mAP: number | null;
  /** Micro F1 at 0.5. */
  readonly f1: number;
  /** Micro F1 and Jaccard index at the one threshold that is best on those scores of the training images. */
  readonly f1Fitted: number;
  readonly jaccard: number | null;
  /** Mean time of the processor that training a head took, features known: it does not count what other programs took. */
  readonly seconds: number | null;
  /** The scored test images. */
  readonly test: ScoredSet;
}

export interface StudyOptions {
  readonly seed: number;
  readonly folds: number;
  readonly candidates: Readonly<Record<string, Settings>>;
  readonly peer: boolean;
  /** Whether every candidate is judged by means over image and mirror image as well. */
  readonly flip: boolean;
  /**
   * As with a validation file: what judges is divided into halves, and each half is judged by a head that has learned from all training images and whose
   * best iteration the other half has chosen.
   */
  readonly halves: boolean;
}

/** By fold the scores of its test rows: those that choose, then the one that judges. */
export type Scores = readonly Float64Array[];

/** By pooling; of the same images. */
export type Pooled = Readonly<Partial<Record<Pooling, BenchData>>>;

/** Those that the candidates learn from; means where there is none, for the peer alone. */
export function poolingsOf(candidates: StudyOptions['candidates']): Pooling[] {
  const found = new Set(Object.values(candidates).map(poolingOf));
  return found.size > 0 ? [...found] : ['average'];
}

function poolingOf(settings: Settings): Pooling {
  return recipeWith('quick', settings).pooling;
}

/** Every candidate; then the peer, on the features of each pooling. */
export async function* study(runtime: Runtime, pooled: Pooled, options: StudyOptions): AsyncGenerator<Row> {
  const { seed } = options;
  const any = Object.values(pooled)[0]!;
  const folds = foldsOf(any, options.folds, seed);
  const judged = (name: string, scores: Scores, seconds: number | null): Row => {
    return { name, seed, ...measure(any.table.set, folds, scores), seconds };
  };
  for (const [name, settings] of Object.entries(options.candidates)) {
    const { plain, flipped, seconds } = await trained(runtime, pooled[poolingOf(settings)]!, folds, settings, options);
    yield judged(name, plain, seconds);
    if (options.flip) yield judged(`${name} --flip`, flipped, seconds);
  }
  if (!options.peer) return;
  for (const [pooling, { table }] of Object.entries(pooled)) {
    const scores = await regressionScores(table, folds);
    for (const [name, own] of Object.entries(scores))
      yield judged(pooling === 'average' ? name : `${name}, ${pooling}`, own, null);
  }
}

async function trained(
  runtime: Runtime,
  data: BenchData,
  folds: readonly Fold[],
  settings: Settings,
  { seed, halves }: StudyOptions,
) {
  const plain: Float64Array[] = [];
  const flipped: Float64Array[] = [];
  let heads = 0;
  const start = process.cpuUsage();
  for (const [k, { train, test }] of folds.entries()) {
    const parts: readonly Part[] = halves && k === folds.length - 1 ? halvesOf(data, test, seed) : [{ test }];
    const scored: { readonly rows: readonly number[]; readonly of: (flip: boolean) => Float64Array }[] = [];
    for (const { test: rows, validation } of parts) {
      const head = await trainHead(runtime, data, { train, ...(validation && { validation }) }, settings, seed);
      heads++;
      scored.push({ rows, of: (flip: boolean) => scoresOf(head, data.table, rows, flip) });
    }
    const inOrder = (flip: boolean) =>
      ordered(
        scored.map(({ rows, of }) => ({ rows, scores: of(flip) })),
        test,
      );
    plain.push(inOrder(false));
    flipped.push(inOrder(true));
  }
  const { user, system } = process.cpuUsage(start);
  return { plain, flipped, seconds: (user + system) / heads / 1e6 };
}

interface Part {
  readonly test: readonly number[];
  readonly validation?: readonly number[];
}

function halvesOf({ table: { set } }: BenchData, rows: readonly number[], seed: number): readonly Part[] {
  const half = stratify(takeRows(set, rows), { shares: [0.5, 0.5], seed });
  const [first, second] = [0, 1].map((which) => rows.filter((_, k) => half[k] === which)) as [number[], number[]];
  return [
    { test: first, validation: second },
    { test: second, validation: first },
  ];
}

/** The scores of parts of `rows` in the order of these. */
function ordered(parts: readonly { readonly rows: readonly number[]; readonly scores: Float64Array }[], rows: readonly number[]) {
  const width = parts[0]!.scores.length / parts[0]!.rows.length;
  const placeOf = new Map(rows.map((row, place) => [row, place]));
  const all = new Float64Array(rows.length * width);
  for (const { rows: own, scores } of parts)
    own.forEach((row, k) => all.set(scores.subarray(k * width, (k + 1) * width), placeOf.get(row)! * width));
  return all;
}

function measure(set: LabelledSet, folds: readonly Fold[], scores: Scores): Omit<Row, 'name' | 'seed' | 'seconds'> {
  const known = scoredSet(set, folds.slice(0, -1), scores.slice(0, -1));
  const test = scoredSet(set, folds.slice(-1), scores.slice(-1));
  const { threshold } = fitThresholds(known, { mode: 'global', objective: { kind: 'f1' } })[0]!;
  const [chosenBy, { mAP, micro }, fitted] = [evaluate(known), evaluate(test), decide(test, threshold)];
  const choice = ((chosenBy.mAP ?? 0) + chosenBy.micro.f1) / 2;
  return { choice, mAP, f1: micro.f1, f1Fitted: fitted.micro.f1, jaccard: fitted.jaccard, test };
}

function scoredSet(set: LabelledSet, folds: readonly Fold[], scores: Scores): ScoredSet {
  const { labels, categories, images } = takeRows(
    set,
    folds.flatMap(({ test }) => test),
  );
  return { images: images.length, categories, labels, scores: Float64Array.from(scores.flatMap((values) => [...values])) };
}
