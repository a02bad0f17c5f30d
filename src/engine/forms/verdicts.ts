// What self-checks found, kept on disk: one small file for each program, processor and network.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { makeFolders } from '../../dataset/make-folder';
import { userCacheFolder } from '../../dataset/cache-folder';
import { prune } from '../../dataset/cache-files';
import type { Classifier } from '../../onnx/classifier';
import type { StepOptions } from '../../onnx/training';
import type { FormVerdict } from '../../protocol/forms';
import { writeAtomically } from '../client/atomic';

/** To be raised whenever what is checked changes, or this form. */
const FORMAT = 1;

const LIMITS = {
  ours: /^[0-9a-f]{32}-[0-9a-f]{32}\.json(\.\d+\.\d+\.tmp)?$/,
  mostFiles: 256,
  mostBytes: 2 ** 20,
};

/** The programs and the processor that a verdict holds for. */
export interface Surroundings {
  readonly labelscope: string;
  readonly onnxRuntime: string;
  readonly block: number;
}

const folder = (): string => userCacheFolder('forms');

/** Undefined where there is none, or none that can be read. */
export async function readVerdict(here: Surroundings, family: string): Promise<FormVerdict | undefined> {
  return parsed(await readFile(join(folder(), nameOf(here, family)), 'utf8').catch(() => ''));
}

/** Every verdict of these programs on this processor. */
export async function readVerdicts(here: Surroundings): Promise<FormVerdict[]> {
  const prefix = prefixOf(here);
  const names = (await readdir(folder()).catch(() => [])).filter((name) => name.startsWith(prefix) && LIMITS.ours.test(name));
  const found = await Promise.all(names.map((name) => readFile(join(folder(), name), 'utf8').catch(() => '')));
  return found.flatMap((text) => parsed(text) ?? []);
}

/** No failure where the folder cannot be written: then the next run checks again. */
export async function writeVerdict(here: Surroundings, family: string, verdict: FormVerdict): Promise<void> {
  try {
    await makeFolders(folder(), 0o700);
    await writeAtomically(join(folder(), nameOf(here, family)), [JSON.stringify(verdict)]);
    await prune(folder(), LIMITS);
  } catch {
    return;
  }
}

/** Of networks with the same operators, attributes and sizes, whatever their weights, that learn in the same way. */
export function familyOf({ graph, height, width }: Classifier, { layers, batchNorm }: StepOptions): string {
  const nodes = graph.nodes.map(({ type, inputs, outputs, attributes }) => [type, inputs, outputs, attributes]);
  const sizes = [...graph.initializers].map(([name, { dims }]) => [name, dims]);
  return digestOf([nodes, sizes, height, width, layers, batchNorm]);
}

function nameOf(here: Surroundings, family: string): string {
  return `${prefixOf(here)}-${family}.json`;
}

function prefixOf({ labelscope, onnxRuntime, block }: Surroundings): string {
  const processor = [process.platform, process.arch, cpus()[0]?.model];
  return digestOf([FORMAT, labelscope, onnxRuntime, block, ...processor]);
}

function digestOf(what: unknown): string {
  const text = JSON.stringify(what, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function parsed(text: string): FormVerdict | undefined {
  try {
    const { form, reason, network, time } = JSON.parse(text) as Partial<FormVerdict>;
    if ((form !== 'plain' && form !== 'blocked') || typeof reason !== 'string' || typeof network !== 'string') return undefined;
    return { form, reason, network, ...(typeof time === 'number' && { time }) };
  } catch {
    return undefined;
  }
}
