// One job of a sweep: how far it is, and what brings it to its end. A job that is done is not repeated, one that was interrupted goes on.
import { join } from 'node:path';
import type { EngineClient } from '../../engine/client/engine';
import { readRecord, readScores } from '../../engine/client/folder';
import { LabelscopeError, toWireError } from '../../protocol/errors';
import type { CountProgress, TrainEvent, TrainParams } from '../../protocol/messages';
import type { RunRecord, ScoresFile } from '../../protocol/run';
import { defined } from '../verb';
import type { Sweep, SweepJob, SweepPlan } from './plan';

/** 'unfinished': begun, and stopped or still at work; 'open': not begun. */
type JobState = 'done' | 'unfinished' | 'failed' | 'open';

export interface JobReport extends SweepJob {
  readonly state: JobState;
  /** Why it failed, as far as its run folder tells. */
  readonly error?: string;
}

export async function reportOn(job: SweepJob): Promise<JobReport> {
  const record = await recordOf(job).catch((error: unknown) => toWireError(error).message);
  if (record === undefined) return { ...job, state: 'open' };
  if (typeof record === 'string') return { ...job, state: 'failed', error: record };
  if (record.state === 'failed') return { ...job, state: 'failed', ...defined({ error: record.error }) };
  return { ...job, state: (await doneScores(job, record)) ? 'done' : 'unfinished' };
}

/** Undefined where nothing was begun. @throws LabelscopeError 'run-unreadable', 'run-newer' */
async function recordOf({ run }: SweepJob): Promise<RunRecord | undefined> {
  return readRecord(run).catch((error: unknown) => {
    if (error instanceof LabelscopeError && error.code === 'run-missing') return undefined;
    throw error;
  });
}

/** What a finished run scored on its validation images; undefined where it is not done. */
async function doneScores({ run }: SweepJob, { state }: RunRecord): Promise<ScoresFile | undefined> {
  return state === 'finished' ? readScores(run, 'validation') : undefined;
}

/** Undefined where it is not done. */
export async function scoresOf({ state, run }: JobReport): Promise<ScoresFile | undefined> {
  return state === 'done' ? readScores(run, 'validation') : undefined;
}

interface JobOptions {
  readonly signal: AbortSignal;
  readonly onTrain: (event: TrainEvent) => void;
  readonly onEvaluate: (progress: CountProgress) => void;
}

/** Trains, or goes on training, and evaluates on the validation images. False where a person stopped it. @throws LabelscopeError as the engine */
export async function runJob(sweep: Sweep, job: SweepJob, engine: EngineClient, options: JobOptions): Promise<boolean> {
  const { signal, onTrain, onEvaluate } = options;
  const record = await recordOf(job);
  if (record && (await doneScores(job, record))) return true;
  if (record?.state !== 'finished') {
    const params = { ...trainingOf(sweep, job), resume: record !== undefined };
    const { stopped } = await engine.request('train', params, { signal, onProgress: onTrain });
    if (stopped === 'person') return false;
  }
  await engine.request('evaluate', { model: job.run, device: sweep.plan.device }, { signal, onProgress: onEvaluate });
  return true;
}

function trainingOf({ folder, plan }: Sweep, { recipe, seed, fold, run }: SweepJob): Omit<TrainParams, 'resume'> {
  const { categories, backbone, set, device } = plan;
  return { ...defined({ categories, backbone }), ...dataOf(folder, plan, fold), recipe, set, device, seed, run };
}

type Data = Pick<TrainParams, 'annotations' | 'images' | 'validation' | 'validationImages'>;

function dataOf(folder: string, plan: SweepPlan, fold: number | null): Data {
  const { annotations, images, validation, validationImages } = plan;
  if (fold === null) return { annotations, ...defined({ images, validation, validationImages }) };
  const [train, held] = foldFiles(folder, fold);
  return { annotations: train, validation: held, ...defined({ images, validationImages: images }) };
}

export const foldsFolder = (folder: string): string => join(folder, 'folds');

/** As `split --folds` names them: what fold k learns from, and what it is judged on. */
export function foldFiles(folder: string, fold: number): readonly [train: string, validation: string] {
  const file = (part: string) => join(foldsFolder(folder), `fold${fold}_${part}.json`);
  return [file('train'), file('val')];
}
