// The request `train`: a new run or one that goes on, from the annotation file to the finished model in the run folder.
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Classifier, headOnly, IMAGE, withTensors } from '../../onnx/classifier';
import { writeModel } from '../../onnx/files';
import { buildInferenceModel } from '../../onnx/inference';
import { trainedTensors } from '../../onnx/training';
import { LabelscopeError, toWireError } from '../../protocol/errors';
import type { TrainEvent, TrainParams, TrainResult } from '../../protocol/messages';
import { defaultBackbonePath } from '../backbone/locate';
import type { Context } from '../context';
import { openSplits, reopenSplit, type Split } from '../data';
import { recipeWith } from '../recipes';
import {
  appendHistory,
  createRunFolder,
  exists,
  readRecord,
  rewindHistory,
  RUN_FORMAT,
  type RunPaths,
  runPaths,
  type RunRecord,
  writeRecord,
} from '../run/folder';
import type { Tensors } from '../runtime/messages';
import { type Checkpoint, readCheckpoint, START, writeCheckpoint } from './checkpoint';
import { classifierFrom, sha256Of } from './classifier';
import { openExamples, type TrainingData } from './data';
import { startLearner } from './learner';
import { scheduleOf, trainLoop } from './loop';
import { progressTeller } from './progress';

interface Job {
  readonly paths: RunPaths;
  readonly record: RunRecord;
  readonly train: Split;
  readonly validation: Split;
  readonly checkpoint: Checkpoint | undefined;
}

export async function train(params: TrainParams, context: Context, emit: (event: TrainEvent) => void): Promise<TrainResult> {
  const say = (message: string) => emit({ kind: 'stage', message });
  const job = params.resume ? await resumedJob(params, context, say) : await newJob(params, context, say);
  if (job.checkpoint === undefined && job.record.result && job.record.state === 'finished') return job.record.result;
  for (const { file, error } of [...job.train.failed, ...job.validation.failed])
    emit({ kind: 'warning', message: `${file}: ${error}` });
  try {
    return await run(job, context, emit);
  } catch (error) {
    if (!context.signal.aborted)
      await writeRecord(job.paths, { ...job.record, state: 'failed', error: toWireError(error).message });
    throw error;
  }
}

async function newJob(params: TrainParams, context: Context, say: (message: string) => void): Promise<Job> {
  const recipe = recipeWith(params.recipe, params.set);
  const splits = await openSplits({ ...params, annotations: resolve(params.annotations) }, recipe, context.signal, say);
  const backbone = params.backbone === undefined ? defaultBackbonePath() : resolve(params.backbone);
  if (!(await exists(backbone)))
    throw new LabelscopeError('backbone-missing', `There is no file ${backbone}. Give an ONNX file with --backbone.`);
  const device = await context.device(params.device, recipe.threads);
  const paths = await createRunFolder(resolve(params.run));
  const record: RunRecord = {
    format: RUN_FORMAT,
    labelscope: context.version,
    created: new Date().toISOString(),
    state: 'running',
    seed: params.seed,
    recipe,
    categories: splits.train.set.categories,
    train: splits.train.source,
    validation: splits.validation.source,
    backbone: { path: backbone, sha256: await sha256Of(backbone) },
    device,
  };
  await writeRecord(paths, record);
  return { paths, record, ...splits, checkpoint: undefined };
}

