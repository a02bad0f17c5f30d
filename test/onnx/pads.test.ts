// Folding Pad nodes into what follows them: the same numbers by fewer nodes, and only where they are the same.
import { describe, expect, it } from 'vitest';
import type { Model } from '../../src/onnx/model';
import { foldPads } from '../../src/onnx/pads';
import { randomStream } from '../../src/metrics/random';
import { float32, floats, graphRunner } from '../support/graphs';
import { type Composer, compose, dense } from '../support/networks';

const AROUND = [0, 0, 1, 2, 0, 0, 2, 1];

/** `body` makes 4 channels of the 3 of images of 9 × 8 pixels. */
function network(body: (net: Composer, x: string) => string): Model {
  const input = { name: 'x', type: 'float32', dims: [2, 3, 9, 8] } as const;
  return compose((net, x) => dense(net, net.op('Flatten', [net.op('GlobalAveragePool', [body(net, x)])], { axis: 1 }), [5, 4]), {
    input,
  });
}

async function answers(model: Model): Promise<number[]> {
  const random = randomStream('image');
  const runner = await graphRunner(model);
  const image = Float32Array.from({ length: 2 * 3 * 9 * 8 }, () => random.normal());
  const outputs = await runner.run({ x: float32([2, 3, 9, 8], image) });
  await runner.release();
  return Array.from(floats(Object.values(outputs)[0]));
}

async function expectSame(tight: Model, model: Model): Promise<void> {
  const [found, expected] = [await answers(tight), await answers(model)];
  expect(expected.some((value) => value !== 0)).toBe(true);
  for (const [k, value] of expected.entries()) expect(found[k]).toBeCloseTo(value, 5);
}

const padsIn = ({ graph }: Model): number => graph.nodes.filter(({ type }) => type === 'Pad').length;

const convolved = (net: Composer, x: string, attributes = {}): string =>
  net.op('Conv', [x, net.weight('w', [4, 3, 3, 3])], { kernel_shape: [3, 3], strides: [2, 2], ...attributes });
const pooled = (net: Composer, x: string, attributes = {}): string =>
  net.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], ...attributes });
const padded = (net: Composer, x: string, pads = AROUND): string => net.op('Pad', [x, net.ints(...pads)]);
const widened = (net: Composer, x: string): string =>
  net.op('Conv', [x, net.weight('wide', [4, 3, 1, 1])], { kernel_shape: [1, 1] });
const positive = (net: Composer, x: string): string => net.op('Relu', [widened(net, x)]);

describe('folding Pad nodes', () => {
  const folded: Record<string, (net: Composer, x: string) => string> = {
    'into a convolution': (net, x) => convolved(net, padded(net, x)),
    'into a convolution that pads itself': (net, x) => convolved(net, padded(net, x), { pads: [1, 0, 0, 1] }),
    'into a convolution without padding by name': (net, x) => convolved(net, padded(net, x), { auto_pad: 'VALID' }),
    'with a zero of its own': (net, x) => convolved(net, net.op('Pad', [x, net.ints(...AROUND), net.scalar(0)])),
    'into a max pool behind a Relu': (net, x) => pooled(net, padded(net, positive(net, x))),
    'into a max pool that pads itself': (net, x) =>
      pooled(net, padded(net, positive(net, x), [0, 0, 1, 1, 0, 0, 1, 1]), { pads: [1, 0, 1, 1] }),
  };
  for (const [name, body] of Object.entries(folded)) {
    it(`leaves the same numbers: ${name}`, async () => {
      const model = network(body);
      const tight = { ...model, graph: foldPads(model.graph) };
      expect([padsIn(model), padsIn(tight)]).toEqual([1, 0]);
      await expectSame(tight, model);
    });
  }

  const kept: Record<string, (net: Composer, x: string) => string> = {
    'of another number than zero': (net, x) => convolved(net, net.op('Pad', [x, net.ints(...AROUND), net.scalar(1)])),
    'that mirrors': (net, x) => convolved(net, net.op('Pad', [x, net.ints(...AROUND)], { mode: 'reflect' })),
    'that cuts': (net, x) => convolved(net, padded(net, x, [0, 0, -1, 1, 0, 0, 1, 1])),
    'of channels': (net, x) =>
      convolved(net, net.op('Slice', [padded(net, x, [0, 1, 1, 1, 0, 0, 1, 1]), net.ints(0), net.ints(3), net.ints(1)])),
    'in front of a convolution that chooses its padding': (net, x) => convolved(net, padded(net, x), { auto_pad: 'SAME_UPPER' }),
    'in front of a max pool of numbers below zero': (net, x) => pooled(net, padded(net, widened(net, x))),
    'in front of a max pool with a window that would see padding alone': (net, x) =>
      pooled(net, padded(net, positive(net, x), [0, 0, 3, 0, 0, 0, 0, 0])),
    'in front of a max pool whose last window may be a part': (net, x) =>
      pooled(net, padded(net, positive(net, x)), { ceil_mode: 1 }),
    'in front of an average pool': (net, x) =>
      net.op('AveragePool', [padded(net, positive(net, x))], { kernel_shape: [3, 3], strides: [2, 2] }),
  };
  for (const [name, body] of Object.entries(kept)) {
    it(`leaves alone a Pad ${name}`, () => {
      const { graph } = network(body);
      expect(foldPads(graph)).toEqual(graph);
    });
  }

  it('keeps a Pad that something else reads too', async () => {
    const model = network((net, x) => {
      const wide = padded(net, positive(net, x));
      const most = pooled(net, wide);
      const mean = net.op('AveragePool', [wide], { kernel_shape: [3, 3], strides: [2, 2] });
      return net.op('Add', [most, mean]);
    });
    const tight = { ...model, graph: foldPads(model.graph) };
    expect(padsIn(tight)).toBe(1);
    expect(tight.graph.nodes.find(({ type }) => type === 'MaxPool')!.inputs).not.toEqual(
      model.graph.nodes.find(({ type }) => type === 'MaxPool')!.inputs,
    );
    await expectSame(tight, model);
  });
});
