// The training loop: shuffling, steps, validation, patience, checkpoints. It knows nothing of files, images or devices.
import type { HistoryPoint, TrainResult } from '../../protocol/messages';
import type { Recipe } from '../../protocol/recipe';
import { ahead, type Batch, type Examples } from '../examples';
import { randomStream } from '../../metrics/random';
import type { Progress } from './checkpoint';
import type { Gate } from '../run/channel';
import type { Learner } from './learner';
import { LabelscopeError } from '../../protocol/errors';

/** Of one step, in milliseconds. */
export interface StepTime {
  /** With the wait for its batch. */
  readonly whole: number;
  /** From when it could have begun until its batch was there. */
  readonly waited: number;
}

export interface LoopOptions {
  readonly recipe: Recipe;
  readonly seed: number;
  readonly start: Progress;
  readonly signal: AbortSignal;
  /** Closed while the run is paused. */
  readonly gate: Gate;
  /** Told how long each step took. */
  readonly onStep: (time: StepTime) => void;
  /** Told after every step, and after its validation where one was due. */
  readonly onPoint: (point: HistoryPoint) => void;
  /** Told when the validation loss is lower than ever. */
  readonly onBest: () => Promise<void>;
  /** Told when frequency and time would have a checkpoint, and when a person pauses or stops the run. */
  readonly onCheckpoint: (progress: Progress) => Promise<void>;
  /** Told when the loop stands still; it goes on when the promise resolves. */
  readonly onPaused: () => Promise<void>;
}

export interface LoopResult {
  readonly progress: Progress;
  readonly stopped: TrainResult['stopped'];
}

export interface Schedule {
  readonly batchSize: number;
  readonly perEpoch: number;
  readonly total: number;
}

/** As in the reference example, images that do not fill a batch wait for the next shuffle. */
export function scheduleOf({ batchSize, epochs, maxIterations }: Recipe, images: number): Schedule {
  const size = Math.min(batchSize, images);
  const perEpoch = Math.floor(images / size);
  const total = perEpoch * epochs;
  return { batchSize: size, perEpoch, total: maxIterations > 0 ? Math.min(total, maxIterations) : total };
}

/**
 * Runs until the epochs are over, the patience is, or the signal says stop.
 *
 * @throws LabelscopeError 'training-diverged' when a loss is no longer a number
 */
export async function trainLoop(
  learner: Learner,
  train: Examples,
  validation: Examples,
  options: LoopOptions,
): Promise<LoopResult> {
  const { recipe, signal } = options;
  const schedule = scheduleOf(recipe, train.count);
  const draw = batchDrawer(train, schedule, options.seed);
  let progress = options.start;
  const drawAfter = (iteration: number) => iterationsAfter(iteration, learner.atOnce, recipe, schedule).map(draw);
  let next = drawAfter(progress.iteration);
  let checkpointed = { at: performance.now(), iteration: progress.iteration };
  for (;;) {
    const settled = await settle(learner, validation, schedule, progress, options);
    if (!settled) return stoppedByPerson(options, progress);
    progress = settled;
    const paused = options.gate.closed && !signal.aborted;
    if (paused || isDue(recipe, checkpointed, progress.iteration)) {
      await options.onCheckpoint(progress);
      checkpointed = { at: performance.now(), iteration: progress.iteration };
    }
    if (paused) await options.onPaused();
    if (outOfPatience(recipe, progress)) return { progress, stopped: 'patience' };
    if (progress.iteration >= schedule.total) return { progress, stopped: endOf(recipe, schedule) };
    if (signal.aborted) return stoppedByPerson(options, progress);
    const free = performance.now();
    const batches = await Promise.all(next);
    const waited = performance.now() - free;
    const steps = stepOn(learner, batches, schedule, progress, options);
    // Drawn once the steps are on their way: what this thread does for the next batches must not keep them.
    next = drawAfter(progress.iteration + batches.length);
    progress = await steps;
    const whole = performance.now() - free;
    for (let k = 0; k < batches.length; k++) options.onStep({ whole: whole / batches.length, waited: waited / batches.length });
  }
}

/** The next iterations that one call of the learner does: up to the validation that is due next, or to the end. */
function iterationsAfter(done: number, atOnce: number, { validationFrequency }: Recipe, { total }: Schedule): number[] {
  const count = Math.max(0, Math.min(atOnce, total - done, validationFrequency - (done % validationFrequency)));
  return Array.from({ length: count }, (_, k) => done + k + 1);
}

