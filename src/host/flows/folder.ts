// A way on where the images of an annotation file were not found: a person chooses their folder, which is remembered, and it goes on.
import * as vscode from 'vscode';
import { LabelscopeError } from '../../protocol/errors';
import type { ProblemAction } from '../problems';
import type { Services } from '../services';

/** Codes of errors that another image folder mends. */
const FOLDER_WRONG = ['image-folder-not-found', 'images-missing', 'image-folder-missing'];

/** Where `images` is the folder of an annotation file's images: an error about that folder may not name the file. */
export interface AtWork {
  readonly annotations: string;
  readonly images?: string;
}

/** @param files what is at work: the one that the error names is asked for, else the first, whose folder `again` is told */
export function otherFolder(
  error: unknown,
  { folders }: Services,
  files: readonly AtWork[],
  again: (found: { readonly images?: string }) => Promise<unknown>,
): ProblemAction[] {
  if (files.length === 0 || !(error instanceof LabelscopeError) || !FOLDER_WRONG.includes(error.code)) return [];
  const names = (path: string | undefined) => path !== undefined && error.message.includes(path);
  const about = files.find(({ annotations }) => names(annotations)) ?? files.find(({ images }) => names(images)) ?? files[0]!;
  const run = async () => {
    const images = await folders.ask(about.annotations);
    await again(about === files[0] ? { images } : {});
  };
  return [{ title: vscode.l10n.t('Choose Image Folder…'), run }];
}
