// The folder of expected results from independent programs, and how its files are read.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REFERENCE = resolve(process.env.LABELSCOPE_REFERENCE ?? '../shared/reference/open');

export function referencePath(...parts: string[]): string {
  return join(REFERENCE, ...parts);
}

export function hasReference(...parts: string[]): boolean {
  return existsSync(referencePath(...parts));
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names the shape of a file that the reader knows
export function readReference<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(referencePath(...parts), 'utf8')) as T;
}

/** Names of the files in a folder of the reference that end so; none where the folder is absent. */
export function referenceFiles(folder: string, ending: string): string[] {
  return hasReference(folder) ? readdirSync(referencePath(folder)).filter((name) => name.endsWith(ending)) : [];
}

/** A .f32 file: little-endian float32 without a header. */
export function readFloats(...parts: string[]): Float32Array {
  const bytes = readFileSync(referencePath(...parts));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
