// The thread that runs graphs: how it keeps the state of a training between steps.
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Runtime, startRuntime } from '../../src/engine/runtime/runtime';
import { GraphBuilder } from '../../src/onnx/builder';
import { encodeModel } from '../../src/onnx/encode';
import { NEXT } from '../../src/onnx/normalization';
import { UNBUILT } from '../support/engine';
import { float32, floats } from '../support/graphs';

/** A step on two pairs of numbers: a ← a + 1, b ← 2·b; it also answers their sum before. */
function counting(): Uint8Array {
  const builder = new GraphBuilder();
  const [a, b] = [builder.input('a', 'float32', [2]), builder.input('b', 'float32', [2])];
  builder.output(builder.op('Add', [a, b]), 'sum');
  builder.output(builder.op('Add', [a, builder.scalar(1)]), `${NEXT}a`);
  builder.output(builder.op('Mul', [b, builder.scalar(2)]), `${NEXT}b`);
  const graph = builder.build('counting');
  return encodeModel({ irVersion: 10, opsets: { '': builder.opset }, producer: 'test', metadata: {}, graph });
}

describe.skipIf(UNBUILT)(`the state in the worker${UNBUILT}`, () => {
  let runtime: Runtime;
  let session: number;

  beforeAll(async () => {
    runtime = startRuntime(resolve('dist', 'worker.js'));
    session = await runtime.load(counting(), { device: 'cpu', threads: 1 });
  });

  afterAll(async () => {
    await runtime.release({ session });
    await runtime.close();
  });

  it('moves on with every run, also where two tensors begin as the same memory', async () => {
    const same = float32([2], [1, 3]);
    const state = await runtime.setState({ a: same, b: same });
    const sums: number[][] = [];
    for (let step = 0; step < 5; step++) sums.push([...floats((await runtime.run(session, {}, { state })).sum)]);
    expect(sums).toEqual([0, 1, 2, 3, 4].map((k) => [1 + k + 2 ** k, 3 + k + 3 * 2 ** k]));
    const { a, b } = await runtime.readState(state);
    expect([[...floats(a)], [...floats(b)]]).toEqual([
      [6, 8],
      [32, 96],
    ]);
    expect([...same.data]).toEqual([1, 3]);
    await runtime.release({ state });
  });

  it('is read as a copy that later runs do not touch', async () => {
    const state = await runtime.setState({ a: float32([2], [0, 0]), b: float32([2], [1, 1]) });
    await runtime.run(session, {}, { state });
    const before = await runtime.readState(state);
    for (let step = 0; step < 3; step++) await runtime.run(session, {}, { state });
    expect([...floats(before.a), ...floats(before.b)]).toEqual([1, 1, 2, 2]);
    await runtime.release({ state });
    await expect(runtime.run(session, {}, { state })).rejects.toMatchObject({ code: 'runtime-released' });
  });

  it('refuses a device that ONNX Runtime has no provider for, which would compute on the CPU without a word', async () => {
    const loading = runtime.load(counting(), { device: 'nobody' as never, threads: 1 });
    await expect(loading).rejects.toMatchObject({
      code: 'device-unavailable',
      message: `ONNX Runtime's package for Node has no nobody on ${process.platform}-${process.arch}. Use another device.`,
    });
  });
});
