// Where TensorFlow.js computes: it takes the graphics card if its package has found one, and cannot be told otherwise.
import { LabelscopeError } from '../../../protocol/errors';
import type { DeviceUsed, EngineDescription } from '../../../protocol/messages';
import type { DeviceChoice } from '../../../protocol/recipe';
import type { Runtime } from '../runtime';

/**
 * @param threads that are wished for; 0 = one per core. They hold if it is loaded now: a process that has loaded it keeps those that it has
 * @throws LabelscopeError 'engine-missing' where no TensorFlow.js loads, 'device-unavailable' where another device was asked for
 */
export async function tensorFlowDevice(runtime: Runtime, choice: DeviceChoice, threads: number): Promise<DeviceUsed> {
  const description = await runtime.describe(threads);
  const device = description.gpu ? 'cuda' : 'cpu';
  if (choice !== 'auto' && choice !== device) {
    throw new LabelscopeError(
      'device-unavailable',
      `The device ${choice} cannot be used: ${wordsOf(description)} computes on ${device} here. Leave out --device, or use --engine onnxruntime.`,
    );
  }
  const { threads: used = 1, passedOver = [] } = description;
  const other = threads > 0 && threads !== used ? [`It has ${inThreads(used)}, not ${threads}: ${whyNot(description)}.`] : [];
  return {
    device,
    engine: 'tensorflow',
    reason: [`${wordsOf(description)}.`, ...other, ...passedOver].join(' '),
    threads: used,
  };
}

function wordsOf({ package: name, backend, library, gpu }: EngineDescription): string {
  const native = library ?? backend;
  return `${name} (${native}${gpu ? ', on the graphics card' : ', on the CPU'})`;
}

function inThreads(count: number): string {
  return count === 1 ? 'one thread' : `${count} threads`;
}

function whyNot({ library }: EngineDescription): string {
  return library === undefined
    ? 'JavaScript computes in one'
    : 'this process had loaded it before, and the number cannot be changed then';
}
