// Which copy of ONNX Runtime is used: the one that came with Labelscope, or one with the CUDA provider that a person has added.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { userCacheFolder } from '../../dataset/cache-folder';
import { whyNoCuda } from '../../platform';
import type { InstalledFile } from '../../protocol/install';

/** Written last: a folder that has it is whole. */
export const RECORD = 'installed.json';

export interface InstallRecord {
  readonly files: readonly InstalledFile[];
}

export function onnxRuntimeVersion(): string {
  return (createRequire(__filename)('onnxruntime-node/package.json') as { version: string }).version;
}

export function shippedPackage(): string {
  return dirname(createRequire(__filename).resolve('onnxruntime-node/package.json'));
}

/** Where a copy with the CUDA provider lies once it is added. Another version of Labelscope, with another ONNX Runtime, does not use it. */
export function cudaPackage(): string {
  return join(userCacheFolder('runtime'), `onnxruntime-${onnxRuntimeVersion()}-cuda`);
}

/** The folder of the package that is loaded. A provider is looked for beside the library, so adding one means another copy of the whole. */
export function packageInUse(): string {
  const added = cudaPackage();
  return whyNoCuda() === undefined && existsSync(join(added, RECORD)) ? added : shippedPackage();
}

/** The folder of its libraries within a copy of the package. */
export function librariesOf(folder: string): string {
  return join(folder, 'bin', 'napi-v6', process.platform, process.arch);
}

/** @throws where there is none, or it was damaged */
export function recordOf(folder: string): InstallRecord {
  return JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as InstallRecord;
}
