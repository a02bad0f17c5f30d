// Which TensorFlow.js is found, and what is told of one that does not load or not use its card. Its packages are played by scripts that load nothing.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import util from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startEngineRuntime } from '../../src/engine/runtime/runtime';
import { findTensorFlow } from '../../src/engine/runtime/tensorflow/find';
import type { DoctorReport } from '../../src/protocol/messages';
import { type CliResult, jsonResult, runCli } from '../support/cli';
import { UNBUILT } from '../support/engine';

let root: string;
let folder: string;
let folders = 0;
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'found-'))));
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = join(root, String(++folders));
  await mkdir(folder);
});

const LOADS = `
exports.ready = () => Promise.resolve();
exports.getBackend = () => 'tensorflow';
exports.backend = () => ({ isUsingGpuDevice: false, binding: { TF_Version: '2.18.1' } });
`;
const BROKEN = "throw new Error('libcudart.so.12: cannot open shared object file');";

async function writePackage(place: string, name: string, script: string): Promise<void> {
  const to = join(place, 'node_modules', '@tensorflow', name);
  await mkdir(to, { recursive: true });
  await writeFile(join(to, 'package.json'), JSON.stringify({ name: `@tensorflow/${name}`, version: '4.22.0', main: 'index.js' }));
  await writeFile(join(to, 'index.js'), script);
}

/** Where `doctor --install` puts it, with the record of a library that has changed since. */
async function writeAdded(name: string, script: string): Promise<string> {
  const place = join(folder, 'tensorflow');
  await writePackage(place, name, script);
  const libraries = join(place, 'node_modules', '@tensorflow', name, 'deps', 'lib');
  await mkdir(libraries, { recursive: true });
  await writeFile(join(libraries, 'libtensorflow_cc.so.2'), 'another library');
  const sha256 = '0'.repeat(64);
  await writeFile(
    join(place, 'installed.json'),
    JSON.stringify({ files: [{ name: 'libtensorflow_cc.so.2', bytes: 9, sha256 }] }),
  );
  return place;
}

function doctor(...more: string[]): Promise<CliResult> {
  const env = { LABELSCOPE_CACHE: folder, LABELSCOPE_TENSORFLOW: '', PATH: folder };
  return runCli(['doctor', '--device', 'cpu', ...more], { cwd: folder, env });
}

describe('a binding that calls what Node.js 23 has taken out', () => {
  it('loads', async () => {
    const old = util as { isNullOrUndefined?: unknown };
    const kept = old.isNullOrUndefined;
    delete old.isNullOrUndefined;
    try {
      await writePackage(folder, 'tfjs-node', `${LOADS} if (require('util').isNullOrUndefined(0)) throw new Error('nothing');`);
      const { description } = await findTensorFlow([folder]);
      expect(description).toMatchObject({ package: '@tensorflow/tfjs-node 4.22.0', library: 'TensorFlow 2.18.1', gpu: false });
    } finally {
      old.isNullOrUndefined = kept;
    }
  });
});

describe('a library for graphics cards', () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each([
    ['takes memory as it needs it', undefined, 'true'],
    ['takes it as the person has said', 'false', 'false'],
  ])('%s', async (_, said, seen) => {
    vi.stubEnv('TF_FORCE_GPU_ALLOW_GROWTH', said);
    const script = `${LOADS} exports.getBackend = () => process.env.TF_FORCE_GPU_ALLOW_GROWTH;`;
    await writePackage(folder, 'tfjs-node-gpu', script);
    expect((await findTensorFlow([folder])).description.backend).toBe(seen);
  });
});

