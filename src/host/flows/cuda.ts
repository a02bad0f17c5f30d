// ONNX Runtime's CUDA provider, added and taken away.
import * as vscode from 'vscode';
import { whyNoCuda } from '../../platform';
import { LabelscopeError } from '../../protocol/errors';
import type { InstallResult, RemoveResult } from '../../protocol/install';
import type { Services } from '../services';
import { add, takeAway } from './additions';
import { chooseOne, inTurn } from './steps';

/** @throws CancellationError; LabelscopeError */
export async function addCuda(services: Services): Promise<InstallResult> {
  const against = whyNoCuda();
  if (against !== undefined) throw new LabelscopeError('install-unsupported', against);
  const from = await askFrom();
  return add(services, vscode.l10n.t('Adding CUDA support'), { what: 'cuda', ...(from !== undefined && { from }) });
}

/** @throws CancellationError; LabelscopeError */
export function removeCuda(services: Services): Promise<RemoveResult> {
  const detail = vscode.l10n.t('Labelscope then uses WebGPU or the processor. It can be added again.');
  return takeAway(services, { what: 'cuda', question: vscode.l10n.t('Remove CUDA support?'), detail });
}

/** A folder, or undefined where ONNX Runtime's installer is to fetch the files. */
async function askFrom(): Promise<string | undefined> {
  const fetched = {
    label: vscode.l10n.t('Fetch it'),
    detail: vscode.l10n.t(
      "ONNX Runtime's own installer fetches its CUDA provider, several hundred megabytes, into Labelscope's cache folder. It needs CUDA 12 and cuDNN 9.",
    ),
    value: 'fetch',
  } as const;
  const folder = {
    label: vscode.l10n.t('From a folder…'),
    detail: vscode.l10n.t("A folder with the CUDA provider of ONNX Runtime's GPU package; nothing is fetched."),
    value: 'folder',
  } as const;
  let source = 'folder' as 'fetch' | 'folder';
  await inTurn(vscode.l10n.t('Add CUDA Support'), [
    async (place) => {
      const placeholder = vscode.l10n.t('Where from?');
      source = await chooseOne<'fetch' | 'folder'>(place, { placeholder, choices: [fetched, folder] });
    },
  ]);
  if (source === 'fetch') return undefined;
  const [chosen] =
    (await vscode.window.showOpenDialog({
      canSelectFolders: true,
      canSelectFiles: false,
      title: vscode.l10n.t('Add CUDA Support'),
    })) ?? [];
  if (!chosen) throw new vscode.CancellationError();
  return chosen.fsPath;
}
