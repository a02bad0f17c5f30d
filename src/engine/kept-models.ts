// Models as ONNX Runtime has optimised them for this processor, kept on disk: a session is made from such a file several times faster.
import { createHash } from 'node:crypto';
import { type BigIntStats, readFileSync } from 'node:fs';
import { rename, rm, stat, utimes } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { makeFolders } from '../dataset/make-folder';
import { isSettled, placeAndTimes, prune, TEMPORARY_SUFFIX } from '../dataset/cache-files';
import { userCacheFolder } from '../dataset/cache-folder';
import type { DeviceUsed } from '../protocol/messages';
import { onnxRuntimeVersion } from './runtime/installed';
import type { Runtime } from './runtime/runtime';

/** To be raised whenever graphs are kept in another form. */
const FORMAT = 1;

const LIMITS = { ours: /^[0-9a-f]{32}\.onnx(\.\d+\.tmp)?$/, mostFiles: 4, mostBytes: 2 ** 30 };

/**
 * A session of the model that `encode` gives, from the kept file where there is one for this file of this processor and version, else
 * from the model itself, which is kept on the way. What cannot be kept or read is no failure: then it is as if nothing were.
 *
 * @param path the model's file, which says whether it is still the same
 */
export async function loadKept(path: string, encode: () => Uint8Array, runtime: Runtime, device: DeviceUsed): Promise<number> {
  if (device.device !== 'cpu' || device.engine === 'tensorflow') return runtime.load(encode(), device);
  const stats = await stat(path, { bigint: true });
  const folder = userCacheFolder('models');
  const file = join(folder, `${keyOf(path, stats)}.onnx`);
  const kept = await loadFrom(file, runtime, device);
  if (kept !== undefined) return kept;
  return isSettled(stats) ? loadAndKeep(file, encode(), runtime, device) : runtime.load(encode(), device);
}

/** Its place and the time of its last change, which nobody can set, stand for the file's content. */
function keyOf(path: string, stats: BigIntStats): string {
  const machine = [onnxRuntimeVersion(), process.platform, process.arch, cpus()[0]?.model, instructionSets()];
  const what = [FORMAT, path, ...placeAndTimes(stats), ...machine];
  return createHash('sha256').update(what.join('\n')).digest('hex').slice(0, 32);
}

/** Where the system tells them: machines with one home folder, or of one virtual host, can differ in them under the same name. */
function instructionSets(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return /^(flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0];
}

async function loadFrom(file: string, runtime: Runtime, device: DeviceUsed): Promise<number | undefined> {
  const now = new Date();
  const isThere = await utimes(file, now, now).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  return runtime.load(file, { ...device, kept: true }).catch(async () => {
    await rm(file, { force: true }).catch(() => undefined);
    return undefined;
  });
}

async function loadAndKeep(file: string, model: Uint8Array, runtime: Runtime, device: DeviceUsed): Promise<number> {
  const temporary = `${file}.${process.pid}${TEMPORARY_SUFFIX}`;
  try {
    await makeFolders(dirname(file), 0o700);
    const session = await runtime.load(model, { ...device, keep: temporary });
    await rename(temporary, file).then(
      () => prune(dirname(file), LIMITS),
      () => undefined,
    );
    return session;
  } catch {
    // The disk may be full; a model that is wrong fails once more.
    await rm(temporary, { force: true }).catch(() => undefined);
    return runtime.load(model, device);
  }
}
