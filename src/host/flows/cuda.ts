// ONNX Runtime's CUDA provider, added and taken away: asked before, told while, undone on request.
import * as vscode from 'vscode';
import type { InstallProgress, InstallResult, RemoveResult } from '../../protocol/install';
import type { Services } from '../services';
import { inNotification } from '../tasks';
import { chooseOne, inTurn } from './steps';

/** What ONNX Runtime's installer has files for. */
const FETCHED_ON = 'linux-x64';

/** @throws CancellationError; LabelscopeError */
export async function addCuda({ engine }: Services): Promise<InstallResult> {
  const from = await askFrom();
  const result = await inNotification(vscode.l10n.t('Adding CUDA support'), ({ signal, report }) => {
    const onProgress = ({ stage, bytes }: InstallProgress) => {
      const size = (bytes / 1e6).toFixed(0);
      report(0, stage === 'fetching' ? vscode.l10n.t('{0} MB fetched', size) : vscode.l10n.t('checking'));
    };
    return engine.request('install', { what: 'cuda', ...(from !== undefined && { from }) }, { signal, onProgress });
  });
  await engine.restart();
  return result;
}

/** @throws CancellationError; LabelscopeError */
export async function removeCuda({ engine }: Services): Promise<RemoveResult> {
  const yes = vscode.l10n.t('Remove');
  const words = vscode.l10n.t('Remove CUDA support?');
  const detail = vscode.l10n.t('Labelscope then uses WebGPU or the processor. It can be added again.');
  if ((await vscode.window.showWarningMessage(words, { modal: true, detail }, yes)) !== yes) throw new vscode.CancellationError();
  // A library that is loaded cannot be deleted on Windows.
  await engine.restart();
  const result = await engine.request('remove', { what: 'cuda' });
  await engine.restart();
  return result;
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
      const choices = `${process.platform}-${process.arch}` === FETCHED_ON ? [fetched, folder] : [folder];
      source = await chooseOne<'fetch' | 'folder'>(place, { placeholder: vscode.l10n.t('Where from?'), choices });
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
