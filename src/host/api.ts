// What other extensions and tests may call: the same work as the commands, without questions, with values and errors.
import * as vscode from 'vscode';
import { LabelscopeError } from '../protocol/errors';
import type { ExportResult } from '../protocol/export';
import type { DatasetReport, EvaluateResult, ExplainedMap, PredictedImage, SampleResult } from '../protocol/messages';
import { mapsOf } from './explain';
import { evaluateModel, type EvaluateOptions, noModel } from './flows/evaluate';
import { type StartedRun, startTraining, type TrainOptions } from './flows/train';
import type { RunInfo } from './runs';
import type { Services } from './services';
import { setting } from './settings';

/** Every function rejects with an Error whose `code` is stable and whose message is for people. Paths are absolute. */
export interface LabelscopeApi {
  readonly version: 1;
  inspect(annotations: string, images?: string): Promise<DatasetReport>;
  /** Starts a run; `done` settles with it. The panels follow it like any other. */
  train(annotations: string, options?: TrainOptions): StartedRun;
  /** The newest first. */
  runs(): Promise<readonly RunInfo[]>;
  evaluate(folder: string, options?: EvaluateOptions): Promise<EvaluateResult>;
  /** With the model that is in use, unless a folder is named. In the order of the files; rejects where one cannot be read. */
  predict(files: readonly string[], folder?: string): Promise<readonly PredictedImage[]>;
  explain(file: string, categories: readonly string[], folder?: string): Promise<readonly ExplainedMap[]>;
  exportModel(folder: string, out: string): Promise<ExportResult>;
  createSample(directory: string, images?: number): Promise<SampleResult>;
}

export function publicApi(services: Services): LabelscopeApi {
  const { engine, runs, models } = services;
  const modelFolder = async (folder?: string): Promise<string> => {
    const chosen = folder ?? (await models.current())?.model.folder;
    if (chosen === undefined) throw noModel();
    return chosen;
  };
  return {
    version: 1,
    inspect: (annotations, images) => engine.request('inspect', { annotations, ...(images !== undefined && { images }) }),
    train: (annotations, options = {}) => startTraining(services, vscode.Uri.file(annotations), options),
    runs: () => runs.list(),
    evaluate: (folder, options = {}) => evaluateModel(services, folder, options),
    predict: async (files, folder) => {
      const params = { model: await modelFolder(folder), files, device: setting('device') };
      const { images, failed } = await engine.request('predict', params);
      if (failed[0]) throw new LabelscopeError('image-unreadable', failed[0].error);
      return images;
    },
    explain: async (file, categories, folder) => mapsOf(engine, await modelFolder(folder), file, categories),
    exportModel: (folder, out) => engine.request('export', { run: folder, out }),
    createSample: (directory, images) => engine.request('sample', { directory, ...(images !== undefined && { images }) }),
  };
}
