// Every command of package.json as one row: what it is meant for, what it does, what it answers.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Evaluation } from '../metrics/types';
import type { DoctorProgress } from '../protocol/doctor';
import { askForEvaluation, evaluateModel, type EvaluateOptions } from './flows/evaluate';
import { addCuda, removeCuda } from './flows/cuda';
import { addTensorFlow, removeTensorFlow } from './flows/tensorflow';
import { otherFolder } from './flows/folder';
import { fixAnnotations, splitDataset } from './flows/health';
import { deleteRuns, exportedInWords, exportModel, exportReport, offerToReveal, renameRun, reveal } from './flows/files';
import { importModel } from './flows/import';
import { seeWhereItLooks } from './flows/look';
import { createSample } from './flows/sample';
import { askForTraining } from './flows/train';
import { type FollowOptions, resumeAndFollow, trainAndFollow } from './follow';
import { checkTrust, tellProblem } from './problems';
import type { RunInfo } from './runs';
import type { Services } from './services';
import * as targets from './targets';
import { inNotification } from './tasks';
import type { RunTrees } from './views/trees';
import { showComparison } from './windows/compare';
import type { Closable } from './closable';

/** `target`: what was clicked; `options`: what other extensions and tests give instead of being asked, or all selected rows. */
type Command = (services: Services, target: targets.Target, options: unknown) => Promise<unknown>;

const COMMANDS: Readonly<Record<string, Command>> = {
  train: async (services, target, options) => {
    const annotations = await targets.annotationFile(services, target);
    const answers = isOptions(options) ? (options as FollowOptions) : await askForTraining(services, annotations);
    return trainAndFollow(services, annotations, answers);
  },
  showDatasetReport: async (services, target) => {
    const { fsPath } = await targets.annotationFile(services, target);
    await services.datasets.show(fsPath);
    return fsPath;
  },
  reviewLabels: async (services, target) => {
    const { fsPath } = await targets.annotationFile(services, target);
    await services.reviews.show(fsPath);
    return fsPath;
  },
  splitDataset: async (services, target, options) => {
    const annotations = await targets.annotationFile(services, target);
    return splitDataset(services, annotations, isOptions(options) ? options : {});
  },
  fixAnnotations: async (services, target, options) => {
    const annotations = await targets.annotationFile(services, target);
    const { codes } = isOptions(options) ? (options as { readonly codes?: readonly string[] }) : {};
    return fixAnnotations(services, annotations, codes);
  },
  evaluate: async (services, target, options) => {
    const given = target === undefined ? undefined : await targets.runOf(services, target, targets.WITH_MODEL);
    const asked = given && isOptions(options) ? { ...(options as EvaluateOptions), folder: given.folder } : undefined;
    return evaluateAndShow(services, asked ?? (await askForEvaluation(services, given?.folder)));
  },
  openTraining: async (services, target) => {
    const { folder } = await targets.runOf(services, target, targets.TRAINED);
    await services.trainings.show(folder);
    return folder;
  },
  openEvaluation: async (services, target) => {
    const { folder } = await targets.runOf(services, target, targets.EVALUATED);
    await services.evaluations.show(folder);
    return folder;
  },
  pauseRun: (services, target) => control(services, target, 'pause', targets.TRAINING),
  continueRun: (services, target) => control(services, target, 'resume', targets.PAUSED),
  stopRun: (services, target) => control(services, target, 'stop', targets.AT_WORK),
  resumeRun: async (services, target) => {
    const { folder } = await targets.runOf(services, target, targets.RESUMABLE);
    return resumeAndFollow(services, folder);
  },
  explainImage: async (services, target) => {
    const file = targets.imageFile(services, target);
    await services.images.show(file, []);
    return file;
  },
  seeWhereItLooks: async (services, target) => {
    const { folder } = await targets.runOf(services, target, targets.EVALUATED);
    return seeWhereItLooks(services, folder);
  },
  showLabels: async () => {
    await vscode.commands.executeCommand('labelscope.labels.focus');
  },
  importModel: async (services, target) => importModel(services, target instanceof vscode.Uri ? target : undefined),
  createSample: async (services, target) =>
    createSample(services, target instanceof vscode.Uri ? target : await targets.sampleFolder()),
  trySample: async (services, target) =>
    createSample(services, target instanceof vscode.Uri ? target : await targets.sampleFolder(), 'train'),
  renameRun: async (services, target) => renameRun(services, await targets.runOf(services, target, targets.ANY)),
  exportModel: async (services, target) => {
    const result = await exportModel(services, await targets.runOf(services, target, targets.WITH_MODEL));
    await offerToReveal(exportedInWords(result), result.path);
    return result;
  },
  exportReport: async (services, target) => {
    const path = await exportReport(services, await targets.runOf(services, target, targets.TRAINED));
    await offerToReveal(vscode.l10n.t('The report is in {0}.', path), path);
    return path;
  },
  revealRun: async (services, target) => {
    const { folder } = await targets.runOf(services, target, targets.ANY);
    const uri = vscode.Uri.file(folder);
    if (vscode.workspace.getWorkspaceFolder(uri)) await vscode.commands.executeCommand('revealInExplorer', uri);
    else await reveal(uri);
    return folder;
  },
  pinModel: async (services, target) => {
    const isModel = targets.isRun(target);
    const { folder } = await targets.runOf(services, isModel ? target : await named(services, target), targets.WITH_MODEL);
    await services.models.pin(folder);
    return folder;
  },
  unpinModel: async ({ models }) => models.pin(undefined),
  refreshRuns: ({ runs }) => {
    runs.refresh();
    return Promise.resolve();
  },
  showDevices: async ({ engine }) => showDevices(engine),
  addCuda: (services) => thenDevices(services, addCuda),
  removeCuda: (services) => thenDevices(services, removeCuda),
  addTensorFlow: (services) => thenDevices(services, addTensorFlow),
  removeTensorFlow: (services) => thenDevices(services, removeTensorFlow),
  showOutput: ({ log }) => {
    log.show();
    return Promise.resolve();
  },
  openWalkthrough: async ({ context }) => {
    await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.id}#start`, false);
  },
};

