// Features at zero mean and deviation one, and heads that were trained on such, turned into heads for features as they are.
import { HEAD_BIAS, HEAD_WEIGHT } from '../onnx/classifier';
import type { Tensor } from '../onnx/model';
import type { FeatureRows } from './feature-matrix';

export interface Scale {
  readonly mean: Float64Array;
  /** 1 where a feature is the same in every row, up to rounding. */
  readonly deviation: Float64Array;
}

/** Smaller deviations, as a share of the mean, are those of float32's rounding. */
const ROUNDING = 1e-6;

/** Of each feature over the first `count` rows. */
export async function scaleOf(matrix: FeatureRows, count: number): Promise<Scale> {
  const { width } = matrix;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  const values = new Float32Array(width);
  for (let row = 0; row < count; row++) {
    await matrix.read(row, values, 0);
    for (let k = 0; k < width; k++) mean[k]! += values[k]! / count;
  }
  for (let row = 0; row < count; row++) {
    await matrix.read(row, values, 0);
    for (let k = 0; k < width; k++) square[k]! += (values[k]! - mean[k]!) ** 2 / count;
  }
  const deviation = square.map((variance, k) => (Math.sqrt(variance) > ROUNDING * Math.abs(mean[k]!) ? Math.sqrt(variance) : 1));
  return { mean, deviation };
}

/** The same rows at that scale. */
export function standardized(matrix: FeatureRows, { mean, deviation }: Scale): FeatureRows {
  const { width } = matrix;
  return {
    width,
    read: async (row, target, at) => {
      await matrix.read(row, target, at);
      for (let k = 0; k < width; k++) target[at + k] = (target[at + k]! - mean[k]!) / deviation[k]!;
    },
  };
}

/** W·(f − mean)/deviation + b = W'·f + b' with W' = W/deviation and b' = b − W'·mean. Other tensors stay as they are. */
export function unstandardized(tensors: Readonly<Record<string, Tensor>>, { mean, deviation }: Scale): Record<string, Tensor> {
  const weight = tensors[HEAD_WEIGHT] as Tensor<'float32'>;
  const bias = tensors[HEAD_BIAS] as Tensor<'float32'>;
  const width = mean.length;
  const divided = Float64Array.from(weight.data, (value, at) => value / deviation[at % width]!);
  const shifts = new Float64Array(bias.data.length);
  divided.forEach((value, at) => (shifts[Math.floor(at / width)]! += value * mean[at % width]!));
  return {
    ...tensors,
    [HEAD_WEIGHT]: { ...weight, data: Float32Array.from(divided) },
    [HEAD_BIAS]: { ...bias, data: bias.data.map((value, category) => value - shifts[category]!) },
  };
}
