// Any multilabel ONNX classifier as a model of the workspace: its file, its categories, its name.
import { basename, extname, join } from 'node:path';
import * as vscode from 'vscode';
import { LabelscopeError, toWireError } from '../../protocol/errors';
import type { ImportParams, ImportProgress, ImportResult } from '../../protocol/import';
import type { Services } from '../services';
import { inNotification, partOf, timedBytes } from '../tasks';
import { readCategories } from './categories';
import { chooseOne, type Choice, inTurn } from './steps';

/** @throws CancellationError; LabelscopeError */
export async function importModel(services: Services, given?: vscode.Uri): Promise<ImportResult> {
  const model = given ?? (await browseModel());
  const name = basename(model.fsPath, extname(model.fsPath));
  const folder = services.runs.newFolder(placeFor(model), `import-${name.replace(/[^\p{L}\p{N}-]+/gu, '_')}`);
  const params = { model: model.fsPath, folder, name };
  const result = await takeOver(services, params).catch(async (error: unknown) => {
    if (toWireError(error).code !== 'import-categories') throw error;
    return takeOver(services, { ...params, categories: await askCategories(services) });
  });
  services.runs.refresh();
  for (const note of result.notes) services.log.info(note);
  return result;
}

/** A file that Labelscope exported names its categories itself. */
function takeOver({ engine }: Services, params: ImportParams): Promise<ImportResult> {
  const title = vscode.l10n.t('Importing {0}', basename(params.model));
  return inNotification(title, (task) => {
    const [read, written] = [timedBytes(partOf(task, 0, 0.5)), timedBytes(partOf(task, 0.5, 1))];
    const onProgress = ({ stage, ...count }: ImportProgress) => (stage === 'reading' ? read : written)(count);
    return engine.request('import', params, { signal: task.signal, onProgress });
  });
}

/** Imported models lie beside the runs of the first workspace folder. */
function placeFor(model: vscode.Uri): vscode.Uri {
  const root = vscode.workspace.workspaceFolders?.[0]?.uri;
  return root ? vscode.Uri.file(join(root.fsPath, basename(model.fsPath))) : model;
}

async function browseModel(): Promise<vscode.Uri> {
  const [chosen] =
    (await vscode.window.showOpenDialog({ filters: { ONNX: ['onnx'] }, title: vscode.l10n.t('Import Model') })) ?? [];
  if (!chosen) throw new vscode.CancellationError();
  return chosen;
}

const TYPE = '';

async function askCategories(services: Services): Promise<readonly string[]> {
  let categories: readonly string[] = [];
  const choices: Choice<string>[] = [
    ...services.coco.paths.map((path) => ({ label: basename(path), detail: path, value: path })),
    {
      label: vscode.l10n.t('Type the names…'),
      description: vscode.l10n.t('separated by commas, in the order of the outputs'),
      value: TYPE,
    },
  ];
  await inTurn(vscode.l10n.t('Import Model'), [
    async (place) => {
      const placeholder = vscode.l10n.t('Where do its categories stand, in the order of its outputs?');
      const path = await chooseOne(place, { placeholder, choices });
      categories = path === TYPE ? await typedCategories() : await categoriesOf(services, path);
    },
  ]);
  return categories;
}

async function typedCategories(): Promise<readonly string[]> {
  const text = await vscode.window.showInputBox({
    prompt: vscode.l10n.t('Category names, separated by commas'),
    ignoreFocusOut: true,
  });
  if (text === undefined) throw new vscode.CancellationError();
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new LabelscopeError('import-categories', vscode.l10n.t('A category has no name.'));
  return names;
}

async function categoriesOf({ engine }: Services, annotations: string): Promise<readonly string[]> {
  const { categories } = await readCategories(engine, annotations);
  return categories.map(({ name }) => name);
}
