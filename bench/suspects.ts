// `npm run bench -- suspects ANNOTATIONS…`: how high labels that were planted wrong rank among the suspects, beside the plain loss and chance.
import { dirname, join } from 'node:path';
import { table } from '../src/cli/io';
import { stratify } from '../src/dataset/stratify';
import { takeRows } from '../src/dataset/labels';
import type { LabelledSet } from '../src/dataset/types';
import { defaultBackbonePath } from '../src/engine/backbone/locate';
import { openSplit } from '../src/engine/data';
import { featureCache } from '../src/engine/feature-cache';
import { computeFeatures, type FeatureTable } from '../src/engine/features';
import { recipeWith } from '../src/engine/recipes';
import { outOfFoldScores } from '../src/engine/review/folds';
import { startRuntime } from '../src/engine/runtime/runtime';
import { classifierFrom, sha256Of } from '../src/engine/train/classifier';
import { FEWEST, findSuspects } from '../src/metrics/suspects';
import { randomStream } from '../src/metrics/random';
import { UsageError } from './cases';

const SEEDS = [0, 1, 2];
const FOLDS = 5;
/** Share of the labels that are taken away, and as many are added to images that lack them. */
const SHARE = 0.05;
const AT = [50, 100, 200];
const DEVICE = { device: 'cpu', reason: '', threads: 0 } as const;
const { signal } = new AbortController();

/** Of categories that are judged: rare ones are left alone, whatever was planted in them. */
export async function benchSuspects(files: readonly string[], note: (text: string) => void): Promise<string[]> {
  if (files.length === 0) throw new UsageError('suspects needs ANNOTATIONS…: files of the same categories.');
  const runtime = startRuntime(join(__dirname, 'worker.js'));
  try {
    const recipe = recipeWith('quick', {});
    const { set, paths } = await opened(files);
    const backbone = defaultBackbonePath();
    const classifier = await classifierFrom(backbone, set.categories.length, 0, recipe);
    const { width, height } = classifier;
    const source = { backbone: await sha256Of(backbone), width, height, device: DEVICE.device, pooling: recipe.pooling };
    const cache = await featureCache(files[0]!, source);
    note(`features of ${paths.length} images`);
    const { rows, variants } = await computeFeatures(runtime, classifier, DEVICE, {
      ids: set.images.map(({ id }) => id),
      ...{ paths, images: dirname(paths[0]!), mirrored: false, cache, signal },
      onProgress: () => undefined,
      onUnreadable: note,
    });
    const table = { set: takeRows(set, rows), variants };
    const rounds: Round[] = [];
    for (const seed of SEEDS) {
      note(`seed ${seed}`);
      const planted = plant(table, seed);
      const parts = stratify(planted.table.set, { shares: new Array<number>(FOLDS).fill(1 / FOLDS), seed });
      const scores = await outOfFoldScores(planted.table, parts, {
        ...{ runtime, classifier, device: DEVICE, recipe, seed, signal },
        onProgress: () => undefined,
      });
      rounds.push(...roundsOf(planted, scores));
    }
    return [`${set.images.length} images, ${set.categories.length} categories`, '', ...report(rounds)];
  } finally {
    await runtime.close();
  }
}

async function opened(files: readonly string[]): Promise<{ set: LabelledSet; paths: string[] }> {
  const options = { images: undefined, categories: undefined, includeUnlabeled: true, signal, say: () => undefined };
  const splits = await Promise.all(files.map((annotations) => openSplit({ ...options, annotations })));
  const { categories } = splits[0]!.set;
  if (splits.some(({ set }) => set.categories.join('\n') !== categories.join('\n')))
    throw new UsageError('The files have different categories.');
  const images = splits.flatMap(({ set }) => set.images);
  const labels = Uint8Array.from(splits.flatMap(({ set }) => [...set.labels]));
  return { set: { categories, images, labels }, paths: splits.flatMap(({ paths }) => paths) };
}

type LabelledTable = FeatureTable & { readonly set: LabelledSet };

interface Planted {
  readonly table: LabelledTable;
  /** Entries of the labels (image × categories) that were turned over. */
  readonly turned: ReadonlySet<number>;
  /** Entries of categories that are judged. */
  readonly judged: readonly number[];
}

