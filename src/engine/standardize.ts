// Features at zero mean and deviation one, and heads that were trained on such, turned into heads for features as they are.
import { HEAD_BIAS, HEAD_WEIGHT } from '../onnx/classifier';
import type { Tensor } from '../onnx/model';

export interface Scale {
  readonly mean: Float64Array;
  /** 1 where a feature is the same in every row, up to rounding. */
  readonly deviation: Float64Array;
}

/** Smaller deviations, as a share of the mean, are those of float32's rounding. */
const ROUNDING = 1e-6;

/** Of the columns of a matrix of rows × width. */
export function scaleOf(matrix: Float32Array, width: number): Scale {
  const rows = matrix.length / width;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  for (let at = 0; at < matrix.length; at++) mean[at % width]! += matrix[at]! / rows;
  for (let at = 0; at < matrix.length; at++) square[at % width]! += (matrix[at]! - mean[at % width]!) ** 2 / rows;
  const deviation = square.map((variance, k) => (Math.sqrt(variance) > ROUNDING * Math.abs(mean[k]!) ? Math.sqrt(variance) : 1));
  return { mean, deviation };
}

export function standardized(matrix: Float32Array, { mean, deviation }: Scale): Float32Array {
  const width = mean.length;
  return matrix.map((value, at) => (value - mean[at % width]!) / deviation[at % width]!);
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
