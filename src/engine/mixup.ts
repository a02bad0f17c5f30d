// mixup: training examples that lie between two (Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR 2018).
import type { Tensor } from '../onnx/model';
import type { Examples } from './examples';
import { randomStream, type RandomStream } from '../metrics/random';

/**
 * Examples that training draws mixed with another one each, with shares from Beta(alpha, alpha): pixels or features, and labels. Partner and
 * share follow from seed, epoch and row. Evaluations draw what they drew before.
 */
export function mixedExamples(examples: Examples, alpha: number, seed: number): Examples {
  return {
    count: examples.count,
    batch: async ({ rows, epoch }) => {
      if (epoch === undefined) return examples.batch({ rows });
      const draws = rows.map((row) => drawPartner(examples.count, alpha, randomStream('mixup', seed, epoch, row)));
      const [own, other] = await Promise.all([
        examples.batch({ rows, epoch }),
        examples.batch({ rows: draws.map(({ partner }) => partner), epoch }),
      ]);
      const shares = draws.map(({ share }) => share);
      return { input: mixed(own.input, other.input, shares), labels: mixed(own.labels, other.labels, shares) };
    },
  };
}

function drawPartner(count: number, alpha: number, random: RandomStream): { partner: number; share: number } {
  return { partner: random.integer(count), share: beta(alpha, random) };
}

/** The same kind of tensor; bytes are rounded. */
function mixed<T extends Tensor>(own: T, other: T, shares: readonly number[]): T {
  const data = own.data.slice() as Float32Array;
  const rest = other.data as Float32Array;
  const width = data.length / shares.length;
  const round = own.type === 'uint8' ? Math.round : (value: number) => value;
  for (const [k, share] of shares.entries())
    for (let at = k * width; at < (k + 1) * width; at++) data[at] = round(share * data[at]! + (1 - share) * rest[at]!);
  return { ...own, data };
}

/** Beta(alpha, alpha) as a share of two gamma variates, taken as logarithms, which small alphas would make vanish. */
export function beta(alpha: number, random: RandomStream): number {
  const [a, b] = [logGamma(alpha, random), logGamma(alpha, random)];
  return 1 / (1 + Math.exp(b - a));
}

/**
 * The logarithm of a variate of Gamma(alpha, 1) (Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000,
 * with their step for alpha < 1).
 */
function logGamma(alpha: number, random: RandomStream): number {
  if (alpha < 1) return logGamma(alpha + 1, random) + Math.log(1 - random.next()) / alpha;
  const d = alpha - 1 / 3;
  for (;;) {
    const x = random.normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < x ** 2 / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}
