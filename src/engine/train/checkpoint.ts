// Exact resume: everything that the next step depends on, in one file that is replaced whole.
import type { Tensor } from '../../onnx/model';
import { LabelscopeError } from '../../protocol/errors';
import type { HistoryPoint } from '../../protocol/messages';
import { isObject, parsed } from '../client/folder';
import { readTensors, writeTensors } from '../run/safetensors';
import type { Tensors } from '../runtime/messages';

/** Where the loop stands. The place in the shuffle and every random draw follow from the iteration and the run's seed. */
export interface Progress {
  /** Steps done. */
  readonly iteration: number;
  readonly best: { readonly iteration: number; readonly validationLoss: number } | null;
  /** Evaluations since the best one. */
  readonly evaluationsSinceBest: number;
  /** The last step's point while its validation is still to be done. */
  readonly pending?: HistoryPoint;
}

/** The last iteration whose point is told and lies in the history file. */
export function lastTold({ iteration, pending }: Progress): number {
  return pending ? iteration - 1 : iteration;
}

export const START: Progress = { iteration: 0, best: null, evaluationsSinceBest: 0 };

export interface Checkpoint {
  readonly progress: Progress;
  readonly state: Tensors;
}

/** @throws LabelscopeError 'write-failed' */
export async function writeCheckpoint(path: string, { progress, state }: Checkpoint): Promise<void> {
  await writeTensors(path, {
    tensors: state as Record<string, Tensor<'float32'>>,
    metadata: { progress: JSON.stringify(progress) },
  });
}

/** @throws LabelscopeError 'checkpoint-unreadable' */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readTensors(path);
  const progress = parsed(metadata.progress ?? '');
  if (!isProgress(progress))
    throw new LabelscopeError(
      'checkpoint-unreadable',
      `${path} is no checkpoint of Labelscope. Put a copy of it back, or train again into another folder.`,
    );
  return { progress, state: tensors };
}

function isProgress(value: unknown): value is Progress {
  if (!isObject(value) || !isCount(value.iteration) || !isCount(value.evaluationsSinceBest)) return false;
  const { best, pending } = value;
  const isBest = best === null || (isObject(best) && isCount(best.iteration) && typeof best.validationLoss === 'number');
  return isBest && (pending === undefined || (isObject(pending) && pending.iteration === value.iteration));
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