async function evaluateAndShow(services: Services, { folder, ...options }: EvaluateOptions & { readonly folder: string }) {
  try {
    const { evaluation } = await evaluateModel(services, folder, options);
    if (options.flip) tellMirrored(folder, evaluation);
    else {
      await services.evaluations.show(folder, true);
      tellEvaluated(folder, evaluation);
    }
    return evaluation;
  } catch (error) {
    const record = (await services.runs.list()).find((run) => run.folder === folder)?.record;
    const data = options.annotations === undefined ? record?.validation : { annotations: options.annotations };
    const again = (found: EvaluateOptions) => evaluateAndShow(services, { ...options, ...found, folder });
    tellProblem(error, services.log, ...otherFolder(error, services, data ? [data] : [], again));
    return undefined;
  }
}

/** There is no panel for numbers that are not kept. */
function tellMirrored(folder: string, evaluation: Evaluation): void {
  const words = vscode.l10n.t('{0} with mirror images: {1}.', basename(folder), scoresInWords(evaluation));
  void vscode.window.showInformationMessage(words);
}

/** What comes next, beside the panel that shows the numbers. */
function tellEvaluated(folder: string, evaluation: Evaluation): void {
  const look = vscode.l10n.t('See Where It Looks');
  const words = vscode.l10n.t('{0} is evaluated: {1}.', basename(folder), scoresInWords(evaluation));
  void vscode.window.showInformationMessage(words, look).then(async (chosen) => {
    if (chosen === look) await vscode.commands.executeCommand('labelscope.seeWhereItLooks', vscode.Uri.file(folder));
  });
}

function scoresInWords({ mAP, micro, jaccard }: Evaluation): string {
  const [map, f1, index] = [mAP, micro.f1, jaccard].map((value) => value?.toFixed(3) ?? '–') as [string, string, string];
  return vscode.l10n.t('mAP {0}, micro F1 {1}, Jaccard {2}', map, f1, index);
}

