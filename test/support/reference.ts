// The folder of expected results from independent programs, or the part of it that the project has, and how its files are read.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REFERENCE = resolve(process.env.LABELSCOPE_REFERENCE ?? '../shared/reference/open');
/** Metrics and operators alone, which are small. */
const OWN = resolve('test', 'fixtures', 'reference');

/** A part (metrics, operators, training, gradcam) is taken whole from one of the two. */
export function referencePath(part: string, ...rest: string[]): string {
  return join(existsSync(join(REFERENCE, part)) ? REFERENCE : OWN, part, ...rest);
}

export function hasReference(part: string, ...rest: string[]): boolean {
  return existsSync(referencePath(part, ...rest));
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names the shape of a file that the reader knows
export function readReference<T>(part: string, ...rest: string[]): T {
  return JSON.parse(readFileSync(referencePath(part, ...rest), 'utf8')) as T;
}

/** Names of the files in a folder of the reference that end so; none where the folder is absent. */
export function referenceFiles(folder: string, ending: string): string[] {
  return hasReference(folder) ? readdirSync(referencePath(folder)).filter((name) => name.endsWith(ending)) : [];
}

/** A .f32 file: little-endian float32 without a header. */
export function readFloats(part: string, ...rest: string[]): Float32Array {
  const bytes = readFileSync(referencePath(part, ...rest));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
