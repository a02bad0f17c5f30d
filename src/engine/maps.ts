// Grad-CAM maps of an image that is already read: what runs of the graph of onnx/gradcam.ts give.
import { IMAGE, PROBABILITIES } from '../onnx/classifier';
import { MAPS, SELECTION, SIGNED_MAPS } from '../onnx/gradcam';
import type { Tensor } from '../onnx/model';
import type { ExplainedMap } from '../protocol/messages';
import type { Pixels } from './images';
import { MAPS_AT_ONCE } from './models';
import type { Trained } from './trained';

export type RunMaps = (feeds: Record<string, Tensor>) => Promise<Readonly<Record<string, Tensor>>>;

/** Row-major, not normalised. */
export type RawMap = Pick<ExplainedMap, 'width' | 'height' | 'values'>;

export interface RawMaps {
  /** In the order of the categories that were asked for. */
  readonly maps: readonly RawMap[];
  /** One a category of the model. */
  readonly probabilities: Float32Array;
}

/** @param columns of the model's categories, any number; without any, one run tells the probabilities */
export async function mapsOf(trained: Trained, pixels: Pixels, columns: readonly number[], run: RunMaps): Promise<RawMaps> {
  const { maps, probabilities } = await runMaps(trained, pixels, columns.slice(0, MAPS_AT_ONCE), run);
  const all = [...maps];
  for (let start = MAPS_AT_ONCE; start < columns.length; start += MAPS_AT_ONCE)
    all.push(...(await runMaps(trained, pixels, columns.slice(start, start + MAPS_AT_ONCE), run)).maps);
  return { maps: all, probabilities };
}

export interface GraphUse {
  readonly atOnce?: number;
  /** SIGNED_MAPS: with what speaks against a category as negative values. */
  readonly output?: typeof MAPS | typeof SIGNED_MAPS;
}

/**
 * One run.
 *
 * @param columns at most `atOnce`; the rows that are left over select nothing
 * @param graph for how many categories at once it was built, and which of its maps are wanted
 */
export async function runMaps(
  { classifier: { width, height }, card }: Pick<Trained, 'classifier' | 'card'>,
  pixels: Pixels,
  columns: readonly number[],
  run: RunMaps,
  { atOnce = MAPS_AT_ONCE, output = MAPS }: GraphUse = {},
): Promise<RawMaps> {
  const count = card.categories.length;
  const selection = new Float32Array(atOnce * count);
  columns.forEach((column, row) => (selection[row * count + column] = 1));
  const outputs = await run({
    [IMAGE]: { type: 'uint8', dims: [1, height, width, 3], data: pixels.data },
    [SELECTION]: { type: 'float32', dims: [atOnce, count], data: selection },
  });
  const { dims, data } = outputs[output] as Tensor<'float32'>;
  const [, rows, across] = dims as [number, number, number];
  const size = rows * across;
  const maps = columns.map((_, k) => ({ width: across, height: rows, values: [...data.subarray(k * size, (k + 1) * size)] }));
  return { maps, probabilities: (outputs[PROBABILITIES] as Tensor<'float32'>).data };
}
