// What the benchmark `recipes` compares: changes of the recipe `quick`.
import type { Settings } from './recipes-head';

export interface Candidate {
  readonly settings: Settings;
  /** Scores are means over image and mirror image. */
  readonly flip?: boolean;
}

const STANDARD = { standardize: 'true', learnRate: '0.00005', l2: '1' } as const;

const MILD = { loss: 'asl', aslGammaNegative: '2', aslClip: '0' } as const;

export const CANDIDATES: Readonly<Record<string, Candidate>> = {
  quick: { settings: {} },
  flip: { settings: {}, flip: true },
  'no-reflection': { settings: { reflection: 'false' } },
  'weight-balanced': { settings: { positiveWeight: 'balanced' } },
  'weight-sqrt': { settings: { positiveWeight: 'sqrt' } },
  asl: { settings: { loss: 'asl' } },
  'asl-mild': { settings: MILD },
  smoothing: { settings: { labelSmoothing: '0.1' } },
  'mixup-0.2': { settings: { mixup: '0.2' } },
  'mixup-1': { settings: { mixup: '1' } },
  ema: { settings: { ema: '0.99' } },
  constant: { settings: { learnRateSchedule: 'constant' } },
  warmup: { settings: { warmup: '50' } },
  'l2-0.05': { settings: { l2: '0.05' } },
  'l2-0.1': { settings: { l2: '0.1' } },
  'l2-0.4': { settings: { l2: '0.4' } },
  'l2-0.8': { settings: { l2: '0.8' } },
  'rate-half': { settings: { learnRate: '0.0002' } },
  'rate-double': { settings: { learnRate: '0.0008' } },
  'epochs-120': { settings: { epochs: '120' } },
  standardize: { settings: STANDARD },
  'standardize-l2-0.3': { settings: { ...STANDARD, l2: '0.3' } },
  'asl-mild+smoothing': { settings: { ...MILD, labelSmoothing: '0.1' } },
  'asl-mild+weight-sqrt': { settings: { ...MILD, positiveWeight: 'sqrt' } },
  'asl-mild+rate-half': { settings: { ...MILD, learnRate: '0.0002' } },
  'asl-mild+epochs-120': { settings: { ...MILD, epochs: '120' } },
  'asl-mild+mixup-0.2': { settings: { ...MILD, mixup: '0.2' } },
  'asl-mild+flip': { settings: MILD, flip: true },
  'asl+weight-sqrt': { settings: { loss: 'asl', positiveWeight: 'sqrt' } },
  'asl+rate-half': { settings: { loss: 'asl', learnRate: '0.0002' } },
  'asl+flip': { settings: { loss: 'asl' }, flip: true },
  'asl-3': { settings: { loss: 'asl', aslGammaNegative: '3', aslClip: '0.02' } },
  'smoothing+weight-sqrt': { settings: { labelSmoothing: '0.1', positiveWeight: 'sqrt' } },
  'standardize-l2-3': { settings: { ...STANDARD, l2: '3' } },
};
