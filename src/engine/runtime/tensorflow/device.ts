// Where TensorFlow.js computes: it takes the graphics card if its package has found one, and cannot be told otherwise.
import { availableParallelism } from 'node:os';
import { LabelscopeError } from '../../../protocol/errors';
import type { DeviceUsed, EngineDescription } from '../../../protocol/messages';
import type { DeviceChoice } from '../../../protocol/recipe';
import type { Runtime } from '../runtime';

/** @throws LabelscopeError 'engine-missing' where no TensorFlow.js loads, 'device-unavailable' where another device was asked for */
export async function tensorFlowDevice(runtime: Runtime, choice: DeviceChoice): Promise<DeviceUsed> {
  const description = await runtime.describe();
  const device = description.gpu ? 'cuda' : 'cpu';
  if (choice !== 'auto' && choice !== device) {
    throw new LabelscopeError(
      'device-unavailable',
      `The device ${choice} cannot be used: ${wordsOf(description)} computes on ${device} here. Leave out --device, or use --engine onnxruntime.`,
    );
  }
  return { device, engine: 'tensorflow', reason: `${wordsOf(description)}.`, threads: availableParallelism() };
}

function wordsOf({ package: name, backend, library, gpu }: EngineDescription): string {
  const native = library ?? backend;
  return `${name} (${native}${gpu ? ', on the graphics card' : ', on the CPU'})`;
}
