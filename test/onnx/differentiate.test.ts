// The reverse walk: sums, paths, seeds and what it refuses; and the loss that training starts from.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Value } from '../../src/onnx/builder';
import { differentiate } from '../../src/onnx/differentiate';
import { multilabelLoss } from '../../src/onnx/loss';
import { elementCount, OnnxError, type Tensor } from '../../src/onnx/model';
import { floats, runOnce } from './support/run';

/** Gradients of Σ y, by input name. */
async function gradientsOf(builder: GraphBuilder, y: Value, wrt: readonly Value[], feeds: Record<string, Tensor>) {
  const ones = builder.constant(floats(new Array<number>(elementCount(y.dims)).fill(1), y.dims));
  const gradients = differentiate(builder, { nodes: builder.nodes, seeds: new Map([[y.name, ones]]), wrt });
  for (const value of wrt) builder.output(gradients.get(value.name)!, `d${value.name}`);
  const results = await runOnce(builder, feeds);
  return Object.fromEntries(wrt.map(({ name }) => [name, results[`d${name}`]!]));
}

function refusal(builder: GraphBuilder, y: Value, wrt: readonly Value[]): OnnxError {
  try {
    differentiate(builder, { nodes: builder.nodes, seeds: new Map([[y.name, y]]), wrt });
  } catch (error) {
    if (error instanceof OnnxError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('differentiate', () => {
  it('sums the gradients of a value that is used several times, also twice by one node', async () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2]);
    const square = builder.op('Mul', [x, x]);
    const y = builder.op('Add', [builder.op('Mul', [square, x]), builder.op('Sub', [square, x])]);
    const gradients = await gradientsOf(builder, y, [x], { x: floats([2, -3], [2]) });
    expect(gradients.x!.data).toEqual([3 * 4 + 2 * 2 - 1, 3 * 9 - 2 * 3 - 1]);
  });

  it('gives zeros for values that no seed depends on', async () => {
    const builder = new GraphBuilder();
    const [x, other] = [builder.input('x', 'float32', [2]), builder.input('other', 'float32', [3, 1])];
    const gradients = await gradientsOf(builder, builder.op('Exp', [x]), [other], {
      x: floats([1, 1], [2]),
      other: floats([1, 2, 3], [3, 1]),
    });
    expect(gradients.other).toEqual({ dims: [3, 1], data: [0, 0, 0] });
  });

  it('differentiates with respect to values inside the graph, and through them', async () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2]);
    const inner = builder.op('Mul', [x, builder.scalar(3)], {}, { name: 'inner' });
    const y = builder.op('Mul', [inner, inner]);
    const gradients = await gradientsOf(builder, y, [inner, x], { x: floats([1, 2], [2]) });
    expect([gradients.inner!.data, gradients.x!.data]).toEqual([
      [6, 12],
      [18, 36],
    ]);
  });

  it.each(['cpu', 'gpu'] as const)(
    'gives what a max pool passes on to the first of equal maxima, spelled for %s',
    async (target) => {
      const builder = new GraphBuilder(20, target);
      const x = builder.input('x', 'float32', [1, 1, 3, 5]);
      const y = builder.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] });
      const feeds = { x: floats([1, 1, 0, 2, 2, 1, 0, 2, 2, 2, 0, 1, 1, 2, 0], [1, 1, 3, 5]) };
      const gradients = await gradientsOf(builder, y, [x], feeds);
      expect(gradients.x!.data).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    },
  );

  it('weighs several seeds, one of them a value on the way to the other', async () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [1]);
    const [middle, end] = [builder.op('Mul', [x, builder.scalar(2)]), builder.op('Mul', [x, builder.scalar(10)])];
    const sum = builder.op('Mul', [middle, end]);
    const seeds = new Map([
      [middle.name, builder.constant(floats([100], [1]))],
      [sum.name, builder.constant(floats([1], [1]))],
    ]);
    builder.output(differentiate(builder, { nodes: builder.nodes, seeds, wrt: [x] }).get('x')!, 'dx');
    const results = await runOnce(builder, { x: floats([3], [1]) });
    expect(results.dx!.data).toEqual([100 * 2 + 2 * 20 * 3]);
  });

  it('asks for no rule off the path: before the values, beside them, and behind integers', async () => {
    const builder = new GraphBuilder();
    const [image, w] = [builder.input('image', 'float32', [3]), builder.input('w', 'float32', [3])];
    const hard = builder.op('Hardmax', [image]);
    const index = builder.op('Cast', [builder.op('ArgMax', [w], { keepdims: 0 })], { to: 1 });
    const y = builder.op('Add', [builder.op('Mul', [hard, w]), index]);
    const gradients = await gradientsOf(builder, y, [w], { image: floats([1, 5, 2], [3]), w: floats([1, 2, 3], [3]) });
    expect(gradients.w!.data).toEqual([0, 1, 0]);
  });

  it('names the operator and the node where the path has no gradient', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2, 3]);
    const half = builder.op('Relu', [builder.op('Cast', [x], { to: 10 })], {}, { name: 'half' });
    const bound = builder.op('ReduceMax', [x], { keepdims: 0 });
    const refusals: [Value, RegExp][] = [
      [builder.op('Hardmax', [x], {}, { name: 'winner' }), /Hardmax node 'winner'.*no gradient through/],
      [half, /Relu node 'half'.*float16/],
      [builder.op('Clip', [x, undefined, bound], {}, { name: 'limit' }), /Clip node 'limit'.*input 2/],
      [
        builder.ops('LayerNormalization', [x, builder.input('s', 'float32', [3])], {}, { name: 'norm', outputs: 3 })[1]!,
        /'norm'.*first output/,
      ],
      [
        builder.op('Resize', [x, undefined, builder.constant(floats([2, 2], [2]))], { mode: 'cubic' }, { name: 'up' }),
        /'up'.*'cubic'/,
      ],
    ];
    for (const [y, message] of refusals) {
      const error = refusal(builder, y, [x]);
      expect(error.code).toBe('onnx-no-gradient');
      expect(error.message).toMatch(message);
    }
  });

  it('names gradient nodes after the nodes that they belong to', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2]);
    const y = builder.op('Tanh', [x], {}, { name: 'block1/activation' });
    const gradient = differentiate(builder, { nodes: builder.nodes, seeds: new Map([[y.name, x]]), wrt: [x] }).get('x')!;
    expect(gradient.name).toBe('block1/activation/gradient/Mul_1');
  });

  it('leaves nodes that only unused gradients need out of the graph', () => {
    const builder = new GraphBuilder();
    const [x, w] = [builder.input('x', 'float32', [1, 2, 4, 4]), builder.input('w', 'float32', [3, 2, 3, 3])];
    const y = builder.op('Conv', [x, w]);
    const gradients = differentiate(builder, { nodes: builder.nodes, seeds: new Map([[y.name, y]]), wrt: [x, w] });
    builder.output(gradients.get('x')!, 'dx');
    expect(builder.build('g').nodes.map(({ type }) => type)).not.toContain('Pad');
    expect(builder.build('g').nodes.filter(({ type }) => type === 'Conv')).toHaveLength(2);
  });
});

