// Normalisation by batch statistics together with the product in front of it: the same numbers as one after the other, in double precision.
import { afterEach, describe, expect, it } from 'vitest';
import { randomStream } from '../../src/metrics/random';
import { GraphBuilder } from '../../src/onnx/builder';
import { Blocked, NCHWC } from '../../src/onnx/nchwc';
import { normalisedProduct, paysOff } from '../../src/onnx/nchwc-norm';
import { blockHere, float32, floats, graphRunner, runners } from '../support/graphs';

const block = await blockHere();
const EPSILON = 1e-3;

const { opened, releaseAll } = runners();
afterEach(releaseAll);

const [IMAGES, INSIDE, OUT, SIDE] = [16, 32, 64, 12];
const PIXELS = SIDE * SIDE;

/** x is [N, I, pixels] and W [O, I]: in double precision mean and biased variance of W·x, and ReLU of the normalised product. */
function inDouble(x: Float32Array, weights: Float32Array, scale: Float32Array, bias: Float32Array) {
  const count = IMAGES * PIXELS;
  const [mean, variance] = [new Float64Array(OUT), new Float64Array(OUT)];
  const y = new Float64Array(count * OUT);
  for (let o = 0; o < OUT; o++) {
    const z = Float64Array.from({ length: count }, (_, at) => {
      const [image, pixel] = [Math.floor(at / PIXELS), at % PIXELS];
      let sum = 0;
      for (let i = 0; i < INSIDE; i++) sum += weights[o * INSIDE + i]! * x[(image * INSIDE + i) * PIXELS + pixel]!;
      return sum;
    });
    mean[o] = z.reduce((sum, value) => sum + value, 0) / count;
    variance[o] = z.reduce((sum, value) => sum + (value - mean[o]!) ** 2, 0) / count;
    for (const [at, value] of z.entries()) {
      const normal = (value - mean[o]!) / Math.sqrt(variance[o]! + EPSILON);
      const place = (Math.floor(at / PIXELS) * OUT + o) * PIXELS + (at % PIXELS);
      y[place] = Math.max(0, scale[o]! * normal + bias[o]!);
    }
  }
  return { mean, variance, y };
}

/** The largest difference, as a share of `scale`. */
function farthest(a: Float32Array, b: Float64Array, scale: (value: number) => number): number {
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!) / scale(b[at]!)), 0);
}

describe.skipIf(block === undefined)('a product that is normalised by the batch', () => {
  it.each([
    { of: 'numbers around zero', centre: 0, relu: false, within: 1e-6 },
    { of: 'what a ReLU leaves', centre: 0, relu: true, within: 2e-6 },
    { of: 'numbers ten times as far from zero as from each other', centre: 10, relu: false, within: 5e-4 },
  ])('has the mean, the variance and the values of double precision, of $of', async ({ centre, relu, within }) => {
    const random = randomStream('normalised product', 3);
    const normals = (length: number, factor = 1, shift = 0) =>
      Float32Array.from({ length }, () => shift + factor * random.normal());
    const raw = normals(IMAGES * INSIDE * PIXELS, 1, centre);
    const x = relu ? raw.map((value) => Math.max(0, value)) : raw;
    const [weights, scale, bias] = [normals(OUT * INSIDE, 0.2), normals(OUT, 0.3, 1), normals(OUT)];
    const g = new GraphBuilder(20, 'cpu', block);
    const blocked = new Blocked(g);
    const inputs = {
      x: g.input('x', 'float32', [IMAGES, INSIDE, SIDE, SIDE]),
      weights: g.input('weights', 'float32', [OUT, INSIDE, 1, 1]),
      scale: g.input('scale', 'float32', [OUT]),
      bias: g.input('bias', 'float32', [OUT]),
    };
    const norm = { scale: inputs.scale, bias: inputs.bias, epsilon: EPSILON, relu: true };
    const { y, mean, variance } = normalisedProduct(g, blocked.from(inputs.x), inputs.weights, norm);
    g.output(blocked.toPlain(y), 'y');
    g.output(mean, 'mean');
    g.output(variance, 'variance');
    const opsets = { '': 20, [NCHWC]: 1 };
    const model = { irVersion: 10, opsets, producer: 'test', graph: g.build('product'), metadata: {} };
    const runner = await opened(graphRunner(model));
    const found = await runner.run({
      x: float32(inputs.x.dims, x),
      weights: float32(inputs.weights.dims, weights),
      scale: float32([OUT], scale),
      bias: float32([OUT], bias),
    });
    const expected = inDouble(x, weights, scale, bias);
    expect(farthest(floats(found.variance), expected.variance, (value) => value)).toBeLessThan(within);
    expect(farthest(floats(found.mean), expected.mean, () => 1 + centre)).toBeLessThan(within);
    expect(farthest(floats(found.y), expected.y, (value) => 1 + value)).toBeLessThan(5 * within);
  });

  it('is where it takes less time: where few channels become many, and there are enough pixels', () => {
    const rows = [
      [256, 64, 56],
      [1024, 256, 14],
      [64, 64, 56],
      [2048, 512, 7],
      [64, 256, 56],
    ].map(([out, inside, side]) => paysOff(out!, inside!, 16 * side! ** 2));
    expect(rows).toEqual([true, true, true, false, false]);
  });
});
