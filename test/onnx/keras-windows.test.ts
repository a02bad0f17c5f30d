// The sliding windows of the Keras import (padding, strides, dilation) against their definition in a plain loop over N×H×W×C.
import { describe, expect, it } from 'vitest';
import { imported, input, layer, outputOf, pixels } from './keras-models';

/** A pseudo-random number of −1..1 that is the same on every run. */
const wave = (index: number) => Math.sin(index * 12.9898) * Math.cos(index * 4.1414);

interface WindowCase {
  size: [number, number];
  kernel: [number, number];
  strides: [number, number];
  dilation?: [number, number];
  padding: 'same' | 'valid';
}

/** Calls `visit` for every output position with every input position under the window, in Keras's definition of padding. */
function slide(
  { size, kernel, strides, dilation = [1, 1], padding }: WindowCase,
  visit: (out: [number, number], tap: [number, number], at: [number, number]) => void,
): [number, number] {
  const axes = [0, 1].map((axis) => {
    const reach = (kernel[axis]! - 1) * dilation[axis]! + 1;
    if (padding === 'valid') return { steps: Math.ceil((size[axis]! - reach + 1) / strides[axis]!), before: 0 };
    const steps = Math.ceil(size[axis]! / strides[axis]!);
    return { steps, before: Math.floor(Math.max(0, (steps - 1) * strides[axis]! + reach - size[axis]!) / 2) };
  });
  const [rows, columns] = [axes[0]!.steps, axes[1]!.steps];
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      for (let i = 0; i < kernel[0]; i++)
        for (let j = 0; j < kernel[1]; j++) {
          const row = y * strides[0] + i * dilation[0] - axes[0]!.before;
          const column = x * strides[1] + j * dilation[1] - axes[1]!.before;
          if (row >= 0 && row < size[0] && column >= 0 && column < size[1]) visit([y, x], [i, j], [row, column]);
        }
  return [rows, columns];
}

const WINDOWS: WindowCase[] = [
  { size: [5, 7], kernel: [3, 3], strides: [1, 1], padding: 'valid' },
  { size: [5, 7], kernel: [3, 3], strides: [1, 1], padding: 'same' },
  { size: [6, 7], kernel: [3, 3], strides: [2, 2], padding: 'same' },
  { size: [6, 7], kernel: [2, 3], strides: [2, 1], padding: 'same' },
  { size: [7, 6], kernel: [1, 1], strides: [2, 2], padding: 'same' },
  { size: [8, 9], kernel: [4, 2], strides: [3, 2], padding: 'same' },
  { size: [8, 9], kernel: [3, 2], strides: [2, 3], padding: 'valid' },
];
const DILATED: WindowCase[] = [
  { size: [8, 9], kernel: [3, 2], strides: [1, 1], dilation: [2, 3], padding: 'same' },
  { size: [8, 9], kernel: [3, 3], strides: [1, 1], dilation: [2, 2], padding: 'valid' },
];

describe('windows are those of Keras', () => {
  const picture = ([height, width]: [number, number]) =>
    Array.from({ length: height * width * 3 }, (_, index) => Math.round(127 * (1 + wave(index))));

  /** Channels-first values as ONNX gives them. */
  const expectMap = (
    found: { dims: number[]; data: number[] },
    dims: number[],
    at: (c: number, y: number, x: number) => number,
  ) => {
    expect(found.dims).toEqual([1, ...dims]);
    const [channels, rows, columns] = dims as [number, number, number];
    let index = 0;
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) expect(found.data[index++]).toBeCloseTo(at(c, y, x), 3);
  };

  it.each([...WINDOWS, ...DILATED])('Conv2D $size $kernel $strides $dilation $padding', async (window) => {
    const [kh, kw] = window.kernel;
    const kernel = Array.from({ length: kh * kw * 3 * 2 }, (_, index) => wave(index + 7));
    const config = { ...configOf(window), kernel_size: window.kernel, use_bias: false };
    const model = imported([input(...window.size), layer('Conv2D', 'c', ['in'], config)], [['c/kernel', [kh, kw, 3, 2], kernel]]);
    const data = picture(window.size);
    const sums = new Map<string, number>();
    const [rows, columns] = slide(window, ([y, x], [i, j], [row, column]) => {
      for (let out = 0; out < 2; out++)
        for (let c = 0; c < 3; c++) {
          const product = data[(row * window.size[1] + column) * 3 + c]! * kernel[((i * kw + j) * 3 + c) * 2 + out]!;
          sums.set(`${out},${y},${x}`, (sums.get(`${out},${y},${x}`) ?? 0) + product);
        }
    });
    const found = await outputOf(model, pixels(...window.size, data));
    expectMap(found, [2, rows, columns], (c, y, x) => sums.get(`${c},${y},${x}`) ?? 0);
  });

  it.each(WINDOWS)('DepthwiseConv2D $size $kernel $strides $padding', async (window) => {
    const [kh, kw] = window.kernel;
    const kernel = Array.from({ length: kh * kw * 3 * 2 }, (_, index) => wave(index + 5));
    const model = imported(
      [input(...window.size), layer('DepthwiseConv2D', 'd', ['in'], { ...configOf(window), kernel_size: window.kernel })],
      [
        ['d/depthwise_kernel', [kh, kw, 3, 2], kernel],
        ['d/bias', [6], [1, 2, 3, 4, 5, 6]],
      ],
    );
    const data = picture(window.size);
    const sums = new Map<string, number>();
    const [rows, columns] = slide(window, ([y, x], [i, j], [row, column]) => {
      for (let out = 0; out < 6; out++) {
        const [c, m] = [Math.floor(out / 2), out % 2];
        const product = data[(row * window.size[1] + column) * 3 + c]! * kernel[((i * kw + j) * 3 + c) * 2 + m]!;
        sums.set(`${out},${y},${x}`, (sums.get(`${out},${y},${x}`) ?? 0) + product);
      }
    });
    const found = await outputOf(model, pixels(...window.size, data));
    expectMap(found, [6, rows, columns], (c, y, x) => (sums.get(`${c},${y},${x}`) ?? 0) + c + 1);
  });

  it.each(WINDOWS)('MaxPooling2D and AveragePooling2D $size $kernel $strides $padding', async (window) => {
    // Less than zero everywhere: padding with zeros would win the maximum and pull up the mean.
    const options = { preprocessing: { order: 'rgb', mean: [300, 300, 300] } } as const;
    const config = { ...configOf(window), pool_size: window.kernel };
    const data = picture(window.size);
    const seen = new Map<string, number[]>();
    const [rows, columns] = slide(window, ([y, x], _, [row, column]) => {
      for (let c = 0; c < 3; c++) {
        const value = data[(row * window.size[1] + column) * 3 + c]! - 300;
        seen.set(`${c},${y},${x}`, [...(seen.get(`${c},${y},${x}`) ?? []), value]);
      }
    });
    const image = pixels(...window.size, data);
    const largest = imported([input(...window.size), layer('MaxPooling2D', 'p', ['in'], config)], [], options);
    expectMap(await outputOf(largest, image), [3, rows, columns], (c, y, x) => Math.max(...seen.get(`${c},${y},${x}`)!));
    const mean = imported([input(...window.size), layer('AveragePooling2D', 'p', ['in'], config)], [], options);
    const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expectMap(await outputOf(mean, image), [3, rows, columns], (c, y, x) => average(seen.get(`${c},${y},${x}`)!));
  });

  function configOf({ strides, dilation, padding }: WindowCase) {
    return { strides, padding, ...(dilation && { dilation_rate: dilation }) };
  }
});
