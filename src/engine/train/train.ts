// The request `train`: a new run or one that goes on, from the annotation file to the finished model in the run folder.
import { resolve } from 'node:path';
import { headOnly, IMAGE, withTensors } from '../../onnx/classifier';
import { writeModel } from '../run/model-file';
import { buildInferenceModel } from '../../onnx/inference';
import { trainedTensors } from '../../onnx/training';
import { toWireError } from '../../protocol/errors';
import type { StepForm } from '../../protocol/forms';
import type { DeviceUsed, FailedFile, TrainEvent, TrainParams, TrainResult } from '../../protocol/messages';
import type { Context } from '../context';
import { readRecord } from '../client/folder';
import { chooseForm, type FormRequest } from '../forms/choose';
import { appendHistory, rewindHistory, syncHistory, writeRecord } from '../run/folder';
import { type Gate, runChannel } from '../run/channel';
import { holdRun } from '../run/lock';
import type { Tensors } from '../runtime/messages';
import { lastTold, type Progress, START, writeCheckpoint } from './checkpoint';
import { objectiveOf } from './objective';
import { withPrior } from './prior';
import { openExamples, type TrainingData } from './data';
import { type Job, newJob, resumedJob } from './job';
import { type Learner, type LearnerOptions, startLearner } from './learner';
import { scheduleOf, trainLoop } from './loop';
import { progressTeller } from './progress';

type Emit = (event: TrainEvent) => void;

export async function train(params: TrainParams, context: Context, emit: Emit): Promise<TrainResult> {
  const folder = resolve(params.run);
  const channel = runChannel();
  const release = await holdRun(folder, channel.serve);
  const tell = (event: TrainEvent) => {
    channel.tell(event);
    emit(event);
  };
  try {
    // Whoever asked for the run and whoever has joined it may stop it.
    const signal = AbortSignal.any([context.signal, channel.signal]);
    const result = await trainIn(folder, params, { ...context, signal }, tell, channel.gate);
    await channel.end({ result });
    return result;
  } catch (error) {
    await channel.end({ error: toWireError(error) });
    throw error;
  } finally {
    release();
  }
}

async function trainIn(folder: string, params: TrainParams, context: Context, emit: Emit, gate: Gate): Promise<TrainResult> {
  const say = (message: string) => emit({ kind: 'stage', message });
  const old = params.resume ? await readRecord(folder) : undefined;
  if (old?.state === 'finished' && old.result) {
    say(`The run in ${folder} is finished: nothing is left to do.`);
    return { ...old.result, run: folder };
  }
  const job = old ? await resumedJob(old, params, context, say) : await newJob(params, context, say);
  warnOfMissing([...job.train.failed, ...job.validation.failed], emit);
  return runOrTell(job, context, emit, gate);
}

const MOST_NAMED = 20;

function warnOfMissing(failed: readonly FailedFile[], emit: Emit): void {
  for (const { error } of failed.slice(0, MOST_NAMED)) emit({ kind: 'warning', message: `left out: ${error}` });
  const more = failed.length - MOST_NAMED;
  if (more > 0) emit({ kind: 'warning', message: `left out: ${more} more images; 'labelscope inspect' counts them.` });
}

/** A run that ends early says in its record how. */
async function runOrTell(job: Job, context: Context, emit: Emit, gate: Gate): Promise<TrainResult> {
  let formed = job;
  try {
    const form = await formOf(job, context, emit);
    formed = { ...job, record: { ...job.record, form } };
    return await run(formed, form, context, emit, gate);
  } catch (error) {
    const { message, code } = toWireError(error);
    const outcome = context.signal.aborted
      ? ({ state: 'stopped' } as const)
      : ({ state: 'failed', error: message, errorCode: code } as const);
    // Where the record cannot be written either, the first error is the one to tell.
    await writeRecord(job.paths, { ...formed.record, ...outcome }).catch(() => undefined);
    throw error;
  }
}

/** The form that the run began in, unless another one is asked for or that one cannot be used here. */
async function formOf(job: Job, context: Context, emit: Emit): Promise<StepForm> {
  const { record, classifier, checkpoint } = job;
  const { total } = scheduleOf(record.recipe, job.train.set.images.length);
  const request: FormRequest = {
    classifier,
    options: learnerOptions(job),
    load: record.device,
    steps: total - (checkpoint?.progress.iteration ?? 0),
    before: checkpoint && (record.form?.form ?? 'plain'),
  };
  const form = await chooseForm(request, context, {
    checking: () => emit({ kind: 'stage', message: 'Comparing the two forms of the training step, once for this network …' }),
    warn: (message) => emit({ kind: 'warning', message }),
  });
  await writeRecord(job.paths, { ...record, form });
  return form;
}

