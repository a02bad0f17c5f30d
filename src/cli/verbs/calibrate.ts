// labelscope calibrate: scores that can be read as probabilities, judged on held-out images, and saved into the model.
import type { CalibrationErrors } from '../../metrics/calibrate';
import type { ScalingMethod, ScalingNote } from '../../metrics/scaling';
import type { CalibrateResult } from '../../protocol/fitting';
import { decimal, table } from '../io';
import { DONE, foldsOf, seedOf, type Session, type Verb } from '../verb';
import { FIT_OPTIONS, followed, savingOf } from './fitting';

const METHODS: readonly ScalingMethod[] = ['temperature', 'platt'];

export const calibrate: Verb = {
  spec: {
    positionals: 'RUN',
    count: [1, 1],
    help: "Fit scale and shift of a run's logits to the scores of its evaluation, judge them on held-out images, and save them into its model.",
    options: {
      method: {
        type: 'string',
        value: METHODS.join('|'),
        help: 'one scale for all, or scale and shift a category (default: temperature)',
      },
      ...FIT_OPTIONS,
      folds: { type: 'string', value: 'K', help: 'folds of the cross-fitting by which it is judged (default: 5)' },
      reset: { type: 'boolean', help: 'take the calibration out of the model' },
    },
  },
  run: async (args, session) => {
    const saving = savingOf(args);
    const model = args.positionals[0]!;
    if (saving === 'reset') return resetCalibration(model, session);
    const method = args.choice('method', METHODS, 'temperature');
    const params = { model, method, folds: foldsOf(args) ?? 5, seed: seedOf(args) ?? 0, save: saving === 'save' };
    const result = await session.engine.request('calibrate', params, followed(session));
    if (result.saved) session.io.note(`Saved in ${result.model}.`);
    session.io.result(result, () => lines(result));
    return DONE;
  },
};

async function resetCalibration(model: string, { engine, io, signal }: Session): Promise<number> {
  const result = await engine.request('reset', { model, what: 'calibration' }, { signal });
  io.result(result, () => [`${result.model} gives probabilities as it was trained to again.`]);
  return DONE;
}

const NOTES: Readonly<Record<ScalingNote, string>> = {
  'no-positives': 'no image shows it: the scale of all',
  'no-negatives': 'every image shows it: the scale of all',
  'not-rising': 'scores do not rise with it: the scale of all',
};

function lines(result: CalibrateResult): string[] {
  const { images, annotations, scaling, folds, before, after, saved } = result;
  const pair = (key: keyof CalibrationErrors, one: CalibrationErrors, other: CalibrationErrors) => [
    decimal(one[key]),
    decimal(other[key]),
  ];
  const errors = (one: CalibrationErrors, other: CalibrationErrors) => [
    ...pair('ece', one, other),
    ...pair('nll', one, other),
    ...pair('brier', one, other),
  ];
  const rows = before.perCategory.map((row, c) => [
    row.category,
    decimal(scaling.scale[c]),
    decimal(scaling.shift[c]),
    ...errors(row, after.perCategory[c]!),
    scaling.notes[c] ? NOTES[scaling.notes[c]] : '',
  ]);
  const head = ['ECE', 'after', 'loss', 'after', 'Brier', 'after'];
  return [
    `${images} images of ${annotations}: ${scaling.method} scaling, temperature ${decimal(scaling.temperature)}`,
    '',
    ...table([
      ['category', 'scale', 'shift', ...head, ''],
      ...rows,
      ['mean', '', '', ...errors(before.mean, after.mean), ''],
      ['all together', '', '', ...errors(before.pooled, after.pooled), ''],
    ]),
    '',
    `After: each image by what was fitted on the other folds of ${folds}.`,
    ...(saved ? [] : ['Next: the same with --save puts scale and shift into the model.']),
  ];
}
