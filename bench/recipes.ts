// `npm run bench -- recipes`: changes of the recipe quick, and scikit-learn's logistic regression, on the same folds of the same features.
import { appendFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decimal } from '../src/cli/io';
import { startRuntime } from '../src/engine/runtime/runtime';
import { UsageError, wholeNumber } from './cases';
import { type BenchData, type DataOptions, loadBenchData, type Pooling } from './recipes-data';
import { report } from './recipes-report';
import { CANDIDATES } from './recipes-settings';
import { poolingsOf, type Row, study, type StudyOptions } from './recipes-study';

type Say = (text: string) => void;

/** The report, as lines. */
export async function benchRecipes(args: string[], say: Say): Promise<string[]> {
  const options = readOptions(args);
  const runtime = startRuntime(join(__dirname, 'worker.js'));
  try {
    const pooled: Partial<Record<Pooling, BenchData>> = {};
    for (const pooling of poolingsOf(options.candidates)) {
      const data = (pooled[pooling] = await loadBenchData(runtime, options, pooling, say));
      const { images, categories } = data.table.set;
      say(`${data.training} training and ${images.length - data.training} test images, ${categories.length} categories`);
    }
    const rows: Row[] = [];
    for (const seed of options.seeds) {
      for await (const row of study(runtime, pooled, { ...options, seed })) {
        rows.push(row);
        say(`seed ${seed}: ${row.name} ${decimal(row.choice)}, test mAP ${decimal(row.mAP)} F1 ${decimal(row.f1)}`);
        if (options.out !== undefined) await appendFile(options.out, lineOf(options.name, row));
      }
    }
    return report(rows);
  } finally {
    await runtime.close();
  }
}

function lineOf(data: string, row: Row): string {
  return JSON.stringify({ data, ...row, test: undefined }) + '\n';
}

interface Options extends DataOptions, Omit<StudyOptions, 'seed'> {
  readonly name: string;
  readonly seeds: readonly number[];
  readonly out: string | undefined;
}

function readOptions(args: string[]): Options {
  const { values, positionals } = parse(args);
  const [training, test] = positionals;
  if (training === undefined || test === undefined) throw new UsageError('Which annotation files: training and test?');
  const candidates = chosenCandidates(values.only);
  return {
    name: values.name,
    annotations: [training, test],
    categories: values.categories?.split(','),
    includeUnlabeled: values['include-unlabeled'],
    fewest: wholeNumber('--fewest', values.fewest),
    backbone: join(__dirname, 'models', 'resnet50.onnx'),
    imageSize: values['image-size'] === undefined ? 0 : wholeNumber('--image-size', values['image-size']),
    threads: availableParallelism(),
    folds: wholeNumber('--folds', values.folds),
    seeds: values.seeds.split(',').map(Number),
    candidates,
    peer: values.peer,
    flip: values.flip,
    mirrored: values.flip || Object.values(candidates).some(({ reflection }) => reflection === 'true'),
    halves: values.halves,
    out: values.out,
  };
}

function chosenCandidates(only: string | undefined): StudyOptions['candidates'] {
  if (only === undefined) return CANDIDATES;
  const names = only === 'none' ? [] : only.split(',');
  const unknown = names.find((name) => !Object.hasOwn(CANDIDATES, name));
  if (unknown !== undefined) throw new UsageError(`There is no '${unknown}'; there are ${Object.keys(CANDIDATES).join(', ')}.`);
  return Object.fromEntries(names.map((name) => [name, CANDIDATES[name]!]));
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
        'image-size': { type: 'string' },
        fewest: { type: 'string', default: '5' },
        folds: { type: 'string', default: '3' },
        seeds: { type: 'string', default: '0,1,2' },
        only: { type: 'string' },
        peer: { type: 'boolean', default: false },
        flip: { type: 'boolean', default: false },
        halves: { type: 'boolean', default: false },
        out: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
