// Messages of a window: what our windows say is understood, and whatever else comes is refused without an exception.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { understood } from '../../src/protocol/window-shapes';
import { WINDOW_COMMANDS, type WindowName } from '../../src/protocol/windows';

const DIVISIONS = [{ kind: 'half' }, { kind: 'folds', folds: 5 }];
const OBJECTIVES = [
  { kind: 'f1' },
  { kind: 'fbeta', beta: 2 },
  { kind: 'precision-at-recall', atLeast: 0.9 },
  { kind: 'recall-at-precision', atLeast: 0.9 },
  { kind: 'cost', falseAlarm: 1, miss: 5 },
];

const COMMON: readonly [string, unknown][] = [
  ['save', { name: 'chart.svg', content: '<svg/>' }],
  ['save', { name: 'chart.png', content: new Uint8Array(3) }],
  ['open', { file: '/a.jpg' }],
  ...WINDOW_COMMANDS.map((command): [string, unknown] => ['command', { command }]),
];
const PICTURES: readonly [string, unknown][] = [
  ['thumbnails', { ticket: 1, rows: [0, 5] }],
  ['giveUp', { ticket: 1 }],
];
const QUERY = { finding: null, order: 'labels', descending: true, offset: 0, limit: 60 };

/** One call of each kind at least. */
const CALLS: Readonly<Record<WindowName, readonly (readonly [string, unknown])[]>> = {
  dataset: [
    ...COMMON,
    ...PICTURES,
    ['browse', { ...QUERY, filter: {} }],
    ['browse', { ...QUERY, filter: { text: 'a', has: [1], hasNot: [2], labels: [0, 3], aspect: [0.5, 1], size: [640, 480] } }],
    ['checkImages', null],
    ['chooseFolder', null],
  ],
  training: COMMON,
  evaluation: [
    ...COMMON,
    ['explain', { file: '/a.jpg', category: 'dog' }],
    ...OBJECTIVES.flatMap((objective) =>
      DIVISIONS.map((division) => ['saveThresholds', { mode: 'global', objective, division, seed: 0 }] as const),
    ),
    ['saveCalibration', { method: 'platt', folds: 5, seed: 0 }],
    ['resetFitted', { what: 'thresholds' }],
    ['measureLooking', { what: 'sanity' }],
    ['showMap', { file: '/a.jpg', category: 'dog' }],
  ],
  image: [...COMMON, ['explain', { categories: ['dog'] }], ['keepSettings', { colormap: 'jet', opacity: 0.5 }]],
  labels: [...COMMON, ['explain', { categories: [] }]],
  review: [
    ...COMMON,
    ...PICTURES,
    ['find', { includeUnlabeled: false }],
    ['stop', null],
    ['decide', { changes: [{ image: 'a', category: 'b', decision: null }] }],
    ['decide', { changes: [{ image: 'a', category: 'b', decision: 'accept', kind: 'wrong', score: 0.1, date: '2026-01-01' }] }],
    ['carryOver', null],
    ['image', { row: 3 }],
    ['explain', { row: 3, category: 'dog' }],
    ['correct', null],
  ],
  compare: [
    ...COMMON,
    ['compare', { first: '/run', threshold: null }],
    ['openEvaluation', { folder: '/run' }],
    ['report', { first: '/run', threshold: 0.3 }],
  ],
};
const WINDOWS = Object.keys(CALLS) as WindowName[];
const EVERY = WINDOWS.flatMap((window) => CALLS[window].map(([call, params]) => ({ window, call, params })));

const message = (call: unknown, params: unknown) => ({ kind: 'call', id: 7, call, params });

describe('a message of a window', () => {
  it('is understood where it is a call that the window may make', () => {
    for (const { window, call, params } of EVERY)
      expect(understood(window, message(call, params)), `${window} ${call}`).toEqual({ id: 7, call, params });
    for (const window of WINDOWS) expect(understood(window, { kind: 'ready' })).toBe('ready');
  });

  it('is refused in the name of another window', () => {
    expect(understood('training', message('correct', null))).toEqual({
      id: 7,
      wrong: expect.stringContaining('correct') as string,
    });
    for (const call of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])
      for (const window of WINDOWS) expect(understood(window, message(call, {}))).toHaveProperty('wrong');
  });

  it('is refused where a field is missing, is one too many or is something else', () => {
    const withFields = EVERY.filter(({ params }) => typeof params === 'object' && params !== null);
    const damage = fc.tuple(
      fc.constantFrom(...withFields),
      fc.nat(),
      fc.constantFrom('missing', 'more', 'other'),
      fc.jsonValue(),
    );
    const property = fc.property(damage, ([{ window, call, params }, place, how, value]) => {
      const fields = Object.entries(params as Readonly<Record<string, unknown>>);
      const [name, old] = fields[place % fields.length]!;
      const changed =
        how === 'missing'
          ? Object.fromEntries(fields.filter(([each]) => each !== name))
          : how === 'more'
            ? Object.fromEntries([...fields, ['annotations', value]])
            : { ...(params as object), [name]: { old, value } };
      expect(understood(window, message(call, changed))).toEqual({ id: 7, wrong: expect.any(String) as string });
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it('whatever it is, throws nothing and leads to no call that it does not fit', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.record({
        kind: fc.constantFrom('ready', 'call', 'event'),
        id: fc.anything(),
        call: fc.anything(),
        params: fc.anything(),
      }),
      fc.tuple(fc.constantFrom(...EVERY), fc.anything()).map(([{ call }, params]) => message(call, params)),
    );
    const property = fc.property(fc.constantFrom(...WINDOWS), anything, (window, said) => {
      const answer = understood(window, said);
      if (answer === undefined || answer === 'ready' || 'wrong' in answer) return;
      expect(CALLS[window].map(([call]) => call)).toContain(answer.call);
    });
    fc.assert(property, { numRuns: 5000 });
  });
});
