// From an annotation file to a run at work: a few questions with sane answers, then the training panel.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { LabelscopeError } from '../../protocol/errors';
import type { DatasetReport, DeviceReport, TrainParams, TrainResult } from '../../protocol/messages';
import type { DeviceChoice, RecipeName } from '../../protocol/recipe';
import type { Services } from '../services';
import { setting } from '../settings';
import { readCategories } from './categories';
import { chooseMany, chooseOne, type Choice, inTurn } from './steps';

/** What can be said instead of being asked. */
export interface TrainOptions {
  readonly categories?: readonly string[];
  /** An annotation file, or null to keep a share of the training images; without it, one that is found by its name, else a share. */
  readonly validation?: string | null;
  readonly recipe?: RecipeName;
  readonly device?: DeviceChoice;
  readonly images?: string;
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  readonly seed?: number;
  readonly run?: string;
}

export interface StartedRun {
  readonly run: string;
  readonly done: Promise<TrainResult>;
}

/** The categories of the example that many people come from: chosen first where a file has them all. */
const EXAMPLE = ['dog', 'cat', 'bird', 'horse', 'sheep', 'cow', 'bear', 'giraffe', 'zebra', 'elephant', 'potted plant', 'couch'];

/** What was answered last time for a file, kept in the workspace. */
interface Remembered {
  readonly categories: readonly string[];
  readonly validation: string | null;
  readonly recipe: RecipeName;
  readonly device: DeviceChoice;
}

/** Asks what is needed. @throws CancellationError */
export async function askForTraining(services: Services, annotations: vscode.Uri, images?: string): Promise<TrainOptions> {
  const key = `train:${annotations.fsPath}`;
  const last = services.context.workspaceState.get<Remembered>(key);
  const devices = services.engine.request('doctor', { device: 'auto' }).then((report) => report.devices);
  // Whoever leaves the questions does not wait for the answer.
  devices.catch(() => undefined);
  const report = await readCategories(services.engine, annotations.fsPath, images);
  if (report.imageFolder === null) await services.folders.ask(annotations.fsPath);
  const names = report.categories.map(({ name }) => name);
  const proposed = last?.categories.filter((name) => names.includes(name)) ?? [];
  const example = EXAMPLE.every((name) => names.includes(name)) ? EXAMPLE : names;
  let answers: Remembered = {
    categories: proposed.length > 0 ? proposed : example,
    validation: last ? last.validation : report.validation,
    recipe: last?.recipe ?? setting('recipe', annotations),
    device: last?.device ?? setting('device'),
  };
  await inTurn(vscode.l10n.t('Train on {0}', basename(annotations.fsPath)), [
    async (place) => {
      const choices = categoryChoices(report);
      const placeholder = vscode.l10n.t('Categories to train on: type to search, Enter to go on');
      answers = { ...answers, categories: await chooseMany(place, { placeholder, choices }, answers.categories) };
    },
    async (place) => {
      const choices = validationChoices(services, annotations, report);
      const placeholder = vscode.l10n.t('Which images judge the model?');
      const validation = await chooseOne(place, { placeholder, choices }, answers.validation);
      answers = { ...answers, validation: validation === BROWSE ? await browseAnnotations() : validation };
    },
    async (place) => {
      const placeholder = vscode.l10n.t('What learns?');
      answers = { ...answers, recipe: await chooseOne(place, { placeholder, choices: recipeChoices() }, answers.recipe) };
    },
    async (place) => {
      const placeholder = vscode.l10n.t('Where to compute?');
      const choices = deviceChoices(await devices);
      answers = { ...answers, device: await chooseOne(place, { placeholder, choices }, answers.device) };
    },
  ]);
  await services.context.workspaceState.update(key, answers);
  return { ...answers, ...(images !== undefined && { images }) };
}

function categoryChoices({ categories }: DatasetReport): Choice<string>[] {
  return categories.map(({ name, images, annotations }) => ({
    label: name,
    description: vscode.l10n.t('{0} images, {1} annotations', images, annotations),
    value: name,
  }));
}

const BROWSE = '';

