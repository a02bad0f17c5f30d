// What the commands work with, made once when the extension starts.
import type * as vscode from 'vscode';
import type { CocoFiles } from './coco-files';
import type { Supervisor } from './engine';
import type { ImageFolders } from './image-folders';
import type { Labels } from './labels';
import type { Models } from './models';
import type { Runs } from './runs';
import type { ActiveImage } from './active-image';
import type { ImageEditors } from './windows/image-editor';
import type { Panels } from './windows/panels';

export interface Services {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly engine: Supervisor;
  readonly folders: ImageFolders;
  readonly coco: CocoFiles;
  readonly runs: Runs;
  readonly models: Models;
  readonly labels: Labels;
  readonly active: ActiveImage;
  readonly images: ImageEditors;
  readonly datasets: Panels;
  readonly trainings: Panels;
  readonly evaluations: Panels;
  readonly reviews: Panels;
  readonly comparisons: Panels;
}
