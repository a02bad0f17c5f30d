// Model files, written as everything is that a run keeps.
import { encodeModelChunks } from '../../onnx/encode';
import type { Model } from '../../onnx/model';
import type { CountProgress } from '../../protocol/messages';
import { writeAtomically } from '../client/atomic';

/**
 * @param onWritten told how many of the file's bytes are written
 * @throws as `writeAtomically`; OnnxError as `encodeModelChunks` does
 */
export async function writeModel(
  path: string,
  model: Model,
  signal?: AbortSignal,
  onWritten?: (count: CountProgress) => void,
): Promise<void> {
  const chunks = encodeModelChunks(model);
  await writeAtomically(path, onWritten ? counting(chunks, onWritten) : chunks, signal);
}

/** Tells of each chunk when the next one is asked for, and is done with it. */
function* counting(chunks: readonly Uint8Array[], tell: (count: CountProgress) => void): Generator<Uint8Array> {
  const total = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  let done = 0;
  tell({ done, total });
  for (const chunk of chunks) {
    yield chunk;
    done += chunk.byteLength;
    tell({ done, total });
  }
}