/** The menu of a tab says in its place which group the tab is in, the Explorer's which rows are selected. */
function isOptions(options: unknown): options is object {
  return typeof options === 'object' && options !== null && !Array.isArray(options) && !('groupId' in options);
}

/** From a window that shows no run (the side view), the model is to be chosen. */
async function named({ runs }: Services, target: targets.Target): Promise<targets.Target> {
  const path = target instanceof vscode.Uri ? target.fsPath : undefined;
  return (await runs.list()).some(({ folder }) => folder === path) ? target : undefined;
}

async function control(
  services: Services,
  target: targets.Target,
  action: 'pause' | 'resume' | 'stop',
  kind: targets.RunKind,
): Promise<string> {
  const { folder } = await targets.runOf(services, target, kind);
  await services.runs.monitor(folder).control(action);
  return folder;
}

/** What was added or taken away, once it is told which devices there are now. */
async function thenDevices<T>(services: Services, change: (services: Services) => Promise<T>): Promise<T> {
  const result = await change(services);
  await showDevices(services.engine);
  return result;
}

async function showDevices(engine: Services['engine']): Promise<unknown> {
  const title = vscode.l10n.t('Checking devices');
  const report = await inNotification(title, ({ signal, report: tell }) => {
    const onProgress = ({ done, total, trying }: DoctorProgress) =>
      tell(done / total, trying.length > 0 ? vscode.l10n.t('trying {0}', trying.join(', ')) : '');
    return engine.request('doctor', { device: 'auto' }, { signal, onProgress });
  });
  const lines = report.devices.map(({ available, reason }) => `${available ? '✓' : '–'} ${reason}`);
  const { found, problem, added } = report.tensorflow;
  const second = found ? `✓ TensorFlow.js: ${found.package} (${found.library ?? found.backend})` : `– ${problem}`;
  const used = report.chosen
    ? vscode.l10n.t('Used: {0}', `${report.engine}, ${report.chosen.device}`)
    : vscode.l10n.t('Used: nothing, because the engine {0} does not load', report.engine);
  const unused = [...(found?.hindrance === undefined ? [] : [found.hindrance]), ...(found?.passedOver ?? [])];
  const changed = [report.cuda, added].flatMap((one) =>
    one && !one.unchanged
      ? [vscode.l10n.t('– Files in {0} have changed since they were installed: add it anew.', one.folder)]
      : [],
  );
  const detail = [...lines, second, ...unused.map((words) => `– ${words}`), ...changed, '', used].join('\n');
  void vscode.window.showInformationMessage(vscode.l10n.t('Devices'), { modal: true, detail });
  return report;
}

/** In a workspace that is not trusted, these only look at data. */
const HARMLESS = new Set([
  'showDatasetReport',
  'openTraining',
  'openEvaluation',
  'compareRuns',
  'refreshRuns',
  'showOutput',
  'openWalkthrough',
  'revealRun',
]);

export function registerCommands(services: Services, trees: RunTrees): Closable {
  const selected = (target: targets.Target, rows: unknown): readonly RunInfo[] => {
    if (Array.isArray(rows) && rows.every(targets.isRun)) return rows;
    return targets.isRun(target) ? [target] : trees.selected();
  };
  const all: Record<string, Command> = {
    ...COMMANDS,
    deleteRun: async (_, target, rows) => {
      const chosen = selected(target, rows);
      return deleteRuns(services, chosen.length > 0 ? chosen : [await targets.runOf(services, target, targets.ANY)]);
    },
    compareRuns: async (_, target, rows) => {
      const folders = await targets.comparedRuns(services, selected(target, rows));
      await showComparison(services.comparisons, folders);
      return folders;
    },
  };
  const registered = Object.entries(all).map(([name, run]) =>
    vscode.commands.registerCommand(`labelscope.${name}`, async (target?: targets.Target, options?: unknown) => {
      try {
        if (!HARMLESS.has(name)) checkTrust();
        return await run(services, target, options);
      } catch (error) {
        tellProblem(error, services.log);
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}
