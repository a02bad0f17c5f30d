// Model files, written as everything is that a run keeps.
import { encodeModelChunks } from '../../onnx/encode';
import type { Model } from '../../onnx/model';
import { writeAtomically } from '../client/atomic';

/** @throws LabelscopeError 'write-failed'; OnnxError as `encodeModelChunks` does */
export async function writeModel(path: string, model: Model): Promise<void> {
  await writeAtomically(path, encodeModelChunks(model));
}
