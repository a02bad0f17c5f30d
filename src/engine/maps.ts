// Grad-CAM maps of an image that is already read: what runs of the network and of the graph of onnx/gradcam.ts give.
import { type Classifier, IMAGE, PROBABILITIES } from '../onnx/classifier';
import { MAPS, SELECTION, SIGNED_MAPS } from '../onnx/gradcam';
import type { Tensor } from '../onnx/model';
import type { ExplainedMap } from '../protocol/messages';
import type { Pixels } from './images';
import { MAPS_AT_ONCE } from './models';
import type { Runtime } from './runtime/runtime';

/** Row-major, not normalised. */
export type RawMap = Pick<ExplainedMap, 'width' | 'height' | 'values'>;

/** The sessions of a model whose maps are wanted. */
export interface MapSessions {
  readonly runtime: Runtime;
  /** image → probabilities and activations of the last convolutional stage */
  readonly scoring: number;
  /** activations and selection → maps */
  readonly mapping: number;
  /** For how many categories at once `mapping` was built. */
  readonly atOnce?: number;
  /** SIGNED_MAPS: with what speaks against a category as negative values. */
  readonly output?: typeof MAPS | typeof SIGNED_MAPS;
}

/** An image as the network has seen it: its maps cost little more. */
export interface Seen {
  /** One a category of the model. */
  readonly probabilities: Float32Array;
  readonly activations: Tensor;
}

export async function see({ height, width, stage = '' }: Classifier, pixels: Pixels, sessions: MapSessions): Promise<Seen> {
  const image: Tensor = { type: 'uint8', dims: [1, height, width, 3], data: pixels.data };
  const outputs = await sessions.runtime.run(sessions.scoring, { [IMAGE]: image });
  return { probabilities: (outputs[PROBABILITIES] as Tensor<'float32'>).data, activations: outputs[stage]! };
}

/** @param columns of the model's categories, any number; the maps come in their order */
export async function mapsOf(
  classifier: Classifier,
  seen: Seen,
  columns: readonly number[],
  sessions: MapSessions,
): Promise<RawMap[]> {
  const { atOnce = MAPS_AT_ONCE } = sessions;
  const maps: RawMap[] = [];
  for (let start = 0; start < columns.length; start += atOnce)
    maps.push(...(await runMaps(classifier, seen, columns.slice(start, start + atOnce), sessions)));
  return maps;
}

/** One run; the rows that are left over select nothing. */
async function runMaps(
  { stage = '' }: Classifier,
  { activations, probabilities }: Seen,
  columns: readonly number[],
  { runtime, mapping, atOnce = MAPS_AT_ONCE, output = MAPS }: MapSessions,
): Promise<RawMap[]> {
  const count = probabilities.length;
  const selection = new Float32Array(atOnce * count);
  columns.forEach((column, row) => (selection[row * count + column] = 1));
  const feeds = { [stage]: activations, [SELECTION]: { type: 'float32', dims: [atOnce, count], data: selection } } as const;
  const { dims, data } = (await runtime.run(mapping, feeds, { outputs: [output] }))[output] as Tensor<'float32'>;
  const [, rows, across] = dims as [number, number, number];
  const size = rows * across;
  return columns.map((_, k) => ({ width: across, height: rows, values: [...data.subarray(k * size, (k + 1) * size)] }));
}
