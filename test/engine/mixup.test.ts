// mixup and standardised features: what is drawn follows from seed, epoch and row; shares are Beta; heads mean the same at either scale.
import { describe, expect, it } from 'vitest';
import { featureExamples } from '../../src/engine/examples';
import { inMemory } from '../../src/engine/feature-matrix';
import { beta, mixedExamples } from '../../src/engine/mixup';
import { scaleOf, standardized, unstandardized } from '../../src/engine/standardize';
import { randomStream } from '../../src/metrics/random';
import { HEAD_BIAS, HEAD_WEIGHT } from '../../src/onnx/classifier';
import { float32, floats } from '../support/graphs';

const ROWS = 6;
const set = {
  images: Array.from({ length: ROWS }, (_, k) => ({ id: String(k), fileName: `${k}.png`, width: 1, height: 1 })),
  categories: ['a', 'b'],
  labels: Uint8Array.from([1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 1]),
};
/** The labels again as features, so that both must be mixed alike. */
const examples = featureExamples(set, [inMemory(Float32Array.from(set.labels), set.categories.length)], 1);

describe('mixedExamples', () => {
  it('mixes inputs and labels alike, with the same draws whatever was drawn before', async () => {
    const rows = [4, 0, 2];
    const first = await mixedExamples(examples, 1, 7).batch({ rows, epoch: 3 });
    const alone = await mixedExamples(examples, 1, 7).batch({ rows: [0], epoch: 3 });
    expect([...first.input.data]).toEqual([...first.labels.data]);
    expect([...first.labels.data].slice(2, 4)).toEqual([...alone.labels.data]);
    expect([...first.labels.data].some((value) => value > 0 && value < 1)).toBe(true);
    for (const [seed, epoch] of [
      [8, 3],
      [7, 4],
    ] as const)
      expect((await mixedExamples(examples, 1, seed).batch({ rows, epoch })).labels.data).not.toEqual(first.labels.data);
  });

  it('leaves evaluations alone', async () => {
    const rows = [0, 1, 2];
    expect(await mixedExamples(examples, 1, 7).batch({ rows })).toEqual(await examples.batch({ rows }));
  });

  it('rounds bytes', async () => {
    const bytes = {
      count: 2,
      batch: ({ rows }: { readonly rows: readonly number[] }) =>
        Promise.resolve({
          input: { type: 'uint8' as const, dims: [rows.length, 1], data: Uint8Array.from(rows, (row) => 255 * row) },
          labels: float32([rows.length, 1], rows),
        }),
    };
    const { input, labels } = await mixedExamples(bytes, 1, 0).batch({ rows: [0, 1, 0, 1, 0, 1], epoch: 1 });
    expect([...input.data]).toEqual(Array.from(labels.data, (label) => Math.round(255 * label)));
  });
});

describe('beta', () => {
  it.each([0.05, 0.2, 1, 4])('has mean ½ and the variance 1 / (8α + 4) for α = %d', (alpha) => {
    const random = randomStream('beta', alpha);
    const values = Array.from({ length: 20_000 }, () => beta(alpha, random));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(mean).toBeCloseTo(0.5, 1.6);
    expect(variance * (8 * alpha + 4)).toBeCloseTo(1, 1);
  });
});

describe('standardized features', () => {
  const random = randomStream('features');
  const width = 5;
  const matrix = Float32Array.from({ length: 40 * width }, (_, at) =>
    at % width === 3 ? 2.1 : 3 + (at % width) * random.normal(),
  );
  const rows = inMemory(matrix, width);

  /** With what they become. */
  async function scaledRows() {
    const scale = await scaleOf(rows, 40);
    const scaled = new Float32Array(matrix.length);
    for (let row = 0; row < 40; row++) await standardized(rows, scale).read(row, scaled, row * width);
    return { scale, scaled };
  }

  it('have mean 0 and deviation 1, and constant ones are 0', async () => {
    const { scaled } = await scaledRows();
    const { mean, deviation } = await scaleOf(inMemory(scaled, width), 40);
    mean.forEach((value) => expect(value).toBeCloseTo(0, 5));
    deviation.forEach((value) => expect(value).toBeCloseTo(1, 5));
    expect(scaled[3]).toBeCloseTo(0, 6);
  });

  it('give the logits that the head for features as they are gives', async () => {
    const { scale, scaled } = await scaledRows();
    const weight = float32(
      [2, width],
      Array.from({ length: 2 * width }, () => random.normal()),
    );
    const bias = float32([2], [0.3, -1]);
    const plain = unstandardized({ [HEAD_WEIGHT]: weight, [HEAD_BIAS]: bias, other: bias }, scale);
    const logit = (features: Float32Array, row: number, c: number, [w, b]: readonly Float32Array[]) =>
      features.subarray(row * width, (row + 1) * width).reduce((sum, value, k) => sum + value * w![c * width + k]!, b![c]!);
    const heads = [
      [weight.data, bias.data],
      [floats(plain[HEAD_WEIGHT]), floats(plain[HEAD_BIAS])],
    ] as const;
    for (let row = 0; row < 40; row++)
      for (const c of [0, 1]) expect(logit(matrix, row, c, heads[1])).toBeCloseTo(logit(scaled, row, c, heads[0]), 4);
    expect(plain.other).toBe(bias);
  });
});
