// Which device does the work, and why: what is there, what is trusted, what was asked for.
import { type ChildProcess, fork, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { libraryFile, whyNoCuda } from '../platform';
import { LabelscopeError } from '../protocol/errors';
import type { TensorFlowVariant } from '../protocol/install';
import type { DeviceReport, DeviceUsed, EngineReport } from '../protocol/messages';
import type { DeviceChoice } from '../protocol/recipe';
import { librariesOf, packageInUse } from './runtime/installed';
import type { Device } from './runtime/messages';
import { hindranceOf, OUTSPOKEN } from './runtime/tensorflow/cards';

/** What a probing process answers: how far the device's small training step lies from the CPU's. */
export interface ProbeAnswer {
  readonly ok: boolean;
  /** Right, but far slower than the CPU. */
  readonly slow: boolean;
  readonly reason: string;
}

export const PREFERENCE: readonly Device[] = ['cuda', 'webgpu', 'cpu'];
const PROBE_LIMIT_MS = 60_000;
const MOST_WORDS = 20_000;
const SILENT: StdioOptions = ['ignore', 'ignore', 'ignore', 'ipc'];
const probed = new Map<Device, Promise<Found>>();

interface Found {
  readonly report: DeviceReport;
  /** Whether `auto` may take it. */
  readonly worthwhile: boolean;
}

/**
 * `auto` takes CUDA, then WebGPU, then the CPU, and passes over a device that is much slower than the CPU.
 *
 * @param threads of the CPU provider; 0 = one per core
 * @throws LabelscopeError 'device-unavailable' where a device was asked for by name and cannot be used; the signal's reason
 */
export async function chooseDevice(choice: DeviceChoice, threads: number, signal: AbortSignal): Promise<DeviceUsed> {
  const used = (report: DeviceReport): DeviceUsed => ({
    device: report.device,
    reason: report.reason,
    threads: threads || availableParallelism(),
  });
  if (choice !== 'auto') {
    const { report } = await find(choice, signal);
    if (report.available) return used(report);
    throw new LabelscopeError(
      'device-unavailable',
      `The device ${choice} cannot be used: ${report.reason} Leave out --device, or run 'labelscope doctor'.`,
    );
  }
  const passed: string[] = [];
  for (const device of PREFERENCE) {
    const { report, worthwhile } = await find(device, signal);
    if (worthwhile) return used({ ...report, reason: [...passed, report.reason].join(' ') });
    passed.push(report.reason);
  }
  throw new LabelscopeError('device-unavailable', 'No device can be used.');
}

/**
 * All of them are tried at once.
 *
 * @param onFound told of each when it is known
 * @throws the signal's reason
 */
export async function reportDevices(signal: AbortSignal, onFound: (device: Device) => void): Promise<DeviceReport[]> {
  return Promise.all(
    PREFERENCE.map(async (device) => {
      const { report } = await find(device, signal);
      onFound(device);
      return report;
    }),
  );
}

/** It is to be tried anew: what it needs has changed. */
export function forgetDevice(device: Device): void {
  probed.delete(device);
}

/** Others may wait for the same answer, or ask for it later: who stops is let go, and it is looked for all the same. */
async function find(device: Device, signal: AbortSignal): Promise<Found> {
  const known = probed.get(device) ?? look(device);
  probed.set(device, known);
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => (stop = () => reject(signal.reason as Error)));
  signal.addEventListener('abort', stop);
  try {
    return await Promise.race([known, stopped]);
  } finally {
    // A signal lives as long as its question, which may ask for many devices.
    signal.removeEventListener('abort', stop);
  }
}

async function look(device: Device): Promise<Found> {
  const { ok, slow, reason } = await lookAt(device);
  return { report: { device, available: ok, reason }, worthwhile: ok && !slow };
}

async function lookAt(device: Device): Promise<ProbeAnswer> {
  if (device === 'cpu') return { ok: true, slow: false, reason: `CPU: always there (${availableParallelism()} cores).` };
  const against = device === 'cuda' ? whyNoCuda() : undefined;
  if (against !== undefined) return { ok: false, slow: false, reason: `CUDA: ${against}` };
  if (device === 'cuda' && !existsSync(cudaProvider())) {
    const reason =
      "CUDA: ONNX Runtime's CUDA provider is not installed (labelscope doctor --install cuda, or the command Add CUDA Support).";
    return { ok: false, slow: false, reason };
  }
  return probe(device);
}

function cudaProvider(): string {
  return join(librariesOf(packageInUse()), libraryFile('onnxruntime_providers_cuda'));
}

/** Tries the device in a process of its own: a driver that crashes takes only that process with it. */
function probe(device: Device): Promise<ProbeAnswer> {
  const reason = `${nameOf(device)}: the driver crashed or did not answer within a minute.`;
  return asked<ProbeAnswer>(fork(__filename, ['--probe', device], { stdio: SILENT, execArgv: [] }), {
    ok: false,
    slow: false,
    reason,
  });
}

/**
 * Loads TensorFlow.js in a process of its own, where a library that crashes does no harm.
 *
 * @param variant to set up anew where it does
 * @throws the signal's reason; the process is ended then
 */
export async function reportTensorFlow(variant: TensorFlowVariant, signal: AbortSignal): Promise<EngineReport> {
  const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', 'ipc'];
  const env = { ...process.env, ...OUTSPOKEN };
  const child = fork(__filename, ['--describe', 'tensorflow'], { stdio, env, execArgv: [], signal, killSignal: 'SIGKILL' });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-MOST_WORDS)));
  const report = await asked<EngineReport>(child, {
    problem: `TensorFlow.js crashed while it was loaded, or did not load within a minute: set it up anew with 'labelscope doctor --install ${variant}' or the editor's command Add TensorFlow.js, or use the engine onnxruntime.`,
  });
  signal.throwIfAborted();
  const hindrance = report.found && (await hindranceOf(report.found, said));
  return hindrance === undefined ? report : { found: { ...report.found!, hindrance } };
}

/** What another process of this engine answers; `otherwise` where it ends without an answer. */
function asked<T>(child: ChildProcess, otherwise: T): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_LIMIT_MS);
    let answer = otherwise;
    child.on('message', (message) => (answer = message as T));
    child.on('error', () => undefined);
    child.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

export function nameOf(device: Device): string {
  return { cpu: 'CPU', webgpu: 'WebGPU', cuda: 'CUDA' }[device];
}
