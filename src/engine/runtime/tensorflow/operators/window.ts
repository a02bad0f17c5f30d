// Padding of images whose channels come last.
import type { Window } from '../../../../onnx/shapes/window';
import type { Tf4D, TensorFlow } from '../module';

/** The name that TensorFlow.js has for the padding of a window whose taps reach over `extents`; undefined where it has none. */
export function paddingOf(
  { begins, ends, strides }: Pick<Window, 'begins' | 'ends' | 'strides'>,
  extents: readonly number[],
  sizes: readonly number[],
): 'valid' | 'same' | undefined {
  if ([...begins, ...ends].every((pad) => pad === 0)) return 'valid';
  const isSame = sizes.every((size, axis) => {
    const total = Math.max((Math.ceil(size / strides[axis]!) - 1) * strides[axis]! + extents[axis]! - size, 0);
    return begins[axis] === Math.floor(total / 2) && ends[axis] === Math.ceil(total / 2);
  });
  return isSame ? 'same' : undefined;
}

/** Adds `fill` around N×H×W×C; negative numbers crop. */
export function padded(tf: TensorFlow, x: Tf4D, begins: readonly number[], ends: readonly number[], fill: number): Tf4D {
  const sides = [0, 1].map((axis) => [begins[axis]!, ends[axis]!] as const);
  const more = sides.map(([begin, end]): [number, number] => [Math.max(0, begin), Math.max(0, end)]);
  const grown = more.flat().every((pad) => pad === 0) ? x : tf.pad<Tf4D>(x, [[0, 0], more[0]!, more[1]!, [0, 0]], fill);
  if (sides.flat().every((pad) => pad >= 0)) return grown;
  const [n, height, width, channels] = grown.shape;
  const [top, left] = sides.map(([begin]) => Math.max(0, -begin)) as [number, number];
  const [bottom, right] = sides.map(([, end]) => Math.max(0, -end)) as [number, number];
  return tf.slice(grown, [0, top, left, 0], [n, height - top - bottom, width - left - right, channels]);
}