describe('multilabelLoss', () => {
  async function lossOf(logits: readonly number[][], labels: readonly number[][]) {
    const builder = new GraphBuilder();
    const dims = [logits.length, logits[0]!.length];
    const [z, y] = [builder.input('z', 'float32', dims), builder.input('y', 'float32', dims)];
    const loss = multilabelLoss(builder, z, y);
    builder.output(loss, 'loss');
    const { z: gradient } = await gradientsOf(builder, loss, [z], {
      z: floats(logits.flat(), dims),
      y: floats(labels.flat(), dims),
    });
    const results = await runOnce(builder, { z: floats(logits.flat(), dims), y: floats(labels.flat(), dims) });
    return { loss: results.loss!, gradient: gradient!.data };
  }

  it('is the sum over categories and the mean over images, with (σ(z) − y)/N as its gradient', async () => {
    const numbers = fc.record({ z: fc.integer({ min: -160, max: 160 }), y: fc.integer({ min: 0, max: 1 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(numbers, { minLength: 3, maxLength: 3 }), async (pairs) => {
        const z = pairs.map((pair) => [pair.z / 8]);
        const y = pairs.map((pair) => [pair.y]);
        const { loss, gradient } = await lossOf(z, y);
        const sigmoids = z.map(([value]) => 1 / (1 + Math.exp(-value!)));
        const terms = z.map(
          ([value], index) => Math.log1p(Math.exp(-Math.abs(value!))) + Math.max(value!, 0) - value! * y[index]![0]!,
        );
        expect(loss.dims).toEqual([]);
        expect(loss.data[0]).toBeCloseTo(terms.reduce((sum, term) => sum + term, 0) / 3, 5);
        sigmoids.forEach((p, index) => expect(gradient[index]).toBeCloseTo((p - y[index]![0]!) / 3, 6));
      }),
      { numRuns: 25 },
    );
  });

  it('stays finite and right where a sigmoid saturates, and has half a step at 0', async () => {
    const { loss, gradient } = await lossOf([[1000, -1000, 0, 0]], [[0, 1, 0, 1]]);
    expect(loss.data[0]).toBeCloseTo(2000 + 2 * Math.log(2), 3);
    expect(gradient).toEqual([1, -1, 0.5, -0.5]);
  });
});
