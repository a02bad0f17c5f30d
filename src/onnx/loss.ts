// The losses of multilabel classification, as graphs and as numbers.
import type { GraphBuilder, Value } from './builder';
import { Expressions } from './expressions';
import type { Tensor } from './model';

/** The exponents γ+ and γ− and the margin m of asymmetric loss. */
interface Asymmetry {
  readonly gammaPositive: number;
  readonly gammaNegative: number;
  readonly clip: number;
}

/** What training minimises. Without any of these: binary cross-entropy. */
export interface Objective {
  /** By category: how much a positive counts beside a negative. */
  readonly positiveWeights?: readonly number[] | undefined;
  readonly asymmetry?: Asymmetry | undefined;
  /** ε: labels y become (1 − ε)·y + ε/2, in training alone. */
  readonly labelSmoothing?: number;
}

/** Keeps slopes of powers at zero finite. */
const TINY = 1e-8;

/**
 * The sum over categories, averaged over images. Binary cross-entropy, or with p = σ(z), the paper's p_m = max(p − m, 0) and weights w:
 * −w·y·(1 − p)^γ+·ln p − (1 − y)·p_m^γ−·ln(1 − p_m) (Ben-Baruch et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021).
 * The gradient is that of the whole expression, focusing factors included, as the paper derives it; the authors' program can also hold the factors
 * constant, which is no function's gradient and could not be checked by differences.
 *
 * @param logits z, [images, categories]
 * @param labels y, [images, categories], 0 or 1 (or between)
 * @returns a scalar
 */
export function multilabelLoss(builder: GraphBuilder, logits: Value, labels: Value, objective: Objective = {}): Value {
  const { positiveWeights, asymmetry, labelSmoothing = 0 } = objective;
  return builder.within('loss', () => {
    const m = new Expressions(builder);
    const y = m.add(m.mul(labels, 1 - labelSmoothing), labelSmoothing / 2);
    const terms =
      positiveWeights || asymmetry
        ? weightedTerms(builder, m, { logits, y, weights: positiveWeights, asymmetry })
        : m.sub(softplus(m, logits), m.mul(y, logits));
    return m.div(m.sum(terms, [0, 1], false), logits.dims[0]!);
  });
}

/**
 * ln(1 + eᶻ) as (z + |z|)/2 + ln(1 + e^−|z|): nothing overflows, the derivative at 0 is ½ as it should be, and GPU providers have every
 * operator. −(y·ln σ(z) + (1 − y)·ln(1 − σ(z))) = softplus(z) − y·z.
 */
function softplus(m: Expressions, z: Value): Value {
  const size = m.abs(z);
  return m.add(m.mul(m.add(z, size), 0.5), m.log(m.add(m.exp(m.neg(size)), 1)));
}

interface Terms {
  readonly logits: Value;
  readonly y: Value;
  readonly weights: readonly number[] | undefined;
  readonly asymmetry: Asymmetry | undefined;
}

const SYMMETRIC: Asymmetry = { gammaPositive: 0, gammaNegative: 0, clip: 0 };

function weightedTerms(
  builder: GraphBuilder,
  m: Expressions,
  { logits, y, weights, asymmetry: { gammaPositive, gammaNegative, clip } = SYMMETRIC }: Terms,
): Value {
  const p = m.sigmoid(logits);
  const shifted = clip === 0 ? p : builder.op('Relu', [m.sub(p, clip)]);
  const ofPositive = m.sub(softplus(m, logits), logits);
  const ofNegative = clip === 0 ? softplus(m, logits) : m.neg(m.log(m.sub(1, shifted)));
  const focused = (term: Value, base: Value, gamma: number) =>
    gamma === 0 ? term : m.mul(term, m.pow(m.add(base, TINY), gamma));
  const positive = m.mul(y, focused(ofPositive, m.sub(1, p), gammaPositive));
  const negative = m.mul(m.sub(1, y), focused(ofNegative, shifted, gammaNegative));
  return m.add(weights ? m.mul(positive, builder.constant(rowOf(weights), 'weights')) : positive, negative);
}

function rowOf(weights: readonly number[]): Tensor<'float32'> {
  return { type: 'float32', dims: [1, weights.length], data: Float32Array.from(weights) };
}

/** The loss of one logit against one label, without label smoothing, in double precision. */
export type EntryLoss = (logit: number, label: number, category: number) => number;

export function entryLoss({ positiveWeights, asymmetry }: Objective): EntryLoss {
  if (!positiveWeights && !asymmetry) return crossEntropy;
  const { gammaPositive, gammaNegative, clip } = asymmetry ?? SYMMETRIC;
  return (z, y, category) => {
    const p = 1 / (1 + Math.exp(-z));
    const shifted = Math.max(p - clip, 0);
    const positive = (1 - p + TINY) ** gammaPositive * crossEntropy(z, 1);
    const negative = (shifted + TINY) ** gammaNegative * (clip === 0 ? crossEntropy(z, 0) : -Math.log(1 - shifted));
    return (positiveWeights?.[category] ?? 1) * y * positive + (1 - y) * negative;
  };
}

/** Binary cross-entropy of sigmoid(z) against y, from the logit: max(z, 0) − z·y + ln(1 + e^−|z|), which never overflows. */
function crossEntropy(z: number, y: number): number {
  return Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)));
}
