// What each call of a window has to carry. A window shows strangers' data: what it says is looked at before anybody acts on it.
import { type WindowCalls, WINDOW_COMMANDS, type WindowName } from './windows';

type Shape = (value: unknown) => boolean;

const text: Shape = (value) => typeof value === 'string';
const flag: Shape = (value) => typeof value === 'boolean';
const number: Shape = (value) => typeof value === 'number' && Number.isFinite(value);
const whole: Shape = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const share: Shape = (value) => number(value) && (value as number) >= 0 && (value as number) <= 1;
const nothing: Shape = (value) => value === null;
const bytes: Shape = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);

const either =
  (...shapes: readonly Shape[]): Shape =>
  (value) =>
    shapes.some((shape) => shape(value));
const oneOf =
  (...values: readonly unknown[]): Shape =>
  (value) =>
    values.includes(value);
const list =
  (of: Shape, length?: number): Shape =>
  (value) =>
    Array.isArray(value) && (length === undefined || value.length === length) && value.every(of);

/** An object with these fields and perhaps the `optional` ones, and no other: nothing is passed on that was not looked at. */
const object =
  (fields: Readonly<Record<string, Shape>>, optional: Readonly<Record<string, Shape>> = {}): Shape =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const known = new Map(Object.entries({ ...optional, ...fields }));
    const given = Object.entries(value).filter(([, each]) => each !== undefined);
    const fits = given.every(([name, each]) => known.get(name)?.(each) ?? false);
    return fits && Object.keys(fields).every((name) => given.some(([each]) => each === name));
  };

const range = list(number, 2);
const rows = list(whole);
const texts = list(text);

const filter = object({}, { text, has: rows, hasNot: rows, labels: range, longSide: range, aspect: range, size: range });
const division = either(object({ kind: oneOf('half') }), object({ kind: oneOf('folds'), folds: whole }));
const objective = either(
  object({ kind: oneOf('f1') }),
  object({ kind: oneOf('fbeta'), beta: number }),
  object({ kind: oneOf('precision-at-recall', 'recall-at-precision'), atLeast: share }),
  object({ kind: oneOf('cost'), falseAlarm: number, miss: number }),
);
const change = object(
  { image: text, category: text, decision: either(oneOf('accept', 'reject', 'skip'), nothing) },
  { kind: oneOf('missing', 'wrong'), score: number, date: text },
);
const pictures = { thumbnails: object({ ticket: whole, rows }), giveUp: object({ ticket: whole }) };

const common = {
  save: object({ name: text, content: either(text, bytes) }),
  open: object({ file: text }),
  command: object({ command: oneOf(...WINDOW_COMMANDS) }),
};

const SHAPES: { readonly [W in WindowName]: { readonly [C in keyof WindowCalls<W>]: Shape } } = {
  dataset: {
    ...common,
    ...pictures,
    browse: object({
      filter,
      finding: either(text, nothing),
      order: oneOf('file', 'name', 'labels', 'boxes', 'size'),
      descending: flag,
      offset: whole,
      limit: whole,
    }),
    checkImages: nothing,
    stopCheck: nothing,
    chooseFolder: nothing,
  },
  training: common,
  evaluation: {
    ...common,
    explain: object({ file: text, category: text }),
    saveThresholds: object({ mode: oneOf('global', 'per-category'), objective, division, seed: whole }),
    saveCalibration: object({ method: oneOf('temperature', 'platt'), folds: whole, seed: whole }),
    resetFitted: object({ what: oneOf('thresholds', 'calibration') }),
    measureLooking: object({ what: oneOf('pointing', 'sanity') }),
    showMap: object({ file: text, category: text }),
  },
  image: {
    ...common,
    explain: object({ categories: texts }),
    keepSettings: object({ colormap: oneOf('jet', 'turbo', 'viridis', 'magma'), opacity: share }),
  },
  labels: { ...common, explain: object({ categories: texts }) },
  review: {
    ...common,
    ...pictures,
    find: object({ includeUnlabeled: flag }),
    stop: nothing,
    decide: object({ changes: list(change) }),
    carryOver: nothing,
    image: object({ row: whole }),
    explain: object({ row: whole, category: text }),
    correct: nothing,
  },
  compare: {
    ...common,
    compare: object({ first: text, threshold: either(share, nothing) }),
    stop: nothing,
    openEvaluation: object({ folder: text }),
    report: object({ first: text, threshold: either(share, nothing) }),
  },
};

/** A call as it came. */
export interface WindowCall {
  readonly id: number;
  readonly call: string;
  readonly params: unknown;
}

/** What a message of a window says: that it is ready, a call that it may make, one that it may not, or nothing that is understood. */
export function understood(
  window: WindowName,
  message: unknown,
): 'ready' | WindowCall | { readonly id: number; readonly wrong: string } | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { kind, id, call, params } = message as Readonly<Record<string, unknown>>;
  if (kind === 'ready') return 'ready';
  if (kind !== 'call' || typeof id !== 'number' || typeof call !== 'string') return undefined;
  const shapes: Readonly<Record<string, Shape>> = SHAPES[window];
  if (!Object.hasOwn(shapes, call))
    return { id, wrong: `The window ${window} has no call ${JSON.stringify(call.slice(0, 40))}.` };
  if (!shapes[call]!(params)) return { id, wrong: `The call ${call} of the window ${window} does not carry what it has to.` };
  return { id, call, params };
}
