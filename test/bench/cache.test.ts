// What the benchmarks measure from cold: nothing computed is found, what a person has added is, and both are left as they were.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withEmptyCache } from '../../bench/cache';
import { userCacheFolder } from '../../src/dataset/cache-folder';

let own: string;

beforeEach(async () => {
  own = await mkdtemp(join(tmpdir(), 'bench-cache-'));
  for (const name of ['runtime', 'models']) {
    await mkdir(join(own, name));
    await writeFile(join(own, name, 'file'), name);
  }
  vi.stubEnv('LABELSCOPE_CACHE', own);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(own, { recursive: true, force: true });
});

it('finds an added ONNX Runtime and no model, and removes nothing of the person’s', async () => {
  const cache = await withEmptyCache(async () => {
    expect(await readFile(join(userCacheFolder('runtime'), 'file'), 'utf8')).toBe('runtime');
    expect(existsSync(userCacheFolder('models'))).toBe(false);
    return process.env.LABELSCOPE_CACHE!;
  });
  expect(cache).not.toBe(own);
  expect(existsSync(cache)).toBe(false);
  expect(process.env.LABELSCOPE_CACHE).toBe(own);
  for (const name of ['runtime', 'models']) expect(await readFile(join(own, name, 'file'), 'utf8')).toBe(name);
});

it('restores the environment after a failure', async () => {
  const failing = withEmptyCache(() => Promise.reject(new Error('no image')));
  await expect(failing).rejects.toThrow('no image');
  expect(process.env.LABELSCOPE_CACHE).toBe(own);
});
