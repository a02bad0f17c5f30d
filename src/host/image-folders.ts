// Where the images of annotation files lie, where a person had to say so: told once, kept in the workspace, used by every request.
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { readRecord } from '../engine/client/folder';
import type { Method, Params } from '../protocol/messages';

export interface ImageFolders {
  /** What was told, as long as the folder is there; undefined leaves the look-up to the engine. */
  readonly of: (annotations: string) => string | undefined;
  readonly remember: (annotations: string, folder: string) => Promise<void>;
  /** Asks, and remembers the answer. @throws CancellationError */
  readonly ask: (annotations: string) => Promise<string>;
}

export function imageFolders(memory: vscode.Memento): ImageFolders {
  const keyOf = (annotations: string) => `images:${annotations}`;
  const remember = async (annotations: string, folder: string) => memory.update(keyOf(annotations), folder);
  return {
    of: (annotations) => {
      const folder = memory.get<string>(keyOf(annotations));
      return folder !== undefined && isFolder(folder) ? folder : undefined;
    },
    remember,
    ask: async (annotations) => {
      const title = vscode.l10n.t('Where are the images of {0}?', basename(annotations));
      const openLabel = vscode.l10n.t('Choose Image Folder');
      const defaultUri = vscode.Uri.joinPath(vscode.Uri.file(annotations), '..');
      const options = { canSelectFolders: true, canSelectFiles: false, title, openLabel, defaultUri };
      const [chosen] = (await vscode.window.showOpenDialog(options)) ?? [];
      if (!chosen) throw new vscode.CancellationError();
      await remember(annotations, chosen.fsPath);
      return chosen.fsPath;
    },
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Requests that look for the images of `annotations` where `images` does not say where they are. */
const LOOKING: readonly Method[] = [
  ...(['inspect', 'check', 'split', 'diagnose', 'fix', 'evaluate', 'train'] as const),
  ...(['pointing', 'sanity', 'suspects', 'correct'] as const),
];

/** The parameters with the folders that were told for the annotation files that they name, or that the run has which they are about. */
export async function withFolders<M extends Method>(method: M, params: Params<M>, folders: ImageFolders): Promise<Params<M>> {
  if (method === 'truth') return { ...params, ...foldersOfAll((params as Params<'truth'>).annotations, folders) };
  if (!LOOKING.includes(method)) return params;
  const { validation, ...named } = params as Partial<Params<'train'>>;
  const annotations = named.annotations ?? (await ownAnnotations(params));
  const images = annotations === undefined ? undefined : folders.of(annotations);
  const validationImages = typeof validation === 'string' ? folders.of(validation) : undefined;
  return { ...(images !== undefined && { images }), ...(validationImages !== undefined && { validationImages }), ...params };
}

/** What a run is judged on where no file is named. */
async function ownAnnotations(params: object): Promise<string | undefined> {
  if (!('model' in params) || typeof params.model !== 'string') return undefined;
  const record = await readRecord(params.model).catch(() => undefined);
  return record?.validation.annotations;
}

function foldersOfAll(annotations: readonly string[], folders: ImageFolders): Pick<Params<'truth'>, 'imageFolders'> {
  const told = annotations.flatMap((path) => {
    const folder = folders.of(path);
    return folder === undefined ? [] : [[path, folder] as const];
  });
  return { imageFolders: Object.fromEntries(told) };
}
