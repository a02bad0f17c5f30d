// Labelscope as a contestant of its own benchmark: TensorFlow.js computes where its package can, so it may not stand in another device's table.
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNBUILT } from '../support/engine';

/** What is read of the package while it says where it computes. */
const PACKAGE = `module.exports = {
  ready: async () => undefined,
  backend: () => ({ isUsingGpuDevice: process.env.FAKE_GPU === 'yes' }),
  getBackend: () => 'tensorflow',
};`;

describe.skipIf(UNBUILT)(`a contestant with TensorFlow.js${UNBUILT}`, () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bench-ours-'));
    const place = join(folder, 'node_modules', '@tensorflow', 'tfjs-node');
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'package.json'), JSON.stringify({ name: '@tensorflow/tfjs-node', version: '0.0.0' }));
    await writeFile(join(place, 'index.js'), PACKAGE);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    { measured: 'cuda', gpu: 'no', computes: 'cpu' },
    { measured: 'webgpu', gpu: 'yes', computes: 'cuda' },
    { measured: 'cpu', gpu: 'yes', computes: 'cuda' },
  ])('ends with words where $measured is measured and it computes on $computes', ({ measured, gpu, computes }) => {
    const job = { kind: 'forward', batchSize: 1, inference: 'none.onnx', threads: 1, device: measured, engine: 'tensorflow' };
    const env = { ...process.env, LABELSCOPE_TENSORFLOW: folder, FAKE_GPU: gpu };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/bench.js', 'ours', JSON.stringify(job)], {
      encoding: 'utf8',
      env,
      timeout: 30_000,
    });
    expect(stderr).toContain(`The device ${measured} cannot be used: @tensorflow/tfjs-node 0.0.0`);
    expect(stderr).toContain(`computes on ${computes} here.`);
    expect([status, stdout]).toEqual([1, '']);
  });
});