function learnerOptions({ record: { recipe }, train }: Job): LearnerOptions {
  return {
    ...recipe,
    batchSize: scheduleOf(recipe, train.set.images.length).batchSize,
    batchNormMomentum: recipe.batchNormMomentum || undefined,
    objective: objectiveOf(recipe, train.set),
  };
}

async function run(job: Job, form: StepForm, context: Context, emit: Emit, gate: Gate): Promise<TrainResult> {
  const { record, checkpoint } = job;
  const { recipe, device } = record;
  const classifier = withPrior(job.classifier, recipe, job.train.set);
  emit({ kind: 'stage', message: `Device: ${device.reason}` });
  if (recipe.layers !== 'head') emit({ kind: 'stage', message: `Training step: ${form.form} form: ${form.reason}` });
  const data = await openExamples(classifier, job, context, emit);
  const onFeatures = recipe.layers === 'head';
  const learner = await startLearner(
    context.runtime,
    onFeatures ? headOnly(classifier) : classifier,
    onFeatures ? classifier.features : IMAGE,
    { ...learnerOptions(job), block: form.block },
    onFeatures ? headDevice(job, classifier.featureCount) : device,
    checkpoint?.state,
  );
  try {
    emit({ kind: 'activity', activity: 'training' });
    return await learn(job, learner, data, bestKeeper(job, data), { signal: context.signal, gate, emit });
  } finally {
    await learner.release();
  }
}

/** Multiplications of a head's forward pass, up to which one thread is done before a second one has been woken. */
const ONE_THREAD = 2 ** 24;

function headDevice({ record: { device, recipe, categories } }: Job, features: number): DeviceUsed {
  const products = recipe.batchSize * features * categories.length;
  return products > ONE_THREAD ? device : { ...device, threads: 1 };
}

async function learn(
  { record, paths, checkpoint }: Job,
  learner: Learner,
  data: TrainingData,
  best: BestKeeper,
  { signal, gate, emit }: { readonly signal: AbortSignal; readonly gate: Gate; readonly emit: Emit },
): Promise<TrainResult> {
  const { recipe, device } = record;
  const schedule = scheduleOf(recipe, data.train.count);
  const start = checkpoint?.progress ?? START;
  const past = await rewindHistory(paths, lastTold(start));
  const teller = progressTeller(schedule, emit, (points) => appendHistory(paths, points));
  teller.replay(past);
  const keep = async (progress: Progress) => {
    await teller.flush();
    await syncHistory(paths);
    await best.write();
    await writeCheckpoint(paths.checkpoint, { progress, state: await learner.state() });
  };
  const loop = trainLoop(learner, data.train, data.validation, {
    recipe,
    seed: record.seed,
    start,
    signal,
    onStep: (time) => teller.took(time),
    onPoint: (point) => teller.add(point),
    onBest: async () => best.hold(await learner.state()),
    onCheckpoint: keep,
    gate,
    onPaused: async () => {
      emit({ kind: 'activity', activity: 'paused' });
      await gate.opened();
      if (!signal.aborted) emit({ kind: 'activity', activity: 'training' });
    },
  });
  // Whatever ended the loop: the history has every point before anybody is told.
  const { progress, stopped } = await loop.finally(() => teller.flush());
  await best.write();
  const result: TrainResult = {
    run: paths.folder,
    iterations: progress.iteration,
    epochs: Math.ceil(progress.iteration / schedule.perEpoch),
    stopped,
    best: progress.best,
    imagesPerSecond: teller.speed(),
    idleShare: teller.idleShare(),
    device,
  };
  await writeRecord(paths, { ...record, state: stopped === 'person' ? 'stopped' : 'finished', result });
  return result;
}

interface BestKeeper {
  /** Keeps the state of the best iteration so far in memory. */
  hold(state: Tensors): void;
  /** Writes it as model.onnx, if it is newer than the file. */
  write(): Promise<void>;
}

/** Writing a model takes longer than many steps of a small head: it waits for the next checkpoint or the end. */
function bestKeeper({ paths, record, classifier }: Job, { provenance, inModel }: TrainingData): BestKeeper {
  let held: Tensors | undefined;
  return {
    hold: (state) => {
      held = inModel(trainedTensors(state));
    },
    write: async () => {
      if (!held) return;
      const trained = withTensors(classifier, held);
      const thresholds = record.categories.map(() => 0.5);
      await writeModel(paths.model, buildInferenceModel(trained, { categories: record.categories, thresholds, provenance }));
      held = undefined;
    },
  };
}
