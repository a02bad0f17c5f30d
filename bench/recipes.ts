// `npm run bench -- recipes`: changes of the recipe quick, and scikit-learn's logistic regression, on the same folds of the same features.
import { appendFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decimal, table as lines } from '../src/cli/io';
import { takeRows } from '../src/dataset/labels';
import type { LabelledSet } from '../src/dataset/types';
import { startRuntime, type Runtime } from '../src/engine/runtime/runtime';
import { evaluate } from '../src/metrics/evaluate';
import { decide } from '../src/metrics/decision';
import { fitThresholds } from '../src/metrics/thresholds';
import { UsageError, wholeNumber } from './cases';
import { type BenchData, type DataOptions, type Fold, foldsOf, loadBenchData } from './recipes-data';
import { scoresOf, trainHead } from './recipes-head';
import { regressionScores } from './recipes-peer';
import { CANDIDATES } from './recipes-settings';

type Say = (text: string) => void;

/** Of all images, each scored by the head that was not trained on it. */
interface Measured {
  readonly mAP: number | null;
  /** At 0.5. */
  readonly f1: number;
  /** At the one threshold that is best on each fold's validation images. */
  readonly f1Fitted: number;
  /** At the same. */
  readonly jaccard: number | null;
}

interface Row extends Measured {
  readonly name: string;
  readonly seed: number;
}

/** Scores of a fold's validation and test images, rows × C. */
export interface FoldScores {
  readonly validation: Float64Array;
  readonly test: Float64Array;
}

/** The report, as lines: mean and spread over the seeds. */
export async function benchRecipes(args: string[], say: Say): Promise<string[]> {
  const options = readOptions(args);
  const runtime = startRuntime(join(__dirname, 'worker.js'));
  try {
    const data = await loadBenchData(runtime, options, say);
    const { images, categories } = data.table.set;
    say(`${images.length} images, ${categories.length} categories, ${options.folds} folds`);
    const rows: Row[] = [];
    for (const seed of options.seeds) {
      const folds = foldsOf(data.table.set, options.folds, seed);
      for await (const row of measureAll(runtime, data, folds, seed, options)) {
        rows.push(row);
        say(`seed ${seed}: ${row.name} mAP ${decimal(row.mAP)} F1 ${decimal(row.f1)} fitted ${decimal(row.f1Fitted)}`);
        if (options.out !== undefined) await appendFile(options.out, JSON.stringify({ data: options.name, ...row }) + '\n');
      }
    }
    return report(rows);
  } finally {
    await runtime.close();
  }
}

async function* measureAll(
  runtime: Runtime,
  data: BenchData,
  folds: readonly Fold[],
  seed: number,
  { only, peer }: Options,
): AsyncGenerator<Row> {
  const { table } = data;
  for (const [name, { settings, flip = false }] of Object.entries(CANDIDATES)) {
    if (only && !only.includes(name)) continue;
    const scores: FoldScores[] = [];
    for (const fold of folds) {
      const head = await trainHead(runtime, data, fold, settings, seed);
      scores.push({ validation: scoresOf(head, table, fold.validation, flip), test: scoresOf(head, table, fold.test, flip) });
    }
    yield { name, seed, ...measure(table.set, folds, scores) };
  }
  if (!peer) return;
  for (const [name, scores] of Object.entries(await regressionScores(table, folds)))
    yield { name, seed, ...measure(table.set, folds, scores) };
}

function measure(set: LabelledSet, folds: readonly Fold[], scores: readonly FoldScores[]): Measured {
  const scored = (rows: readonly number[], values: Float64Array) => {
    const { labels, categories } = takeRows(set, rows);
    return { images: rows.length, categories, labels, scores: values };
  };
  const order = folds.flatMap(({ test }) => test);
  const joinedScores = Float64Array.from(scores.flatMap(({ test }) => [...test]));
  const decided = folds.flatMap(({ validation }, k) => {
    const fitted = fitThresholds(scored(validation, scores[k]!.validation), { mode: 'global', objective: { kind: 'f1' } });
    return Array.from(scores[k]!.test, (score) => Number(score >= fitted[0]!.threshold));
  });
  const { mAP, micro } = evaluate(scored(order, joinedScores));
  const atFitted = decide(scored(order, Float64Array.from(decided)), 0.5);
  return { mAP, f1: micro.f1, f1Fitted: atFitted.micro.f1, jaccard: atFitted.jaccard };
}

function report(rows: readonly Row[]): string[] {
  const names = [...new Set(rows.map(({ name }) => name))];
  const cell = (name: string, key: 'mAP' | 'f1' | 'f1Fitted' | 'jaccard') => {
    const values = rows.filter((row) => row.name === name).map((row) => row[key] ?? NaN);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return `${mean.toFixed(3)} (${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)})`;
  };
  const keys = ['mAP', 'f1', 'f1Fitted', 'jaccard'] as const;
  const head = ['', 'mAP', 'micro F1 at 0.5', 'micro F1 at fitted', 'Jaccard at fitted'];
  return lines([head, ...names.map((name) => [name, ...keys.map((key) => cell(name, key))])]);
}

interface Options extends DataOptions {
  readonly name: string;
  readonly folds: number;
  readonly seeds: readonly number[];
  readonly only: readonly string[] | undefined;
  readonly peer: boolean;
  readonly out: string | undefined;
}

function readOptions(args: string[]): Options {
  const { values, positionals } = parse(args);
  if (positionals.length === 0) throw new UsageError('Which annotation files?');
  const only = values.only?.split(',');
  const unknown = only?.find((name) => !Object.hasOwn(CANDIDATES, name) && name !== 'none');
  if (unknown !== undefined) throw new UsageError(`There is no '${unknown}'; there are ${Object.keys(CANDIDATES).join(', ')}.`);
  return {
    name: values.name,
    annotations: positionals,
    categories: values.categories?.split(','),
    includeUnlabeled: values['include-unlabeled'],
    fewest: wholeNumber('--fewest', values.fewest),
    backbone: join(__dirname, 'models', 'resnet50.onnx'),
    threads: availableParallelism(),
    folds: wholeNumber('--folds', values.folds),
    seeds: values.seeds.split(',').map(Number),
    only,
    peer: values.peer,
    out: values.out,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        name: { type: 'string', default: '' },
        categories: { type: 'string' },
        'include-unlabeled': { type: 'boolean', default: false },
        fewest: { type: 'string', default: '5' },
        folds: { type: 'string', default: '5' },
        seeds: { type: 'string', default: '0,1,2' },
        only: { type: 'string' },
        peer: { type: 'boolean', default: false },
        out: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
