// Model files, written as everything is that a run keeps.
import { encodeModelChunks } from '../../onnx/encode';
import type { Model } from '../../onnx/model';
import { writeAtomically } from '../client/atomic';

/** @throws as `writeAtomically`; OnnxError as `encodeModelChunks` does */
export async function writeModel(path: string, model: Model, signal?: AbortSignal): Promise<void> {
  await writeAtomically(path, encodeModelChunks(model), signal);
}
