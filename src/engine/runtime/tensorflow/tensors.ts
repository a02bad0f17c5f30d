// Tensors of ONNX as those of TensorFlow.js, and back.
import type { Tensor } from '../../../onnx/model';
import type { ValueType } from '../../../onnx/operator';
import { isNumeric, tensorOf } from '../../../onnx/tensors';
import { LabelscopeError } from '../../../protocol/errors';
import type { TensorFlow, TfTensor } from './module';

/** A copy: neither side sees what the other writes. */
export function toTensorFlow(tf: TensorFlow, { type, dims, data }: Tensor): TfTensor {
  const shape = [...dims];
  if (type === 'float32') return tf.tensor(data.slice(), shape, 'float32');
  if (type === 'bool') return tf.tensor(data.slice(), shape, 'bool');
  if (type === 'int64') return tf.tensor(Int32Array.from(data, Number), shape, 'int32');
  if (type === 'string' || type === 'float16' || type === 'float64') throw unsupported(type);
  return tf.tensor(new Int32Array(data), shape, 'int32');
}

/** @param type what the graph says of the value, which TensorFlow.js holds as a float or a 32-bit integer */
export function fromTensorFlow(tensor: TfTensor, { type }: ValueType): Tensor {
  const dims = [...tensor.shape];
  const data = tensor.dataSync();
  if (type === 'float32') return { type, dims, data: data instanceof Float32Array ? data.slice() : Float32Array.from(data) };
  if (isNumeric(type)) return tensorOf(type, Array.from(data), dims);
  throw unsupported(type);
}

function unsupported(type: string): LabelscopeError {
  return new LabelscopeError(
    'engine-operator',
    `TensorFlow.js has no tensors of ${type}. Use the engine onnxruntime for this model.`,
  );
}
