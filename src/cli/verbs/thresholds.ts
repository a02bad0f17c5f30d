// labelscope thresholds: thresholds by an objective, what to expect of them on new images, and saving them into the model.
import type { Objective } from '../../metrics/objective';
import type { ThresholdsResult } from '../../protocol/fitting';
import { decimal, table } from '../io';
import { type Arguments, UsageError } from '../usage';
import { DONE, foldsOf, seedOf, type Session, type Verb } from '../verb';
import { FIT_OPTIONS, followed, savingOf } from './fitting';

const KINDS: readonly Objective['kind'][] = ['f1', 'fbeta', 'precision-at-recall', 'recall-at-precision', 'cost'];

export const thresholds: Verb = {
  spec: {
    positionals: 'RUN',
    count: [1, 1],
    help: "Fit a run's thresholds to the scores of its evaluation, judge them on held-out images, and save them into its model.",
    options: {
      'per-category': { type: 'boolean', help: 'a threshold for each category (default: one for all)' },
      objective: { type: 'string', value: KINDS.join('|'), help: 'what they are to be best for (default: f1)' },
      beta: { type: 'string', value: 'B', help: 'with fbeta: recall counts B times as much as precision (default: 2)' },
      'at-least': { type: 'string', value: 'R', help: 'the recall, or the precision, to reach (default: 0.9)' },
      'cost-false-alarm': { type: 'string', value: 'C', help: 'with cost: the price of a false alarm (default: 1)' },
      'cost-miss': { type: 'string', value: 'C', help: 'with cost: the price of a miss (default: 1)' },
      ...FIT_OPTIONS,
      folds: { type: 'string', value: 'K', help: 'judge by K-fold cross-fitting (default: fit one half, judge the other)' },
      reset: { type: 'boolean', help: 'take the thresholds in the model back to 0.5' },
    },
  },
  run: async (args, session) => {
    const saving = savingOf(args);
    const model = args.positionals[0]!;
    if (saving === 'reset') return resetThresholds(model, session);
    const folds = foldsOf(args);
    const params = {
      model,
      mode: args.flag('per-category') ? ('per-category' as const) : ('global' as const),
      objective: objectiveOf(args),
      division: folds === undefined ? ({ kind: 'half' } as const) : ({ kind: 'folds', folds } as const),
      seed: seedOf(args) ?? 0,
      save: saving === 'save',
    };
    const result = await session.engine.request('thresholds', params, followed(session));
    for (const note of notes(result)) session.io.note(note);
    session.io.result(result, () => lines(result));
    return DONE;
  },
};

async function resetThresholds(model: string, { engine, io, signal }: Session): Promise<number> {
  const result = await engine.request('reset', { model, what: 'thresholds' }, { signal });
  io.result(result, () => [`Every threshold in ${result.model} is 0.5 again.`]);
  return DONE;
}

function objectiveOf(args: Arguments): Objective {
  const kind = args.choice('objective', KINDS, 'f1');
  const price = (name: string) => args.number(name, { min: 0, max: 1e9 });
  const given = { beta: args.number('beta', { min: 1e-3, max: 100 }), atLeast: args.number('at-least', { min: 1e-6, max: 1 }) };
  const prices = { falseAlarm: price('cost-false-alarm'), miss: price('cost-miss') };
  const stray = strayOption(kind, { ...given, ...prices });
  if (stray !== undefined) throw new UsageError(`--${stray} has no meaning for the objective ${kind}.`);
  if (kind === 'f1') return { kind };
  if (kind === 'fbeta') return { kind, beta: given.beta ?? 2 };
  if (kind !== 'cost') return { kind, atLeast: given.atLeast ?? 0.9 };
  const { falseAlarm = 1, miss = 1 } = prices;
  if (falseAlarm + miss === 0) throw new UsageError('--cost-false-alarm and --cost-miss may not both be 0.');
  return { kind, falseAlarm, miss };
}

const OWNERS: readonly (readonly [option: string, key: string, kinds: readonly Objective['kind'][]])[] = [
  ['beta', 'beta', ['fbeta']],
  ['at-least', 'atLeast', ['precision-at-recall', 'recall-at-precision']],
  ['cost-false-alarm', 'falseAlarm', ['cost']],
  ['cost-miss', 'miss', ['cost']],
];

/** An option that was given and belongs to another objective. */
function strayOption(kind: Objective['kind'], given: Readonly<Record<string, number | undefined>>): string | undefined {
  return OWNERS.find(([, key, kinds]) => given[key] !== undefined && !kinds.includes(kind))?.[0];
}

function notes({ perCategory, mode, saved, model }: ThresholdsResult): string[] {
  const borrowed = perCategory.filter(({ from }) => mode === 'per-category' && from !== 'category');
  const missed = perCategory.filter(({ reached, from }) => !reached && from !== 'default');
  const names = (rows: typeof perCategory) => rows.map(({ category }) => category).join(', ');
  return [
    ...(borrowed.length > 0 ? [`no image shows them, so they have the threshold of all: ${names(borrowed)}`] : []),
    ...(missed.length > 0 ? [`no threshold reaches what was asked for, the closest is given: ${names(missed)}`] : []),
    ...(saved ? [`Saved in ${model}.`] : []),
  ];
}

const WORDS: Readonly<Record<Objective['kind'], string>> = {
  f1: 'F1',
  fbeta: 'F-beta',
  'precision-at-recall': 'precision',
  'recall-at-precision': 'recall',
  cost: 'cost of an image',
};

function lines(result: ThresholdsResult): string[] {
  const { images, annotations, objective, division, micro, macro, perCategory, saved } = result;
  const value = WORDS[objective.kind];
  const how = division.kind === 'half' ? 'fitted on one half, judged on the other' : `${division.folds}-fold cross-fitting`;
  const numbers = (
    row: { readonly [K in 'fitted' | 'heldOut' | 'atHalf']: number | null } & { readonly optimism: number | null },
  ) => [row.fitted, row.heldOut, row.optimism, row.atHalf].map(decimal);
  const flat = ({ fitted, heldOut, atHalf, optimism }: ThresholdsResult['micro']) =>
    numbers({ fitted: fitted.value, heldOut: heldOut.value, atHalf: atHalf.value, optimism });
  return [
    `${images} images of ${annotations}: ${value}, ${how}`,
    '',
    ...table([
      ['category', 'images', 'threshold', 'fitted', 'held out', 'optimism', 'at 0.5', 'precision', 'recall'],
      ...perCategory.map((row) => [
        row.category,
        row.positives,
        decimal(row.threshold),
        ...flat(row),
        decimal(row.heldOut.precision),
        decimal(row.heldOut.recall),
      ]),
      ['all together', '', '', ...flat(micro), decimal(micro.heldOut.precision), decimal(micro.heldOut.recall)],
      ['mean', '', '', ...numbers(macro), '', ''],
    ]),
    '',
    'Precision and recall are those of the held-out images.',
    ...(saved ? [] : ['Next: the same with --save puts the thresholds into the model.']),
  ];
}