/** Tells the points of all steps but the last, whose validation may be due. */
async function stepOn(
  learner: Learner,
  batches: readonly Batch[],
  { perEpoch, total }: Schedule,
  progress: Progress,
  { recipe, onPoint }: LoopOptions,
): Promise<Progress> {
  const steps = batches.map((batch, k) => {
    const done = progress.iteration + k;
    return { batch, learnRate: rateAt(recipe, done, total), iteration: done + 1 };
  });
  const losses = await learner.steps(steps);
  const points = steps.map(({ learnRate, iteration }, k): HistoryPoint => {
    const loss = losses[k]!;
    if (!Number.isFinite(loss)) throw diverged(iteration, learnRate);
    return { iteration, epoch: Math.ceil(iteration / perEpoch), loss, learnRate };
  });
  for (const point of points.slice(0, -1)) onPoint(point);
  const pending = points.at(-1)!;
  return { ...progress, iteration: pending.iteration, pending };
}

/** @param done steps before this one */
function rateAt({ learnRate, learnRateSchedule, warmup }: Recipe, done: number, total: number): number {
  if (done < warmup) return (learnRate * (done + 1)) / (warmup + 1);
  if (learnRateSchedule === 'constant') return learnRate;
  return (learnRate * (1 + Math.cos(Math.PI * ((done - warmup) / (total - warmup))))) / 2;
}

/** Validates where it is due and tells the last step's point. Undefined where the signal came first: then the point stays pending. */
async function settle(
  learner: Learner,
  validation: Examples,
  { total }: Schedule,
  progress: Progress,
  options: LoopOptions,
): Promise<Progress | undefined> {
  const { pending, ...rest } = progress;
  if (!pending) return progress;
  if (pending.iteration !== total && pending.iteration % options.recipe.validationFrequency !== 0) {
    options.onPoint(pending);
    return rest;
  }
  const validationLoss = await learner.evaluate(validation, options.signal).catch((error: unknown) => {
    if (options.signal.aborted) return undefined;
    throw error;
  });
  if (validationLoss === undefined) return undefined;
  if (!Number.isFinite(validationLoss)) throw diverged(pending.iteration, pending.learnRate);
  const judged = judge(rest, validationLoss);
  options.onPoint({ ...pending, validationLoss });
  if (judged.evaluationsSinceBest === 0) await options.onBest();
  return judged;
}

async function stoppedByPerson(options: LoopOptions, progress: Progress): Promise<LoopResult> {
  await options.onCheckpoint(progress);
  return { progress, stopped: 'person' };
}

function endOf({ epochs }: Recipe, { total, perEpoch }: Schedule): LoopResult['stopped'] {
  return total < perEpoch * epochs ? 'iterations' : 'epochs';
}

function judge(progress: Progress, validationLoss: number): Progress {
  const improved = progress.best === null || validationLoss < progress.best.validationLoss;
  if (improved) return { ...progress, best: { iteration: progress.iteration, validationLoss }, evaluationsSinceBest: 0 };
  return { ...progress, evaluationsSinceBest: progress.evaluationsSinceBest + 1 };
}

function outOfPatience({ validationPatience }: Recipe, { evaluationsSinceBest }: Progress): boolean {
  return validationPatience > 0 && evaluationsSinceBest >= validationPatience;
}

/** Not by the time of day: a clock that is set back would put off every checkpoint. */
function isDue(recipe: Recipe, last: { at: number; iteration: number }, iteration: number): boolean {
  return (
    iteration - last.iteration >= recipe.checkpointFrequency && performance.now() - last.at >= recipe.checkpointSeconds * 1000
  );
}

/** The batch of an iteration (from 1) follows from the seed and the iteration alone. */
function batchDrawer(examples: Examples, { batchSize, perEpoch }: Schedule, seed: number): (iteration: number) => Promise<Batch> {
  let shuffled: { epoch: number; rows: number[] } | undefined;
  return (iteration) => {
    const epoch = Math.ceil(iteration / perEpoch);
    if (shuffled?.epoch !== epoch) {
      const rows = Array.from({ length: examples.count }, (_, row) => row);
      randomStream('shuffle', seed, epoch).shuffle(rows);
      shuffled = { epoch, rows };
    }
    const place = ((iteration - 1) % perEpoch) * batchSize;
    return ahead(examples.batch({ rows: shuffled.rows.slice(place, place + batchSize), epoch }));
  };
}

function diverged(iteration: number, learnRate: number): LabelscopeError {
  return new LabelscopeError(
    'training-diverged',
    `The loss is no longer a number at iteration ${iteration}. Lower the learning rate, for example --set learnRate=${learnRate / 10}.`,
  );
}
