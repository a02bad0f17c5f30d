// ONNX models on disk: the one file of this room that touches the file system.
import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { isWithin } from '../platform';
import { decodeModel } from './decode';
import type { ExternalData } from './decode-tensor';
import { MAX_FILE_BYTES } from './format';
import { OnnxError } from './model';
import type { Model } from './model';

/** Of the file itself; what it keeps in other files is read without a word. */
interface Reading {
  readonly signal?: AbortSignal;
  /** Told how many bytes are read. */
  readonly onRead?: (count: { readonly done: number; readonly total: number }) => void;
}

/** Between two looks at the signal. */
const READ_BYTES = 64 << 20;

/**
 * Reads a model; tensor data that it keeps in other files is taken only from its own folder.
 * @throws OnnxError as `decodeModel`, and onnx-file where a file cannot be read; the signal's reason.
 */
export async function readModel(path: string, reading: Reading = {}): Promise<Model> {
  const bytes = await readWhole(path, reading);
  reading.signal?.throwIfAborted();
  return decodeModel(bytes, path, externalData(path));
}

/** One allocation of the file's size and few reads: `readFile` takes twice as long for big files. Ends early where it is stopped. */
async function readWhole(path: string, { signal, onRead }: Reading): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > MAX_FILE_BYTES) throw new OnnxError('onnx-size', `${path} is larger than 2 GB, the limit of an ONNX file.`);
      const bytes = new Uint8Array(new ArrayBuffer(size));
      let at = 0;
      for (let read = -1; at < size && read !== 0 && signal?.aborted !== true; at += read) {
        read = (await file.read(bytes, at, Math.min(size - at, READ_BYTES), at)).bytesRead;
        onRead?.({ done: at + read, total: size });
      }
      return bytes.subarray(0, at);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(path, error);
  }
}

function externalData(path: string): ExternalData {
  return (location, offset, length) => {
    const file = insideFolder(dirname(path), location, path);
    try {
      return readRange(file, offset, length, path);
    } catch (error) {
      throw fileError(file, error, path);
    }
  };
}

/** The file's true path; a link inside the folder that points out of it is refused as well. */
function insideFolder(folder: string, location: string, model: string): string {
  const inside = (base: string, target: string) => target !== base && isWithin(base, target);
  const refuse = () =>
    new OnnxError(
      'onnx-file',
      `${model} asks for data in '${location}', outside its own folder: refused. Put the data beside it.`,
    );
  const target = resolve(folder, location);
  if (isAbsolute(location) || location.includes('\0') || !inside(resolve(folder), target)) throw refuse();
  try {
    const real = realpathSync(target);
    if (!inside(realpathSync(folder), real)) throw refuse();
    return real;
  } catch (error) {
    throw fileError(target, error, model);
  }
}

function readRange(path: string, offset: number, length: number, model: string): Uint8Array {
  // Before it is opened: opening a pipe would wait for ever.
  const status = statSync(path);
  if (!status.isFile() || offset + length > status.size) {
    throw new OnnxError('onnx-format', `${path} is shorter than ${model} says. Copy both files again.`);
  }
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(new ArrayBuffer(length));
    for (let at = 0, read = -1; at < length && read !== 0; at += read) {
      read = readSync(file, bytes, at, Math.min(length - at, MAX_FILE_BYTES), offset + at);
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** @param model that asks for it, where it is another file */
function fileError(path: string, error: unknown, model?: string): Error {
  if (error instanceof OnnxError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const reason = code === 'ENOENT' ? 'there is no such file or folder' : (error as Error).message;
  return new OnnxError(
    'onnx-file',
    `Could not read ${path}${model === undefined ? '' : `, which ${model} asks for`}: ${reason}.`,
  );
}