function validationChoices({ coco }: Services, annotations: vscode.Uri, { validation }: DatasetReport): Choice<string | null>[] {
  const others = coco.paths.filter((path) => path !== annotations.fsPath && path !== validation);
  return [
    ...(validation === null
      ? []
      : [
          { label: basename(validation), description: vscode.l10n.t('found by its name'), detail: validation, value: validation },
        ]),
    {
      label: vscode.l10n.t('A fifth of the training images'),
      description: vscode.l10n.t('kept apart, the same for every run'),
      value: null,
    },
    ...others.map((path) => ({ label: basename(path), detail: path, value: path })),
    { label: vscode.l10n.t('Choose an annotation file…'), value: BROWSE },
  ];
}

async function browseAnnotations(): Promise<string> {
  const filters = { [vscode.l10n.t('COCO annotation files')]: ['json', 'gz'] };
  const [chosen] = (await vscode.window.showOpenDialog({ filters, canSelectMany: false })) ?? [];
  if (!chosen) throw new vscode.CancellationError();
  return chosen.fsPath;
}

function recipeChoices(): Choice<RecipeName>[] {
  const { t } = vscode.l10n;
  return [
    {
      label: 'quick',
      description: t('minutes on two cores'),
      detail: t('A new head on pooled ResNet-50 features'),
      value: 'quick',
    },
    {
      label: 'best',
      description: t('twice as long; the best of those measured'),
      detail: t('As quick, on larger images and with a loss in which rare positives count: finds more of what is small or rare'),
      value: 'best',
    },
    {
      label: 'balanced',
      description: t('more data, or a GPU'),
      detail: t('The last convolutional stage and the head'),
      value: 'balanced',
    },
    {
      label: 'matlab-example',
      description: t('large data sets on a GPU'),
      detail: t('Every layer, as in the MATLAB example: SGDM, batch 32, 10 epochs, rotation and reflection'),
      value: 'matlab-example',
    },
  ];
}

function deviceChoices(devices: readonly DeviceReport[]): Choice<DeviceChoice>[] {
  const usable = devices.filter(({ available }) => available);
  return [
    { label: 'auto', description: vscode.l10n.t('the fastest that can be trusted'), value: 'auto' },
    ...usable.map(({ device, reason }) => ({ label: device, detail: reason, value: device })),
  ];
}

/** Starts the run and answers as soon as its process is at work. The panel, the notification and the status bar follow it. */
export function startTraining(services: Services, annotations: vscode.Uri, options: TrainOptions): StartedRun {
  const recipe = options.recipe ?? setting('recipe', annotations);
  const settings = { ...setting('recipeSettings', annotations), ...options.settings };
  const run = options.run ?? services.runs.newFolder(annotations, recipe);
  const params: TrainParams = {
    annotations: annotations.fsPath,
    ...(options.images !== undefined && { images: options.images }),
    ...(options.validation !== undefined && { validation: options.validation }),
    ...(options.categories && { categories: options.categories }),
    recipe,
    set: Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)])),
    device: options.device ?? setting('device'),
    seed: options.seed ?? setting('seed', annotations),
    run,
    resume: false,
    outlive: setting('training.outliveWindow'),
  };
  return begin(services, params);
}

/** Goes on with a run that was stopped or cut off. @throws LabelscopeError where the folder holds no run */
export async function resumeTraining(services: Services, folder: string): Promise<StartedRun> {
  const monitor = services.runs.monitor(folder);
  await monitor.refresh();
  const { record } = monitor.data;
  if (!record) throw new LabelscopeError('run-missing', vscode.l10n.t('{0} holds no run.', folder));
  const validationImages = services.folders.of(record.validation.annotations);
  const params: TrainParams = {
    annotations: record.train.annotations,
    // What a person has said since counts more than where the images were.
    images: services.folders.of(record.train.annotations) ?? record.train.images,
    ...(validationImages !== undefined && { validationImages }),
    recipe: record.recipe.recipe,
    set: {},
    device: 'auto',
    seed: record.seed,
    run: folder,
    resume: true,
    outlive: setting('training.outliveWindow'),
  };
  return begin(services, params);
}

function begin(services: Services, params: TrainParams): StartedRun {
  const done = services.engine.train(params);
  const monitor = services.runs.monitor(params.run);
  void monitor.begin(done);
  done.then(
    () => services.runs.refresh(),
    () => services.runs.refresh(),
  );
  return { run: params.run, done };
}
