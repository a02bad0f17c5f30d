// A way on where the images of an annotation file were not found: a person chooses their folder, which is remembered, and it goes on.
import * as vscode from 'vscode';
import { LabelscopeError } from '../../protocol/errors';
import type { ProblemAction } from '../problems';
import type { Services } from '../services';

/** Codes of errors that another image folder mends. */
const FOLDER_WRONG = ['image-folder-not-found', 'images-missing', 'image-folder-missing'];

/** @param files the annotation files at work, `images` belonging to the first; the one that the error names is asked for, else the first */
export function otherFolder(
  error: unknown,
  { folders }: Services,
  files: readonly string[],
  again: (found: { readonly images?: string }) => Promise<unknown>,
): ProblemAction[] {
  if (!(error instanceof LabelscopeError) || !FOLDER_WRONG.includes(error.code)) return [];
  const about = files.find((path) => error.message.includes(path)) ?? files[0]!;
  const run = async () => {
    const images = await folders.ask(about);
    await again(about === files[0] ? { images } : {});
  };
  return [{ title: vscode.l10n.t('Choose Image Folder…'), run }];
}
