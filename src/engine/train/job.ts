// What a training run works on: a new run from what a person asked for, or an old one from its folder.
import { resolve } from 'node:path';
import type { Classifier } from '../../onnx/classifier';
import { readModel } from '../../onnx/files';
import { canBeGeneralized } from '../../onnx/generalized-mean';
import { cardIn } from '../../onnx/inference';
import { LabelscopeError } from '../../protocol/errors';
import type { DeviceUsed, TrainParams } from '../../protocol/messages';
import type { Recipe } from '../../protocol/recipe';
import { RUN_FORMAT, type RunRecord, type SplitSource } from '../../protocol/run';
import { defaultBackbonePath } from '../backbone/locate';
import type { Context, Opening } from '../context';
import { fittedOf } from '../fitting/card';
import { held, type HeldSplit, openSplits, reopenSplit } from '../data';
import { completeRecipe, onMeans, recipeWith } from '../recipes';
import { checkFree, createRunFolder, exists, removeLeftovers, type RunPaths, runPaths, writeRecord } from '../run/folder';
import { type Checkpoint, readCheckpoint } from './checkpoint';
import { classifierFrom, pooledBy, sha256Of } from './classifier';

export interface Job {
  readonly paths: RunPaths;
  readonly record: RunRecord;
  readonly train: HeldSplit;
  readonly validation: HeldSplit;
  readonly classifier: Classifier;
  readonly checkpoint: Checkpoint | undefined;
}

type Say = (message: string) => void;

/** @throws LabelscopeError 'setting-unknown', 'setting-value', 'backbone-missing', 'device-unavailable', 'run-exists'; DatasetError */
export async function newJob(params: TrainParams, context: Context, say: Say): Promise<Job> {
  // Mistakes are told before a folder is made, and before a file of annotations is read that may be large.
  const asked = recipeFor(params);
  await checkFree(resolve(params.run));
  const splits = await openSplits({ ...params, annotations: resolve(params.annotations) }, asked, context, say);
  const path = params.backbone === undefined ? defaultBackbonePath() : resolve(params.backbone);
  const sha256 = await sha256Of(path);
  const unpooled = await classifierFrom(path, splits.train.set.categories.length, params.seed, { ...asked, pooling: 'average' });
  const recipe = pooledRecipe(asked, params, unpooled, (message) => say(`${path} ${message}`));
  const classifier = pooledBy(unpooled, path, recipe.pooling);
  const device = await context.device(params.device, recipe.threads);
  context.signal.throwIfAborted();
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
    backbone: { path, sha256 },
    device,
  };
  await writeRecord(paths, record);
  return { paths, record, ...splits, classifier, checkpoint: undefined };
}

/** The recipes' sizes of images were measured with the network that ships: another one keeps its own, unless it is asked for. */
function recipeFor({ recipe, set, backbone }: TrainParams): Recipe {
  const asked = recipeWith(recipe, set);
  return backbone === undefined || set.imageSize !== undefined ? asked : { ...asked, imageSize: 0 };
}

/** A recipe's own pooling gives way where the network has no pool for it; one that was asked for does not. */
function pooledRecipe(asked: Recipe, { set }: TrainParams, network: Classifier, say: Say): Recipe {
  if (asked.pooling === 'average' || set.pooling !== undefined || canBeGeneralized(network)) return asked;
  const recipe = onMeans(asked, set);
  say(
    `has no mean over all places in front of its head, so ${asked.recipe} pools it as it is: pooling=average, l2=${recipe.l2}, learnRate=${recipe.learnRate}.`,
  );
  return recipe;
}

/** @throws LabelscopeError 'resume-settings', 'backbone-changed', 'annotations-changed', 'images-changed', 'checkpoint-unreadable' */
export async function resumedJob({ recipe, ...rest }: RunRecord, params: TrainParams, context: Context, say: Say): Promise<Job> {
  const old: RunRecord = { ...rest, recipe: completeRecipe(recipe) };
  const paths = runPaths(resolve(params.run));
  checkSettings(old, params);
  const backbone = await sameBackbone(old, params);
  const classifier = await classifierFrom(backbone.path, old.categories.length, old.seed, old.recipe);
  const { train, validation } = await reopenSplits(old, params, context);
  const checkpoint = (await exists(paths.checkpoint)) ? await readCheckpoint(paths.checkpoint) : undefined;
  const device = await deviceAgain(old, params.device, context, say);
  context.signal.throwIfAborted();
  await removeLeftovers(paths);
  const sources = { train: train.source, validation: validation.source };
  const record: RunRecord = { ...withoutOutcome(old), ...sources, state: 'running', device, backbone };
  await writeRecord(paths, record);
  await tellFitted(paths, say);
  say(`Continuing ${paths.folder} (recipe ${old.recipe.recipe}) after iteration ${checkpoint?.progress.iteration ?? 0}.`);
  return { paths, record, train, validation, classifier, checkpoint };
}

