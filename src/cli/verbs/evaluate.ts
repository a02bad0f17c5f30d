// labelscope evaluate: every metric of a model, or of any other program's predictions.
import { labelSet } from '../../dataset/labels';
import { readPredictions } from '../../dataset/predictions';
import { openAnnotations } from '../../dataset/index-cache';
import { unhurried } from '../../engine/client/unhurried';
import { type Interval, intervalsOf, replicated } from '../../metrics/bootstrap';
import { evaluate as evaluateScores } from '../../metrics/evaluate';
import type { Evaluation } from '../../metrics/types';
import { intervalNotes, spanOver } from '../intervals';
import { counted, decimal, table, thresholdWords } from '../io';
import { type Arguments, UsageError } from '../usage';
import {
  BOOTSTRAP_OPTIONS,
  bootstrapOf,
  CATEGORIES,
  categoriesOf,
  defined,
  DEVICE,
  deviceOf,
  DONE,
  FLIP,
  IMAGES,
  type Session,
  THRESHOLD_OR_SAVED,
  thresholdOf,
  thresholdOrSaved,
  type Verb,
} from '../verb';

export const evaluate: Verb = {
  spec: {
    positionals: 'RUN|MODEL [ANNOTATIONS]  |  evaluate --predictions FILE ANNOTATIONS',
    count: [1, 2],
    help: 'Precision, recall, F1, Jaccard, mAP and more, over all and per category.',
    options: {
      images: IMAGES,
      threshold: { ...THRESHOLD_OR_SAVED, help: `${THRESHOLD_OR_SAVED.help} (default: 0.5)` },
      predictions: { type: 'string', value: 'FILE.json|FILE.csv', help: 'scores of another program instead of a model' },
      categories: { ...CATEGORIES, help: 'with --predictions: these categories in this order' },
      flip: { ...FLIP, help: `${FLIP.help}; nothing is kept in the run` },
      ...BOOTSTRAP_OPTIONS,
      device: DEVICE,
    },
  },
  run: async (args, session) => {
    const predictions = args.text('predictions');
    const evaluation = predictions === undefined ? await ofModel(args, session) : await ofPredictions(predictions, args, session);
    session.io.result(evaluation, () => report(evaluation));
    return DONE;
  },
};

async function ofModel(args: Arguments, { io, engine, signal }: Session): Promise<Evaluation> {
  const [model, annotations] = args.positionals;
  const params = {
    model: model!,
    device: deviceOf(args),
    flip: args.flag('flip'),
    bootstrap: bootstrapOf(args),
    ...defined({ annotations, images: args.text('images'), threshold: thresholdOrSaved(args) }),
  };
  const result = await engine.request('evaluate', params, { signal, onProgress: counted(io, 'Evaluating') });
  for (const { error } of result.failed) io.note(`left out: ${error}`);
  io.note(`Evaluated on ${result.annotations}.${result.savedTo === undefined ? '' : ` Kept in ${result.savedTo}.`}`);
  return result.evaluation;
}

async function ofPredictions(path: string, args: Arguments, { io, signal }: Session): Promise<Evaluation> {
  const [annotations, more] = args.positionals;
  if (more !== undefined) throw new UsageError('With --predictions give one annotation file and no model.');
  const threshold = thresholdOf(args) ?? 0.5;
  const [read, resampled] = [counted(io, 'Reading', 'MB'), counted(io, 'Resampling', 'resamples')];
  const index = await openAnnotations(annotations!, { signal, onProgress: (done, total) => read({ done, total }) });
  const categories = categoriesOf(args);
  const set = labelSet(index, defined({ categories }));
  const scores = await readPredictions(path, set, index);
  const scored = { images: set.images.length, categories: set.categories, labels: set.labels, scores };
  const options = bootstrapOf(args);
  const evaluation = evaluateScores(scored, { threshold });
  const { replicates } = options;
  if (replicates === 0) return evaluation;
  const found = await unhurried(replicated(scored, threshold, options), signal, (done) =>
    resampled({ done: Math.floor(done), total: replicates }),
  );
  return { ...evaluation, intervals: intervalsOf(evaluation, found, options) };
}

function report(evaluation: Evaluation): string[] {
  const { images, categories, threshold, intervals, perCategory } = evaluation;
  const [averages, numbers, rows] = [averageRows(evaluation), otherNumbers(evaluation), categoryRows(evaluation)];
  const cells = [...averages, ...rows].flat();
  const notes = intervalNotes(
    perCategory.map(({ tp, fn }) => tp + fn),
    [...cells, ...numbers.map(({ interval }) => interval)],
  );
  return [
    `${images} images, ${categories.length} categories, threshold ${thresholdWords(threshold)}`,
    '',
    ...table(averages),
    '',
    numbers.map(({ name, value, interval }) => `${name} ${decimal(value)}${interval === '' ? '' : ` (${interval})`}`).join('   '),
    ...(intervals
      ? [`95 % intervals over ${intervals.replicates} resamples of the images, seed ${intervals.seed}`, ...notes]
      : []),
    '',
    ...table(rows),
    '',
    ...table([
      ['threshold', 'F1', 'Jaccard', 'precision', 'recall'],
      ...evaluation.sweep.map((point) => [
        String(point.threshold),
        ...[point.f1, point.jaccard, point.precision, point.recall].map(decimal),
      ]),
    ]),
  ];
}

/** A number, and where there are intervals its own. */
function cellsOf({ images, intervals }: Evaluation, value: number | null, interval: Interval | undefined): string[] {
  return [decimal(value), ...(intervals ? [spanOver(images, value, interval ?? null)] : [])];
}

function averageRows(evaluation: Evaluation): string[][] {
  const head = evaluation.intervals ? ['95 %'] : [];
  const keys = ['precision', 'recall', 'f1'] as const;
  const rows = (['micro', 'macro'] as const).map((average) => [
    average,
    ...keys.flatMap((key) => cellsOf(evaluation, evaluation[average][key], evaluation.intervals?.[average][key])),
  ]);
  return [['', 'precision', ...head, 'recall', ...head, 'F1', ...head], ...rows];
}

function otherNumbers(evaluation: Evaluation) {
  const { images, intervals } = evaluation;
  const names = {
    mAP: 'mAP',
    CF1: 'CF1',
    jaccard: 'Jaccard',
    exactMatch: 'exact match',
    hammingLoss: 'Hamming loss',
    loss: 'loss',
  } as const;
  return (Object.keys(names) as (keyof typeof names)[]).map((key) => {
    const value = evaluation[key];
    const interval = intervals && value !== null ? spanOver(images, value, intervals[key]) : '';
    return { name: names[key], value, interval };
  });
}

function categoryRows(evaluation: Evaluation): (string | number)[][] {
  const { intervals, perCategory } = evaluation;
  const head = intervals ? ['95 %'] : [];
  return [
    ['category', 'tp', 'fp', 'fn', 'tn', 'precision', 'recall', 'F1', ...head, 'AP', ...head, 'best threshold', 'best F1'],
    ...perCategory.map((row, c) => [
      row.category,
      ...[row.tp, row.fp, row.fn, row.tn],
      ...[row.precision, row.recall].map(decimal),
      ...cellsOf(evaluation, row.f1, intervals?.perCategory[c]!.f1),
      ...cellsOf(evaluation, row.ap, intervals?.perCategory[c]!.ap),
      ...[row.bestThreshold, row.bestF1].map(decimal),
    ]),
  ];
}
