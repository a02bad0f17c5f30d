// The recipes, and the one table of what can be set: type, range and meaning of every value.
import { LabelscopeError } from '../protocol/errors';
import type { Recipe, RecipeName } from '../protocol/recipe';

/** Settings that runs of older versions lack. */
type Newer = Pick<
  Recipe,
  | 'pooling'
  | 'warmup'
  | 'loss'
  | 'aslGammaPositive'
  | 'aslGammaNegative'
  | 'aslClip'
  | 'positiveWeight'
  | 'labelSmoothing'
  | 'mixup'
  | 'ema'
  | 'standardize'
>;

/** As if there were none. */
const OFF: Newer = {
  pooling: 'average',
  warmup: 0,
  loss: 'bce',
  aslGammaPositive: 0,
  aslGammaNegative: 4,
  aslClip: 0.05,
  positiveWeight: 'none',
  labelSmoothing: 0,
  mixup: 0,
  ema: 0,
  standardize: false,
};

/** The user's reference example: every layer trained, ten times the rate on the new head. */
const MATLAB_EXAMPLE: Recipe = {
  ...OFF,
  recipe: 'matlab-example',
  layers: 'all',
  epochs: 10,
  maxIterations: 0,
  batchSize: 32,
  learnRate: 0.0005,
  learnRateSchedule: 'constant',
  headLearnRateFactor: 10,
  headInit: 'glorot',
  momentum: 0.9,
  l2: 1e-4,
  l2On: 'weights-and-norm',
  batchNorm: 'batch',
  batchNormMomentum: 0.9,
  rotation: 45,
  reflection: true,
  validationFrequency: 100,
  validationPatience: 5,
  validationFraction: 0.2,
  includeUnlabeled: false,
  checkpointFrequency: 10,
  checkpointSeconds: 30,
  imageSize: 0,
  threads: 0,
  imageCache: 1024,
};

const BALANCED: Recipe = {
  ...MATLAB_EXAMPLE,
  recipe: 'balanced',
  layers: 'last-stages',
  batchSize: 16,
  batchNorm: 'frozen',
  rotation: 15,
  validationFrequency: 25,
};

/** Logistic regression on pooled features: strong L2, because there are more features than most data sets have images. */
const QUICK: Recipe = {
  ...MATLAB_EXAMPLE,
  recipe: 'quick',
  layers: 'head',
  epochs: 60,
  batchSize: 16,
  learnRate: 0.0004,
  learnRateSchedule: 'cosine',
  headInit: 'zeros',
  l2: 0.2,
  l2On: 'weights',
  batchNorm: 'frozen',
  rotation: 0,
  // Measured in docs/recipes.md: mirror images take more than a third of the time and change nothing that can be told from chance.
  reflection: false,
  validationFrequency: 20,
  validationPatience: 20,
};

/** What was chosen in docs/recipes.md: `quick` on generalised means of larger images, with a loss in which the few positives are not outweighed, and with more images to learn from. */
const BEST: Recipe = {
  ...QUICK,
  recipe: 'best',
  pooling: 'gem',
  // Generalised means are about three times as large as means: ten times as large squared.
  learnRate: 0.00008,
  l2: 1,
  loss: 'asl',
  aslGammaNegative: 2,
  aslClip: 0,
  positiveWeight: 'sqrt',
  headInit: 'prior',
  imageSize: 320,
  validationFraction: 0.1,
};

const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  'matlab-example': MATLAB_EXAMPLE,
  balanced: BALANCED,
  quick: QUICK,
  best: BEST,
};

type Setting =
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly integer: boolean }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'choice'; readonly of: readonly string[] };

const whole = (min: number, max: number): Setting => ({ kind: 'number', min, max, integer: true });
const real = (min: number, max: number): Setting => ({ kind: 'number', min, max, integer: false });