/** The device that the run was on, unless another one is asked for. Where it cannot be used now the run goes on elsewhere, until it can. */
async function deviceAgain(
  { device: before, recipe: { threads } }: RunRecord,
  choice: TrainParams['device'],
  context: Context,
  say: Say,
): Promise<DeviceUsed> {
  // The device of another engine says nothing about what this one has.
  const isSame = (before.engine ?? 'onnxruntime') === context.engine;
  if (choice !== 'auto' || !isSame) return context.device(choice, threads);
  const wish = before.insteadOf ?? before.device;
  try {
    return await context.device(wish, threads);
  } catch (error) {
    if (!(error instanceof LabelscopeError) || error.code !== 'device-unavailable') throw error;
    const device = await context.device('auto', threads);
    say(`The run was on ${wish}, which cannot be used now; it goes on on ${device.device}. ${device.reason}`);
    return { ...device, insteadOf: wish };
  }
}

/** What was fitted to the model so far belongs to its weights: a better model that is found begins without. */
async function tellFitted({ model }: RunPaths, say: Say): Promise<void> {
  const card = (await exists(model)) ? cardIn(await readModel(model)) : undefined;
  if (!card?.calibration && !(card && fittedOf(card).thresholdsRecord)) return;
  say(
    `${model} has fitted thresholds or a calibration. They stay with it; a better model that is found replaces it and begins without: evaluate it and fit them again.`,
  );
}

/** Settings may be repeated, not changed: half of a run with others would be no run that anybody can repeat. */
function checkSettings({ recipe }: RunRecord, { set, run }: TrainParams): void {
  const asked = recipeWith(recipe.recipe, set);
  const changed = (Object.keys(set) as (keyof Recipe)[]).find((key) => asked[key] !== recipe[key]);
  if (changed === undefined) return;
  throw new LabelscopeError(
    'resume-settings',
    `${run} was begun with ${changed}=${recipe[changed]}, and a resumed run keeps its settings: leave out --set, or train a new run.`,
  );
}

/** The backbone may have moved, with an update of the program for example, but not changed. */
async function sameBackbone({ backbone }: RunRecord, { backbone: given, run }: TrainParams): Promise<RunRecord['backbone']> {
  const known = given === undefined ? backbone.path : resolve(given);
  const path = given !== undefined || (await exists(known)) ? known : defaultBackbonePath();
  const sha256 = await sha256Of(path);
  if (sha256 === backbone.sha256) return { path, sha256 };
  throw new LabelscopeError(
    'backbone-changed',
    `${path} is not the backbone that ${run} began with. Name the old file with --backbone, or train a new run.`,
  );
}

/** The splits of the record, at the places that are given now: data sets move. What they hold has to be the same. */
async function reopenSplits(
  { train, validation, categories, recipe }: RunRecord,
  params: TrainParams,
  opening: Opening,
): Promise<{ train: HeldSplit; validation: HeldSplit }> {
  const here = { annotations: params.annotations, images: params.images ?? train.images };
  const there = {
    annotations: params.validation ?? validation.annotations,
    images: params.validationImages ?? validation.images,
  };
  const reopen = async (source: SplitSource): Promise<HeldSplit> => {
    const split = await reopenSplit(source, categories, recipe.includeUnlabeled, opening);
    if (split.source.count === source.count) return held(split);
    throw new LabelscopeError(
      'images-changed',
      `${split.source.count} images of ${source.annotations} are in ${source.images}, but the run was made with ${source.count}. Put the same images there, or train a new run.`,
    );
  };
  return {
    train: await reopen({ ...train, ...here }),
    validation: await reopen({ ...validation, ...(validation.part ? here : there) }),
  };
}

/** A run that goes on has neither failed nor a result. */
function withoutOutcome(record: RunRecord): RunRecord {
  const kept = Object.entries(record).filter(([key]) => !['error', 'errorCode', 'result'].includes(key));
  return Object.fromEntries(kept) as unknown as RunRecord;
}