async function resumedJob(params: TrainParams, context: Context, say: (message: string) => void): Promise<Job> {
  const folder = resolve(params.run);
  const [paths, old] = [runPaths(folder), await readRecord(folder)];
  if (Object.keys(params.set).length > 0) {
    throw new LabelscopeError(
      'resume-settings',
      `A resumed run keeps its settings: leave out --set, or train a new run in another folder than ${folder}.`,
    );
  }
  if ((await sha256Of(old.backbone.path)) !== old.backbone.sha256) {
    throw new LabelscopeError(
      'backbone-changed',
      `${old.backbone.path} is not the backbone that ${folder} began with. Put the old file back, or train a new run.`,
    );
  }
  const { includeUnlabeled } = old.recipe;
  const train = await reopenSplit(old.train, old.categories, includeUnlabeled, context.signal);
  const validation = await reopenSplit(old.validation, old.categories, includeUnlabeled, context.signal);
  const checkpoint =
    old.state !== 'finished' && (await exists(paths.checkpoint)) ? await readCheckpoint(paths.checkpoint) : undefined;
  if (old.state === 'finished') return { paths, record: old, train, validation, checkpoint };
  const device = await context.device(params.device === 'auto' ? old.device.device : params.device, old.recipe.threads);
  const record: RunRecord = { ...withoutOutcome(old), state: 'running', device };
  await writeRecord(paths, record);
  say(`Continuing ${folder} after iteration ${checkpoint?.progress.iteration ?? 0}.`);
  return { paths, record, train, validation, checkpoint };
}

/** A run that goes on has neither failed nor a result. */
function withoutOutcome(record: RunRecord): RunRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([key]) => key !== 'error' && key !== 'result'),
  ) as unknown as RunRecord;
}

async function run(job: Job, context: Context, emit: (event: TrainEvent) => void): Promise<TrainResult> {
  const { record, paths } = job;
  const { recipe, device } = record;
  emit({ kind: 'stage', message: `Device: ${device.reason}` });
  const classifier = await classifierFrom(record.backbone.path, record.categories.length, record.seed, recipe);
  const data = await openExamples(classifier, job, context, emit);
  const schedule = scheduleOf(recipe, data.train.count);
  const start = job.checkpoint?.progress ?? START;
  const learning = recipe.layers === 'head' ? headOnly(classifier) : classifier;
  const learner = await startLearner(
    context.runtime,
    learning,
    recipe.layers === 'head' ? classifier.features : IMAGE,
    { ...recipe, batchSize: schedule.batchSize, batchNormMomentum: recipe.batchNormMomentum || undefined },
    device,
    job.checkpoint?.state,
  );
  const past = await rewindHistory(paths, start.iteration);
  const teller = progressTeller(schedule, emit, (points) => appendHistory(paths, points));
  if (past.length > 0) teller.replay(past);
  const best = bestKeeper(job, classifier, data);
  try {
    const { progress, stopped } = await trainLoop(learner, data.train, data.validation, {
      recipe,
      seed: record.seed,
      start,
      signal: context.signal,
      onStep: (milliseconds) => teller.took(milliseconds),
      onPoint: (point) => teller.add(point),
      onBest: async () => best.hold(await learner.state()),
      onCheckpoint: async (at) => {
        await teller.flush();
        await best.write();
        await writeCheckpoint(paths.checkpoint, { progress: at, state: await learner.state() });
      },
    });
    await teller.flush();
    await best.write();
    const epochs = Math.ceil(progress.iteration / schedule.perEpoch);
    const result: TrainResult = {
      run: paths.folder,
      iterations: progress.iteration,
      epochs,
      stopped,
      best: progress.best,
      imagesPerSecond: teller.speed(),
      device,
    };
    await writeRecord(paths, { ...record, state: stopped === 'person' ? 'stopped' : 'finished', result });
    return result;
  } finally {
    await learner.release();
  }
}

interface BestKeeper {
  /** Keeps the state of the best iteration so far in memory. */
  hold(state: Tensors): void;
  /** Writes it as model.onnx, if it is newer than the file. */
  write(): Promise<void>;
}

/** Writing a model takes longer than many steps of a small head: it waits for the next checkpoint or the end. */
function bestKeeper({ paths, record }: Job, classifier: Classifier, { provenance }: TrainingData): BestKeeper {
  let held: Tensors | undefined;
  return {
    hold: (state) => {
      held = state;
    },
    write: async () => {
      if (!held) return;
      const trained = withTensors(classifier, trainedTensors(held));
      const thresholds = record.categories.map(() => 0.5);
      await mkdir(paths.folder, { recursive: true });
      await writeModel(paths.model, buildInferenceModel(trained, { categories: record.categories, thresholds, provenance }));
      held = undefined;
    },
  };
}
