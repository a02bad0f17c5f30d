// The losses: the graph says what the plain numbers say, its gradient is that of central differences, and extreme logits stay numbers.
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/onnx/builder';
import { differentiate } from '../../src/onnx/differentiate';
import { entryLoss, multilabelLoss, type Objective } from '../../src/onnx/loss';
import { tensorOf } from '../../src/onnx/tensors';
import { openGraph } from './support/run';

const IMAGES = 4;
const CATEGORIES = 3;
const DIMS = [IMAGES, CATEGORIES];
const LABELS = [1, 0, 0, 0, 1, 0, 1, 1, 0, 0.3, 0.7, 1];
const LOGITS = [-3.1, -1.7, 0.2, 2.9, 1.3, -2.4, 0.6, -0.9, -2.93, 3.7, -0.4, 1.9];

const OBJECTIVES: readonly (readonly [string, Objective])[] = [
  ['binary cross-entropy', {}],
  ['positive weights', { positiveWeights: [1, 3.5, 0.25] }],
  ['asymmetric loss', { asymmetry: { gammaPositive: 0, gammaNegative: 4, clip: 0.05 } }],
  ['asymmetric loss that focuses on both', { asymmetry: { gammaPositive: 1, gammaNegative: 2.5, clip: 0 } }],
  ['an exponent below one', { asymmetry: { gammaPositive: 0.5, gammaNegative: 0.5, clip: 0.2 } }],
  [
    'everything',
    { positiveWeights: [2, 1, 5], asymmetry: { gammaPositive: 1, gammaNegative: 3, clip: 0.1 }, labelSmoothing: 0.2 },
  ],
  ['label smoothing', { labelSmoothing: 0.1 }],
];

interface Evaluated {
  readonly loss: number;
  readonly gradient: readonly number[];
}

async function evaluated(objective: Objective, logits: readonly number[]): Promise<Evaluated> {
  const builder = new GraphBuilder();
  const [z, y] = [builder.input('z', 'float32', DIMS), builder.input('y', 'float32', DIMS)];
  const loss = multilabelLoss(builder, z, y, objective);
  const seeds = new Map([[loss.name, builder.scalar(1)]]);
  builder.output(differentiate(builder, { nodes: builder.nodes, seeds, wrt: [z] }).get(z.name)!, 'gradient');
  builder.output(loss, 'loss');
  const graph = await openGraph(builder);
  const feed = (values: readonly number[]) => tensorOf('float32', values, DIMS);
  const results = await graph.run({ z: feed(logits), y: feed(LABELS) });
  await graph.release();
  return { loss: results.loss!.data[0]!, gradient: results.gradient!.data };
}

/** In double precision. */
function plain(objective: Objective, logits: readonly number[]): number {
  const { labelSmoothing = 0 } = objective;
  const entry = entryLoss(objective);
  const terms = logits.map((z, k) => entry(z, LABELS[k]! * (1 - labelSmoothing) + labelSmoothing / 2, k % CATEGORIES));
  return terms.reduce((sum, term) => sum + term, 0) / IMAGES;
}

describe.each(OBJECTIVES)('%s', (_, objective) => {
  it('is the same as a graph and as numbers', async () => {
    const { loss } = await evaluated(objective, LOGITS);
    expect(loss).toBeCloseTo(plain(objective, LOGITS), 5);
  });

  it('has the gradient of its central differences, focusing factors included', async () => {
    const { gradient } = await evaluated(objective, LOGITS);
    const step = 1e-5;
    LOGITS.forEach((z, k) => {
      const at = (value: number) => plain(objective, LOGITS.with(k, value));
      const difference = (at(z + step) - at(z - step)) / (2 * step);
      expect(gradient[k], `logit ${k}`).toBeCloseTo(difference, 5);
    });
  });

  it('stays a number where logits are extreme', async () => {
    for (const size of [0, 30, 90, 200]) {
      const logits = LOGITS.map((z) => Math.sign(z) * size);
      const { loss, gradient } = await evaluated(objective, logits);
      expect([loss, ...gradient].every(Number.isFinite), `${size}: ${loss} ${gradient.join()}`).toBe(true);
      expect(Number.isFinite(plain(objective, logits))).toBe(true);
    }
  });
});

describe('asymmetric loss', () => {
  it('is that of the paper for one entry', () => {
    const entry = entryLoss({ asymmetry: { gammaPositive: 1, gammaNegative: 4, clip: 0.05 } });
    const p = 1 / (1 + Math.exp(-0.8));
    expect(entry(0.8, 1, 0)).toBeCloseTo(-(1 - p) * Math.log(p), 7);
    expect(entry(0.8, 0, 0)).toBeCloseTo(-((p - 0.05) ** 4) * Math.log(1 - (p - 0.05)), 7);
  });

  it('lets go of negatives below the margin', () => {
    const entry = entryLoss({ asymmetry: { gammaPositive: 0, gammaNegative: 1, clip: 0.05 } });
    expect(entry(-4, 0, 0)).toBe(0);
    expect(entry(-2, 0, 0)).toBeGreaterThan(0);
  });

  it('without exponents and margin is binary cross-entropy', async () => {
    const off = { asymmetry: { gammaPositive: 0, gammaNegative: 0, clip: 0 } };
    const [one, other] = [await evaluated(off, LOGITS), await evaluated({}, LOGITS)];
    expect(one.loss).toBeCloseTo(other.loss, 5);
    one.gradient.forEach((value, k) => expect(value).toBeCloseTo(other.gradient[k]!, 5));
  });
});
