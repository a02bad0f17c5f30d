// What the benchmark `recipes` compares: changes of the recipe `quick`. None was chosen by its test images.
import type { Settings } from './recipes-head';

/** Exponent of the focusing factor of the negatives, and their margin. */
const asl = (gamma: string, clip: string): Settings => ({ loss: 'asl', aslGammaNegative: gamma, aslClip: clip });

/** As in Ridnik, Ben-Baruch et al., "Asymmetric Loss for Multi-Label Classification", ICCV 2021. */
const ASL = asl('4', '0.05');
const MILD = asl('2', '0');
/** Features of deviation 1 are about twice as large as they come. */
const STANDARD: Settings = { standardize: 'true', learnRate: '0.00005', l2: '1' };
const ROOT: Settings = { positiveWeight: 'sqrt' };
const BALANCED: Settings = { positiveWeight: 'balanced' };
/** Nine images to learn from where there were eight. */
const MORE: Settings = { validationFraction: '0.1' };
const PRIOR: Settings = { headInit: 'prior' };
/** Generalised means are about three times as large as means, ten times as large squared. */
const GEM: Settings = { pooling: 'gem', l2: '1', learnRate: '0.00008' };

export const CANDIDATES: Readonly<Record<string, Settings>> = {
  quick: {},
  mirrored: { reflection: 'true' },
  constant: { learnRateSchedule: 'constant' },
  warmup: { warmup: '50' },
  ema: { ema: '0.99' },
  smoothing: { labelSmoothing: '0.1' },
  mixup: { mixup: '0.2' },
  standardize: STANDARD,
  prior: PRIOR,
  more: MORE,
  gem: GEM,
  'weight-sqrt': ROOT,
  'weight-balanced': BALANCED,
  'asl-mild': MILD,
  asl: ASL,
  'prior+more': { ...PRIOR, ...MORE },
  'weight-sqrt+prior': { ...ROOT, ...PRIOR },
  'weight-balanced+prior': { ...BALANCED, ...PRIOR },
  'asl-mild+prior': { ...MILD, ...PRIOR },
  /** What scikit-learn's `class_weight=balanced` does, by our loop. */
  'weight-balanced+standardize': { ...BALANCED, ...STANDARD },
  'asl-mild+weight-sqrt': { ...MILD, ...ROOT },
  'asl+weight-sqrt': { ...ASL, ...ROOT },
  'asl-mild+weight-sqrt+prior': { ...MILD, ...ROOT, ...PRIOR },
  'asl-mild+weight-sqrt+prior+standardize': { ...MILD, ...ROOT, ...PRIOR, ...STANDARD },
  'asl-mild+prior+more': { ...MILD, ...PRIOR, ...MORE },
  /** With `--image-size 320` it was the recipe `best` before there was generalised-mean pooling. */
  'asl-mild+weight-sqrt+prior+more': { ...MILD, ...ROOT, ...PRIOR, ...MORE },
  /** With `--image-size 320` it is the recipe of this name. */
  best: { ...MILD, ...ROOT, ...PRIOR, ...MORE, ...GEM },
};
