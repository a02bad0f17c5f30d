// Whether the device that is asked for can be used, found out before anything is measured on it; and CUDA added first where that was asked for.
import { join } from 'node:path';
import { type EngineClient, engineClient } from '../src/engine/client/engine';
import { LabelscopeError } from '../src/protocol/errors';
import type { Options } from './cases';

type Say = (text: string) => void;

/** @throws LabelscopeError 'device-unavailable' with the engine's words, which name the remedy, or as the request `install` */
export async function readyDevice({ device, install }: Pick<Options, 'device' | 'install'>, say: Say): Promise<void> {
  if (device === 'cpu') return;
  const engine = engineClient({ script: join(__dirname, 'engine.js'), onLog: () => undefined, engine: () => 'onnxruntime' });
  try {
    if (install) await addCuda(engine, say);
    const { chosen } = await engine.request('doctor', { device });
    say(chosen?.reason ?? '');
  } catch (error) {
    if (device !== 'cuda' || install || !(error instanceof LabelscopeError)) throw error;
    throw new LabelscopeError(error.code, `${error.message} Or let the benchmark add the provider: --install.`);
  } finally {
    await engine.stop();
  }
}

/** As `labelscope doctor --install cuda` does, unless it is there. */
async function addCuda(engine: EngineClient, say: Say): Promise<void> {
  const { devices, cuda } = await engine.request('doctor', { device: 'auto' });
  if (cuda || devices.some(({ device, available }) => device === 'cuda' && available)) return;
  say(
    "ONNX Runtime's installer fetches its CUDA provider, several hundred megabytes, from its package feed, into a copy of ONNX Runtime in Labelscope's cache folder …",
  );
  const { folder, files } = await engine.request('install', { what: 'cuda' });
  const named = files.map(({ name, bytes }) => `${name} (${(bytes / 1e6).toFixed(0)} MB)`);
  say(`Installed in ${folder}: ${named.join(', ')}. Take it away with: labelscope doctor --remove cuda`);
}