describe.skipIf(UNBUILT)(`TensorFlow.js${UNBUILT}`, () => {
  it('that is mended is found by the next call of the same process', async () => {
    await writePackage(folder, 'tfjs-node', BROKEN);
    vi.stubEnv('LABELSCOPE_TENSORFLOW', folder);
    const runtime = startEngineRuntime(resolve('dist'), 'tensorflow');
    vi.unstubAllEnvs();
    await expect(runtime.describe()).rejects.toMatchObject({ code: 'engine-missing' });
    await writePackage(folder, 'tfjs-node', LOADS);
    expect(await runtime.describe()).toMatchObject({ package: '@tensorflow/tfjs-node 4.22.0' });
    await runtime.close();
  });

  it.each([
    ['tfjs-node', 'tensorflow'],
    ['tfjs-node-gpu', 'tensorflow-gpu'],
  ])('%s is set up anew as what it is, where it does not load, crashes or has changed', async (name, variant) => {
    const place = await writeAdded(name, BROKEN);
    const anew = new RegExp(`--install ${variant}(?!-)`);
    const { stdout } = await doctor();
    expect(/^TensorFlow\.js no .*$/m.exec(stdout)?.[0]).toMatch(anew);
    expect(/files have changed .*$/m.exec(stdout)?.[0]).toMatch(anew);
    expect((jsonResult(await doctor('--json')) as unknown as DoctorReport).tensorflow.added).toEqual({
      folder: place,
      variant,
      unchanged: false,
    });
    await writePackage(place, 'tfjs', LOADS.replace("'tensorflow'", "'cpu'") + 'exports.setBackend = async () => true;');
    expect(/passed over .*$/m.exec((await doctor()).stdout)?.[0]).toMatch(anew);
    await writePackage(place, name, "process.kill(process.pid, 'SIGKILL');");
    expect(/^TensorFlow\.js no .*crashed.*$/m.exec((await doctor()).stdout)?.[0]).toMatch(anew);
  });

  const SAID = [
    "2026-11-29 09:27:57.9: I external/local_tsl/tsl/platform/default/dso_loader.cc:84] Could not load dynamic library 'libcudnn.so.9'; dlerror: none.",
    '2026-11-29 09:27:57.9: I external/local_tsl/tsl/platform/default/dso_loader.cc:59] Successfully opened dynamic library libcudart.so.12',
    'E0000 00:00:1795944477.9    2036 cuda_dnn.cc:8310] Unable to register cuDNN factory: Attempting to register factory',
    '2026-11-29 09:27:57.9: I tensorflow/core/platform/cpu_feature_guard.cc:210] This binary is optimized.',
    '2026-11-29 09:27:57.9: W tensorflow/core/common_runtime/gpu/gpu_device.cc:2343] Cannot dlopen some GPU libraries.',
    '2026-11-29 09:27:57.9: W tensorflow/core/common_runtime/gpu/gpu_device.cc:2343] Cannot dlopen some GPU libraries.',
  ];
  const SAYS = `if (process.env.TF_CPP_VMODULE.includes('dso_loader=1')) require('fs').writeSync(2, ${JSON.stringify(SAID.join('\n') + '\n')});`;
  const WHY =
    /^Could not load dynamic library 'libcudnn\.so\.9'; dlerror: none\. Cannot dlopen some GPU libraries\. nvidia-smi names .*needs an NVIDIA driver, and CUDA 12 and cuDNN 9 on the library path/;

  it('for graphics cards that computes on the CPU says why, in the words of its library, and what to do', async () => {
    await writeAdded('tfjs-node-gpu', LOADS + SAYS);
    const { found } = (jsonResult(await doctor('--json')) as unknown as DoctorReport).tensorflow;
    expect(found?.hindrance).toMatch(WHY);
    const said = await doctor();
    expect(said.stdout).toContain(`\n  not the card ${found?.hindrance}\n`);
    expect(said.stderr).toBe('');
  });

  it.runIf(process.platform === 'linux')('names the driver that nvidia-smi names', async () => {
    await writeAdded('tfjs-node-gpu', LOADS + SAYS);
    await writeFile(join(folder, 'nvidia-smi'), '#!/bin/sh\necho "NVIDIA H200, 550.54.14"\n', { mode: 0o700 });
    expect((await doctor()).stdout).toContain('nvidia-smi names NVIDIA H200, 550.54.14 (card, driver).');
  });

  it.each([
    ['is for the CPU', 'tfjs-node', LOADS],
    ['uses its card', 'tfjs-node-gpu', LOADS.replace('isUsingGpuDevice: false', 'isUsingGpuDevice: true')],
  ])('that %s has nothing to explain', async (_, name, script) => {
    await writeAdded(name, script + SAYS);
    const { found } = (jsonResult(await doctor('--json')) as unknown as DoctorReport).tensorflow;
    expect(found).toMatchObject({ package: `@tensorflow/${name} 4.22.0` });
    expect(found).not.toHaveProperty('hindrance');
  });
});
