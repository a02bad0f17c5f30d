// What the evaluation panel asks about where its model looks: to measure it, and to see a map over its image.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { readLooking } from '../../engine/client/looking';
import { LabelscopeError } from '../../protocol/errors';
import type { EvaluateResult } from '../../protocol/messages';
import type { Supervisor } from '../engine';
import type { Look } from '../first-look';
import type { Models } from '../models';
import { checkTrust } from '../problems';
import { setting } from '../settings';
import { inNotification, timed } from '../tasks';
import type { ShowMaps } from './labels-view';

/** How an image is shown with maps: the image editor's are of the chosen model. */
export interface Shower {
  readonly models: Models;
  readonly show: ShowMaps;
}

interface Around {
  readonly engine: Supervisor;
  readonly shower: Shower;
  /** Runs what writes into the model's folder, and tells the windows. */
  readonly change: (work: () => Promise<unknown>) => Promise<null>;
  readonly evaluated: () => Promise<EvaluateResult>;
}

export function lookingCalls(folder: string, { engine, shower, change, evaluated }: Around) {
  return {
    measureLooking: ({ what }: { readonly what: 'pointing' | 'sanity' }) => {
      const method = what === 'sanity' ? 'sanity' : 'pointing';
      return change(async () => {
        const params = { model: folder, device: setting('device'), ...givenOf(await evaluated()) };
        return inNotification(titleOf(method, folder), (task) =>
          engine.request(method, params, { signal: task.signal, onProgress: timed(task) }),
        );
      });
    },
    showMap: async ({ file, category }: Look) => {
      checkTrust();
      const { pointing } = await readLooking(folder);
      if (!pointing?.cases.some((one) => one.file === file && one.category === category))
        throw new LabelscopeError('image-unknown', vscode.l10n.t('{0} was not looked at with {1}.', file, category));
      await showOwnMap(folder, shower, { file, category });
      return null;
    },
  };
}

/** An image with the map of the model in this folder: where another one is chosen, this one is from now on. */
export async function showOwnMap(folder: string, { models, show }: Shower, { file, category }: Look): Promise<void> {
  if ((await models.current())?.model.folder !== folder) await models.pin(folder);
  await show(file, [category]);
}

/** The images that the evaluation was made on: the run's own are found by the engine. */
function givenOf({ split, annotations }: EvaluateResult): { readonly annotations?: string } {
  return split === 'given' ? { annotations } : {};
}

function titleOf(method: 'pointing' | 'sanity', folder: string): string {
  return method === 'pointing'
    ? vscode.l10n.t('Measuring where {0} looks', basename(folder))
    : vscode.l10n.t('Checking the maps of {0}', basename(folder));
}
