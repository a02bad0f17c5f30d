// The extension: makes its services and registers what package.json promises. Nothing heavy is loaded here; the engine starts when the first image or COCO file is seen.
import * as vscode from 'vscode';
import { activeImage } from './active-image';
import { type LabelscopeApi, publicApi } from './api';
import { cocoFiles } from './coco-files';
import { registerCommands } from './commands';
import { cocoDiagnostics } from './diagnostics';
import { earlyStart } from './early';
import { supervisor } from './engine';
import { tellDrawnSample } from './flows/sample';
import { imageFolders } from './image-folders';
import { labelsOf } from './labels';
import { modelTools } from './model-tools';
import { modelChoice } from './models';
import { runStore } from './runs';
import type { Services } from './services';
import { taskProvider } from './task-provider';
import { runStatusBar } from './views/status-bar';
import { runTrees } from './views/trees';
import { comparePanel } from './windows/compare';
import { datasetPanel } from './windows/dataset';
import { evaluationPanel } from './windows/evaluation';
import { imageEditors } from './windows/image-editor';
import { labelsView } from './windows/labels-view';
import { panelsOf } from './windows/panels';
import { reviewPanel } from './windows/review';
import { trainingPanel } from './windows/training';

export function activate(context: vscode.ExtensionContext): LabelscopeApi {
  const log = vscode.window.createOutputChannel('Labelscope', { log: true });
  const folders = imageFolders(context.workspaceState);
  const engine = supervisor(context.extensionUri, log, folders);
  const coco = cocoFiles(log);
  const runs = runStore(coco, vscode.workspace.workspaceFolders ? context.workspaceState : context.globalState);
  const models = modelChoice(runs, context.workspaceState);
  const labels = labelsOf(engine, models, coco);
  const active = activeImage();
  const images = imageEditors(context.extensionUri, engine, labels);
  const services: Services = {
    ...{ context, log, engine, folders, coco, runs, models, labels, active, images },
    datasets: panelsOf(context.extensionUri, datasetPanel(engine, folders)),
    trainings: panelsOf(context.extensionUri, trainingPanel(runs)),
    evaluations: panelsOf(context.extensionUri, evaluationPanel(engine, runs, { models, show: images.show })),
    reviews: panelsOf(context.extensionUri, reviewPanel(engine, models)),
    comparisons: panelsOf(context.extensionUri, comparePanel({ context, engine, log, runs })),
  };
  const trees = runTrees(runs, models);
  const { datasets, trainings, evaluations, reviews, comparisons } = services;
  context.subscriptions.push(log, engine, coco, runs, models, labels, active, images);
  context.subscriptions.push(datasets, trainings, evaluations, reviews, comparisons);
  context.subscriptions.push(trees, registerCommands(services, trees), runStatusBar(runs));
  context.subscriptions.push(cocoDiagnostics(engine, coco, log), earlyStart(engine, services, log));
  context.subscriptions.push(labelsView(context.extensionUri, active, labels, models, images.show));
  context.subscriptions.push(taskProvider(context.extensionUri, services), modelTools(services));
  // A window that is reloaded finds its runs, and what was chosen, again.
  runs.refresh();
  void tellDrawnSample(context);
  return publicApi(services);
}
