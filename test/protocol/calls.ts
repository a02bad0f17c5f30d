// Every call that a window makes, by window, with what it carries.
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
export const CALLS: Readonly<Record<WindowName, readonly (readonly [string, unknown])[]>> = {
  dataset: [
    ...COMMON,
    ...PICTURES,
    ['browse', { ...QUERY, filter: {} }],
    ['browse', { ...QUERY, filter: { text: 'a', has: [1], hasNot: [2], labels: [0, 3], aspect: [0.5, 1], size: [640, 480] } }],
    ['checkImages', null],
    ['stopCheck', null],
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