function plant({ set, variants }: LabelledTable, seed: number): Planted {
  const { labels, categories } = set;
  const given = categories.map((_, c) => labels.filter((label, at) => at % categories.length === c && label === 1).length);
  // Some more than are needed, for those that are taken away.
  const judged = Array.from(labels.keys()).filter((at) => given[at % categories.length]! >= 2 * FEWEST);
  const random = randomStream('plant', seed);
  const [present, absent] = [1, 0].map((label) => random.shuffle(judged.filter((at) => labels[at] === label)));
  const count = Math.round(SHARE * present!.length);
  const turned = new Set([...present!.slice(0, count), ...absent!.slice(0, count)]);
  const noisy = labels.map((label, at) => (turned.has(at) ? 1 - label : label));
  return { table: { set: { ...set, labels: noisy }, variants }, turned, judged };
}

interface Round {
  /** Entries that confident learning lists, and how many of the planted ones are among them. */
  readonly listed: number;
  readonly found: number;
  readonly ranking: string;
  readonly kind: 'missing' | 'wrong' | 'both';
  readonly planted: number;
  readonly ap: number;
  readonly precision: readonly number[];
}

function roundsOf({ table: { set }, turned, judged }: Planted, scores: Float32Array): Round[] {
  const { labels, categories, images } = set;
  const { suspects } = findSuspects({ images: images.length, categories, labels, scores });
  const suspected = new Set(suspects.map(({ image, category }) => image * categories.length + category));
  const own = (at: number) => (labels[at] === 1 ? scores[at]! : 1 - scores[at]!);
  const rankings: Readonly<Record<string, (at: number) => number>> = {
    'confident learning': (at) => (suspected.has(at) ? 1 : 0) - own(at),
    'largest loss': (at) => -own(at),
    chance: () => 0,
  };
  return Object.entries(rankings).flatMap(([ranking, of]) =>
    (['missing', 'wrong', 'both'] as const).map((kind) => {
      const entries = judged.filter((at) => kind === 'both' || (labels[at] === 1) === (kind === 'wrong'));
      const listed = entries.filter((at) => suspected.has(at));
      const found = listed.filter((at) => turned.has(at)).length;
      return { ranking, kind, listed: listed.length, found, ...judgedRanking(entries, of, turned) };
    }),
  );
}

function judgedRanking(entries: readonly number[], of: (at: number) => number, turned: ReadonlySet<number>) {
  const planted = entries.filter((at) => turned.has(at)).length;
  const values = new Map(entries.map((at) => [at, of(at)]));
  if (new Set(values.values()).size === 1) {
    const rate = planted / entries.length;
    return { planted, ap: rate, precision: AT.map(() => rate) };
  }
  const order = [...entries].sort((a, b) => values.get(b)! - values.get(a)!);
  let [found, sum] = [0, 0];
  const precision: number[] = [];
  order.forEach((at, k) => {
    if (turned.has(at)) sum += ++found / (k + 1);
    if (AT.includes(k + 1)) precision.push(found / (k + 1));
  });
  return { planted, ap: sum / planted, precision };
}

function report(rounds: readonly Round[]): string[] {
  const groups = new Map<string, Round[]>();
  for (const round of rounds) {
    const key = `${round.kind}\n${round.ranking}`;
    groups.set(key, [...(groups.get(key) ?? []), round]);
  }
  const rows = [...groups].map(([key, own]) => {
    const [kind, ranking] = key.split('\n') as [string, string];
    const cell = (of: (round: Round) => number) => spread(own.map(of));
    return [ranking, kind, cell(({ ap }) => ap), ...AT.map((_, k) => cell(({ precision }) => precision[k]!))];
  });
  const planted = rounds.find(({ kind }) => kind === 'both')!.planted;
  return [
    `${planted} labels turned over a seed, half of them taken away; mean (lowest–highest) of ${SEEDS.length} seeds`,
    '',
    ...listedLines(rounds),
    '',
    ...table([['ranking', 'planted', 'average precision', ...AT.map((k) => `precision at ${k}`)], ...rows]),
  ];
}

function listedLines(rounds: readonly Round[]): string[] {
  const ranking = rounds[0]!.ranking;
  return (['missing', 'wrong'] as const).map((kind) => {
    const own = rounds.filter((round) => round.kind === kind && round.ranking === ranking);
    const mean = (of: (round: Round) => number) => own.reduce((sum, round) => sum + of(round), 0) / own.length;
    return `${kind}: ${mean(({ listed }) => listed).toFixed(0)} listed; of ${own[0]!.planted} planted ${mean(({ found }) => found).toFixed(1)}`;
  });
}

function spread(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return `${mean.toFixed(3)} (${Math.min(...values).toFixed(3)}–${Math.max(...values).toFixed(3)})`;
}
