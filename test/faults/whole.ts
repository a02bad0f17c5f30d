// Whether the files of a run are whole: every name that readers know holds a file that can be read to its end.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { TEMPORARY } from '../../src/engine/client/atomic';
import { readTensors } from '../../src/engine/run/safetensors';
import { readModel } from '../../src/onnx/files';

/** What is wrong, one line a file; temporary files of a killed process are no file of the run. */
export async function brokenFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const found = await Promise.all(names.map((name) => brokenFile(join(folder, name))));
  return found.flat();
}

async function brokenFile(path: string): Promise<string[]> {
  const check = TEMPORARY.test(path) ? undefined : CHECKS.find(([ending]) => path.endsWith(ending))?.[1];
  try {
    await check?.(path);
    return [];
  } catch (error) {
    return [`${path}: ${String(error)}`];
  }
}

const CHECKS: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
  ['.json', async (path) => JSON.parse(await readFile(path, 'utf8')) as unknown],
  [
    '.jsonl',
    async (path) =>
      (await readFile(path, 'utf8'))
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown),
  ],
  ['.safetensors', readTensors],
  ['.onnx', readModel],
];

/** Files of two runs that are not the same: models and histories byte by byte, records but for what says where, when, how fast and why. */
export async function differentFiles(a: string, b: string): Promise<string[]> {
  const names = new Set([...(await filesOf(a)), ...(await filesOf(b))]);
  const compared = await Promise.all(
    [...names].map(async (name) => ({ name, same: isDeepStrictEqual(await contentOf(a, name), await contentOf(b, name)) })),
  );
  return compared.filter(({ same }) => !same).map(({ name }) => `${name} in ${a} is not the one in ${b}`);
}

/** Not those of its checkpoint, which may be an earlier one: the run is finished. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

const OWN = ['run', 'created', 'imagesPerSecond', 'idleShare', 'reason'];

async function contentOf(folder: string, name: string): Promise<unknown> {
  const bytes = await readFile(join(folder, name)).catch(() => undefined);
  if (!bytes || !name.endsWith('.json')) return bytes;
  const text = bytes.toString('utf8').replaceAll(folder, 'RUN');
  return JSON.parse(text, (key, value: unknown) => (OWN.includes(key) ? undefined : value));
}
