// How many channels a block of the processor's blocked layout has (see nchwc.ts): a graph that shows it, and how its answer is read.
import { GraphBuilder } from './builder';
import type { Model, Tensor } from './model';
import { NCHWC } from './nchwc';

const CHANNELS = 64;

const INPUT = 'x';
const OUTPUT = 'y';

/** Two pixels of 64 channels, 0 and 1 of the first channel, 2 and 3 of the second, and so on, brought into blocks. */
export function blockProbe(): { readonly model: Model; readonly feeds: Readonly<Record<string, Tensor>> } {
  const builder = new GraphBuilder();
  const dims = [1, CHANNELS, 1, 2];
  builder.output(builder.op('ReorderInput', [builder.input(INPUT, 'float32', dims)], {}, { domain: NCHWC }), OUTPUT);
  const data = Float32Array.from({ length: 2 * CHANNELS }, (_, k) => k);
  return {
    model: {
      irVersion: 10,
      opsets: { '': builder.opset, [NCHWC]: 1 },
      producer: 'labelscope',
      metadata: {},
      graph: builder.build('block-probe'),
    },
    feeds: { [INPUT]: { type: 'float32', dims, data } },
  };
}

/** In blocks, the first pixel's channels stand in front of the second pixel's. Undefined where the order is another. */
export function blockIn({ [OUTPUT]: answer }: Readonly<Record<string, Tensor>>): number | undefined {
  const values = Array.from(answer?.data ?? [], Number);
  const block = values.indexOf(1);
  const expected = Array.from({ length: 2 * CHANNELS }, (_, k) => {
    const [group, rest] = [Math.floor(k / (2 * block)), k % (2 * block)];
    return 2 * (group * block + (rest % block)) + Math.floor(rest / block);
  });
  return block > 1 && values.join() === expected.join() ? block : undefined;
}