const SETTINGS: Readonly<Record<Exclude<keyof Recipe, 'recipe'>, Setting>> = {
  layers: { kind: 'choice', of: ['all', 'last-stages', 'head'] },
  pooling: { kind: 'choice', of: ['average', 'gem'] },
  epochs: whole(1, 100_000),
  maxIterations: whole(0, 1e9),
  batchSize: whole(1, 4096),
  learnRate: real(0, 100),
  learnRateSchedule: { kind: 'choice', of: ['constant', 'cosine'] },
  warmup: whole(0, 1e9),
  loss: { kind: 'choice', of: ['bce', 'asl'] },
  aslGammaPositive: real(0, 10),
  aslGammaNegative: real(0, 10),
  aslClip: real(0, 0.5),
  positiveWeight: { kind: 'choice', of: ['none', 'balanced', 'sqrt'] },
  labelSmoothing: real(0, 0.9),
  mixup: real(0, 10),
  ema: real(0, 0.99999),
  standardize: { kind: 'boolean' },
  headLearnRateFactor: real(0, 1e6),
  headInit: { kind: 'choice', of: ['glorot', 'zeros', 'prior'] },
  momentum: real(0, 1),
  l2: real(0, 100),
  l2On: { kind: 'choice', of: ['weights', 'weights-and-norm'] },
  batchNorm: { kind: 'choice', of: ['batch', 'frozen'] },
  batchNormMomentum: real(0, 1),
  rotation: real(0, 180),
  reflection: { kind: 'boolean' },
  validationFrequency: whole(1, 1e9),
  validationPatience: whole(0, 1e9),
  validationFraction: real(0.01, 0.9),
  includeUnlabeled: { kind: 'boolean' },
  checkpointFrequency: whole(1, 1e9),
  checkpointSeconds: real(0, 1e9),
  imageSize: whole(0, 4096),
  threads: whole(0, 1024),
  imageCache: whole(0, 1e6),
};

/** The recipe of a run that may be older than some settings. */
export function completeRecipe(recipe: Omit<Recipe, keyof Newer> & Partial<Newer>): Recipe {
  return { ...OFF, ...recipe };
}

/** The recipe for a network that only pools as it is, with the L2 and the rate that means want where these were not set. */
export function onMeans(recipe: Recipe, set: Readonly<Record<string, string>>): Recipe {
  const { l2, learnRate } = QUICK;
  return {
    ...recipe,
    pooling: 'average',
    ...(set.l2 === undefined && { l2 }),
    ...(set.learnRate === undefined && { learnRate }),
  };
}

/**
 * A recipe with some values changed.
 *
 * @param set values by key, as text
 * @throws LabelscopeError 'setting-unknown' or 'setting-value', naming the key and what it may be
 */
export function recipeWith(name: RecipeName, set: Readonly<Record<string, string>>): Recipe {
  const changes = Object.entries(set).map(([key, text]) => [key, parse(key, text)] as const);
  return { ...RECIPES[name], ...Object.fromEntries(changes) };
}

function parse(key: string, text: string): number | boolean | string {
  const setting = Object.hasOwn(SETTINGS, key) ? SETTINGS[key as keyof typeof SETTINGS] : undefined;
  if (!setting) {
    throw new LabelscopeError('setting-unknown', `There is no setting '${key}'. Settings: ${Object.keys(SETTINGS).join(', ')}.`);
  }
  switch (setting.kind) {
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true';
      throw wrongValue(key, text, 'true or false');
    case 'choice':
      if (setting.of.includes(text)) return text;
      throw wrongValue(key, text, setting.of.join(' or '));
    case 'number':
      return parseNumber(key, text, setting);
  }
}

function parseNumber(key: string, text: string, { min, max, integer }: Extract<Setting, { kind: 'number' }>): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
  throw wrongValue(key, text, `${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`);
}

function wrongValue(key: string, text: string, allowed: string): LabelscopeError {
  return new LabelscopeError('setting-value', `The setting ${key} cannot be '${text}': it is ${allowed}.`);
}
