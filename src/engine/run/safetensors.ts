// The safetensors format (8 bytes of header length, a JSON header, raw little-endian tensors) for checkpoints: other programs read it too.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { elementCount, type Tensor } from '../../onnx/model';
import { LabelscopeError } from '../../protocol/errors';
import { writeAtomically } from '../client/atomic';

export interface TensorFile {
  readonly tensors: Readonly<Record<string, Tensor<'float32'>>>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Bytes that are read or hashed in one call; from 2 GiB on, Node refuses. */
const MOST_AT_ONCE = 2 ** 30;

/**
 * With a checksum among the metadata, of all the rest: the header as it is without it, and the tensors.
 *
 * @throws LabelscopeError 'write-failed'
 */
export async function writeTensors(path: string, { tensors, metadata }: TensorFile): Promise<void> {
  const bodies = Object.values(tensors).map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const entries: Record<string, HeaderEntry> = {};
  let offset = 0;
  for (const [name, { dims, data }] of Object.entries(tensors)) {
    entries[name] = { dtype: 'F32', shape: dims, data_offsets: [offset, (offset += data.byteLength)] };
  }
  const checksum = checksumOf(metadata, entries, bodies);
  const text = Buffer.from(JSON.stringify({ __metadata__: { ...metadata, checksum }, ...entries }));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await writeAtomically(path, [length, padded, ...bodies]);
}

/** @throws LabelscopeError 'checkpoint-unreadable' naming the file where it is missing, cut, changed or of another format */
export async function readTensors(path: string): Promise<TensorFile> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size;) {
        const { bytesRead } = await file.read(bytes, at, Math.min(size - at, MOST_AT_ONCE), at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return parse(bytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LabelscopeError(
      'checkpoint-unreadable',
      `${path} cannot be read (${detail}). Put a copy of it back, or train again into another folder.`,
    );
  }
}

/** The metadata alone, unchecked, without reading the tensors; empty for a file that has none or is damaged. */
export async function readMetadata(path: string): Promise<TensorFile['metadata']> {
  try {
    const file = await open(path, 'r');
    try {
      const length = Buffer.alloc(8);
      await file.read(length, 0, 8, 0);
      const header = Buffer.alloc(Math.min(Number(length.readBigUInt64LE()), (await file.stat()).size));
      await file.read(header, 0, header.length, 8);
      return headerOf(header.toString()).__metadata__ ?? {};
    } finally {
      await file.close();
    }
  } catch {
    return {};
  }
}

function parse(bytes: Uint8Array): TensorFile {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes.length < 8 ? Infinity : 8 + Number(view.readBigUInt64LE(0));
  if (start > bytes.length) throw new Error('it is cut or no safetensors file');
  const { __metadata__: metadata = {}, ...entries } = headerOf(view.toString('utf8', 8, start));
  const tensors = Object.entries(entries).map(([name, entry]) => [name, tensorOf(name, entry, bytes, start)] as const);
  const body = [bytes.subarray(start)];
  const { checksum, sha256, ...rest } = metadata;
  if (checksum === undefined && sha256 === undefined)
    throw new Error('it has no checksum of its own, so nobody knows whether it is whole');
  // The first files had one of the tensors alone, by another name.
  const unchanged = checksum === undefined ? sha256 === sha256Of(body) : checksum === checksumOf(rest, entries, body);
  if (!unchanged) throw new Error('its contents have changed since it was written');
  return { tensors: Object.fromEntries(tensors), metadata: rest };
}

function checksumOf(
  metadata: TensorFile['metadata'],
  entries: Readonly<Record<string, HeaderEntry>>,
  bodies: readonly Uint8Array[],
): string {
  return sha256Of([Buffer.from(JSON.stringify({ __metadata__: metadata, ...entries })), ...bodies]);
}

type Header = Readonly<Record<string, HeaderEntry>> & { readonly __metadata__?: Readonly<Record<string, string>> };

function headerOf(text: string): Header {
  try {
    return JSON.parse(text) as Header;
  } catch {
    throw new Error('its header is damaged');
  }
}

function sha256Of(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts)
    for (let at = 0; at < part.length; at += MOST_AT_ONCE) hash.update(part.subarray(at, at + MOST_AT_ONCE));
  return hash.digest('hex');
}

function tensorOf(
  name: string,
  { dtype, shape, data_offsets }: HeaderEntry,
  bytes: Uint8Array,
  start: number,
): Tensor<'float32'> {
  const [from, to] = data_offsets;
  if (dtype !== 'F32' || to - from !== 4 * elementCount(shape) || start + to > bytes.byteLength)
    throw new Error(`the tensor ${name} is cut or not F32`);
  // The copy gives each tensor memory of its own, so that it can be handed to another thread.
  return { type: 'float32', dims: shape, data: new Float32Array(bytes.slice(start + from, start + to).buffer) };
}
