// Tools for language models: which runs there are, how well they do, what a model says of images. Each asks the person first.
import { realpath } from 'node:fs/promises';
import { basename, isAbsolute, join, sep } from 'node:path';
import * as vscode from 'vscode';
import { LabelscopeError } from '../protocol/errors';
import { noModel } from './flows/evaluate';
import { checkTrust, wordsOf } from './problems';
import type { RunInfo } from './runs';
import type { Services } from './services';
import { setting } from './settings';
import type { Closable } from './closable';

interface Tool<T> {
  /** What the person is asked. */
  readonly asks: (input: T) => string;
  readonly answers: (input: T, services: Services, signal: AbortSignal) => Promise<object>;
}

interface RunInput {
  /** A run's name or folder; without it the model that is in use. */
  readonly run?: string;
}

interface PredictInput extends RunInput {
  readonly files: readonly string[];
}

const runs: Tool<object> = {
  asks: () => vscode.l10n.t('Tell the language model the runs and models of this workspace: names, states, categories, scores?'),
  answers: async (_, services) => {
    const all = await services.runs.list();
    return { runs: all.map(summaryOf) };
  },
};

function summaryOf({ name, folder, created, status, categories, hasModel, evaluation, record }: RunInfo): object {
  const scores = evaluation && {
    microF1: evaluation.micro.f1,
    macroF1: evaluation.macro.f1,
    mAP: evaluation.mAP,
    jaccard: evaluation.jaccard,
  };
  const { recipe, train } = record ?? {};
  return {
    name,
    folder,
    created,
    status,
    hasModel,
    categories,
    recipe: recipe?.recipe,
    trainedOn: train?.annotations,
    evaluation: scores ?? null,
  };
}

const metrics: Tool<RunInput> = {
  asks: ({ run }) =>
    run === undefined
      ? vscode.l10n.t('Tell the language model how well the current model does, overall and by category?')
      : vscode.l10n.t('Tell the language model how well "{0}" does, overall and by category?', run),
  answers: async ({ run }, services) => {
    const { name, folder, evaluation } = await chosen(run, services);
    if (!evaluation)
      throw new LabelscopeError(
        'evaluation-missing',
        vscode.l10n.t('{0} has not been evaluated: run "Labelscope: Evaluate Model" first.', name),
      );
    // A curve is for eyes.
    return { name, folder, ...evaluation, sweep: undefined };
  },
};

const predictions: Tool<PredictInput> = {
  asks: ({ files }) =>
    vscode.l10n.t(
      'Predict the labels of {0} and tell them to the language model?',
      files.map((file) => basename(file)).join(', '),
    ),
  answers: async ({ files, run }, services, signal) => {
    checkTrust();
    const { name, folder } = await chosen(run, services, ({ hasModel }) => hasModel);
    const paths = await Promise.all(files.map(inWorkspace));
    const result = await services.engine.request(
      'predict',
      { model: folder, files: paths, device: setting('device') },
      { signal },
    );
    return { model: name, thresholds: result.thresholds, images: result.images, failed: result.failed };
  },
};

/** By its name, its folder's name or its folder. @throws LabelscopeError 'run-unknown', 'no-model' */
async function chosen(
  run: string | undefined,
  { runs: store, models }: Services,
  fits: (info: RunInfo) => boolean = () => true,
): Promise<RunInfo> {
  const all = (await store.list()).filter(fits);
  if (run === undefined) {
    const current = await models.current();
    const found = all.find(({ folder }) => folder === current?.model.folder);
    if (!found) throw noModel();
    return found;
  }
  const found = all.find(({ name, folder }) => [name, folder, basename(folder)].includes(run));
  if (found) return found;
  const known = all.map(({ name }) => name).join(', ');
  throw new LabelscopeError(
    'run-unknown',
    vscode.l10n.t('There is no run or model called {0}. There are: {1}', run, known || '–'),
  );
}

/** What a language model names may be anything: only files of the workspace are looked at. @throws LabelscopeError 'file-outside' */
async function inWorkspace(file: string): Promise<string> {
  const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  if (folders.length === 0)
    throw new LabelscopeError(
      'file-outside',
      vscode.l10n.t('No folder is open: the person has to open the folder of {0} first.', file),
    );
  const roots = await Promise.all(folders.map((folder) => realpath(folder).catch(() => folder)));
  const places = isAbsolute(file) ? [file] : folders.map((folder) => join(folder, file));
  for (const place of places) {
    const real = await realpath(place).catch(() => undefined);
    if (real !== undefined && roots.some((root) => real.startsWith(root + sep))) return real;
  }
  throw new LabelscopeError('file-outside', vscode.l10n.t('{0} is no file of this workspace.', file));
}

export function modelTools(services: Services): Closable {
  const tools: Readonly<Record<string, Tool<never>>> = {
    labelscope_runs: runs,
    labelscope_metrics: metrics,
    labelscope_predict: predictions,
  };
  return vscode.Disposable.from(
    ...Object.entries(tools).map(([name, tool]) => vscode.lm.registerTool<never>(name, toolOf(tool, services))),
  );
}

function toolOf<T>({ asks, answers }: Tool<T>, services: Services): vscode.LanguageModelTool<T> {
  return {
    prepareInvocation: ({ input }) => ({
      invocationMessage: vscode.l10n.t('Asking Labelscope'),
      confirmationMessages: { title: 'Labelscope', message: asks(input) },
    }),
    invoke: async ({ input }, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => stop.abort());
      const answer = await answers(input, services, stop.signal).catch((error: unknown) => {
        // Its words are for the language model, which passes them on.
        throw error instanceof LabelscopeError ? new Error(wordsOf(error)) : error;
      });
      return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(JSON.stringify(answer))]);
    },
  };
}
