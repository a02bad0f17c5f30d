// labelscope evaluate: every metric of a model, or of any other program's predictions.
import { labelSet } from '../../dataset/labels';
import { readPredictions } from '../../dataset/predictions';
import { openAnnotations } from '../../dataset/index-cache';
import { bootstrap, type Interval, type Intervals } from '../../metrics/bootstrap';
import { evaluate as evaluateScores } from '../../metrics/evaluate';
import type { Evaluation, Quality } from '../../metrics/types';
import { bar, decimal, span, table } from '../io';
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
  THRESHOLD,
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
      threshold: {
        ...THRESHOLD,
        value: 'T|saved',
        help: "a score at or above it is a label, 0..1; saved: the model's own (default: 0.5)",
      },
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
  const onProgress = ({ done, total }: { done: number; total: number }) =>
    io.progress(`Evaluating  ${bar(done, total)}  ${done} of ${total} images`);
  const result = await engine.request('evaluate', params, { signal, onProgress });
  for (const { error } of result.failed) io.note(`left out: ${error}`);
  io.note(`Evaluated on ${result.annotations}.${result.savedTo === undefined ? '' : ` Kept in ${result.savedTo}.`}`);
  return result.evaluation;
}

async function ofPredictions(path: string, args: Arguments, { signal }: Session): Promise<Evaluation> {
  const [annotations, more] = args.positionals;
  if (more !== undefined) throw new UsageError('With --predictions give one annotation file and no model.');
  const threshold = thresholdOf(args) ?? 0.5;
  const index = await openAnnotations(annotations!, { signal });
  const categories = categoriesOf(args);
  const set = labelSet(index, defined({ categories }));
  const scores = await readPredictions(path, set, index);
  const scored = { images: set.images.length, categories: set.categories, labels: set.labels, scores };
  const options = bootstrapOf(args);
  const evaluation = evaluateScores(scored, { threshold });
  return options.replicates === 0 ? evaluation : { ...evaluation, intervals: bootstrap(scored, threshold, options) };
}

function report(evaluation: Evaluation): string[] {
  const { images, categories, micro, macro, threshold, intervals } = evaluation;
  const head = intervals ? ['95 %'] : [];
  const others: (readonly [string, number | null, Interval | undefined])[] = [
    ['mAP', evaluation.mAP, intervals?.mAP],
    ['CF1', evaluation.CF1, intervals?.CF1],
    ['Jaccard', evaluation.jaccard, intervals?.jaccard],
    ['exact match', evaluation.exactMatch, intervals?.exactMatch],
    ['Hamming loss', evaluation.hammingLoss, intervals?.hammingLoss],
    ['loss', evaluation.loss, intervals?.loss],
  ];
  return [
    `${images} images, ${categories.length} categories, threshold ${typeof threshold === 'number' ? threshold : 'of each category its own'}`,
    '',
    ...table([
      ['', 'precision', ...head, 'recall', ...head, 'F1', ...head],
      qualityRow('micro', micro, intervals?.micro),
      qualityRow('macro', macro, intervals?.macro),
    ]),
    '',
    others.map(([name, value, interval]) => `${name} ${decimal(value)}${interval ? ` (${span(interval)})` : ''}`).join('   '),
    ...(intervals ? [`95 % intervals over ${intervals.replicates} resamples of the images, seed ${intervals.seed}`] : []),
    '',
    ...table([
      ['category', 'tp', 'fp', 'fn', 'tn', 'precision', 'recall', 'F1', ...head, 'AP', ...head, 'best threshold', 'best F1'],
      ...evaluation.perCategory.map((row, c) => [
        row.category,
        ...[row.tp, row.fp, row.fn, row.tn],
        ...[row.precision, row.recall, row.f1].map(decimal),
        ...(intervals ? [span(intervals.perCategory[c]!.f1)] : []),
        decimal(row.ap),
        ...(intervals ? [span(intervals.perCategory[c]!.ap)] : []),
        ...[row.bestThreshold, row.bestF1].map(decimal),
      ]),
    ]),
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

function qualityRow(name: string, values: Quality, intervals: Intervals['micro'] | undefined): string[] {
  const keys = ['precision', 'recall', 'f1'] as const;
  return [name, ...keys.flatMap((key) => [decimal(values[key]), ...(intervals ? [span(intervals[key])] : [])])];
}
