// The request `doctor`: what this machine has, what would be used, and why.
import { availableParallelism, totalmem } from 'node:os';
import sharp from 'sharp';
import type { DoctorProgress } from '../protocol/doctor';
import { LabelscopeError } from '../protocol/errors';
import type { DoctorReport } from '../protocol/messages';
import type { DeviceChoice } from '../protocol/recipe';
import { defaultBackbonePath } from './backbone/locate';
import type { Context } from './context';
import { addedCuda } from './cuda';
import { nameOf, PREFERENCE, reportDevices, reportTensorFlow } from './devices';
import { reportForms } from './forms/choose';
import { exists } from './run/folder';
import { onnxRuntimeVersion } from './runtime/installed';
import { addedTensorFlow, variantThere } from './tensorflow';

export async function doctor(
  { device }: { readonly device: DeviceChoice },
  context: Context,
  emit: (progress: DoctorProgress) => void,
): Promise<DoctorReport> {
  const onFound = trying(emit);
  const [cuda, tensorflow, added] = await Promise.all([
    addedCuda(context.signal),
    reportTensorFlow(variantThere() ?? 'tensorflow', context.signal),
    addedTensorFlow(context.signal),
  ]);
  onFound(TENSORFLOW);
  // What crashed another process when it was loaded is not loaded here.
  const isMissing = context.engine === 'tensorflow' && tensorflow.problem !== undefined;
  return {
    labelscope: context.version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cores: availableParallelism(),
    memoryGiB: totalmem() / 2 ** 30,
    onnxRuntime: onnxRuntimeVersion(),
    sharp: sharp.versions.sharp ?? 'unknown',
    backbone: await backbone(),
    devices: await reportDevices(context.signal, (one) => onFound(nameOf(one))),
    ...(!isMissing && { chosen: await context.device(device) }),
    engine: context.engine,
    tensorflow: { ...tensorflow, ...(added && { added }) },
    forms: await reportForms(context),
    ...(cuda && { cuda }),
  };
}

const TENSORFLOW = 'TensorFlow.js';

/** Hears what was tried: the second engine, then all devices at once. */
function trying(emit: (progress: DoctorProgress) => void): (tried: string) => void {
  const devices = PREFERENCE.map(nameOf);
  const [total, left] = [1 + devices.length, new Set(devices)];
  emit({ done: 0, total, trying: [TENSORFLOW] });
  return (tried) => {
    left.delete(tried);
    emit({ done: total - left.size, total, trying: [...left] });
  };
}

async function backbone(): Promise<DoctorReport['backbone']> {
  try {
    const path = defaultBackbonePath();
    return { path, found: await exists(path) };
  } catch (error) {
    if (error instanceof LabelscopeError) return { path: error.message, found: false };
    throw error;
  }
}
