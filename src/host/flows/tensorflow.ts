// TensorFlow.js for the second engine, added and taken away: asked before, told while, undone on request.
import * as vscode from 'vscode';
import type { Installable, InstallProgress, InstallResult, RemoveResult } from '../../protocol/install';
import type { Services } from '../services';
import { inNotification } from '../tasks';
import { chooseOne, inTurn } from './steps';

type Kind = Exclude<Installable, 'cuda'>;

/** @throws CancellationError; LabelscopeError */
export async function addTensorFlow({ engine }: Services): Promise<InstallResult> {
  const what = await askKind();
  const result = await inNotification(vscode.l10n.t('Adding TensorFlow.js'), ({ signal, report }) => {
    const onProgress = ({ stage, bytes }: InstallProgress) => report(0, wordsOf(stage, bytes));
    return engine.request('install', { what }, { signal, onProgress });
  });
  await engine.restart();
  return result;
}

/** @throws CancellationError; LabelscopeError */
export async function removeTensorFlow({ engine }: Services): Promise<RemoveResult> {
  const yes = vscode.l10n.t('Remove');
  const words = vscode.l10n.t('Remove TensorFlow.js?');
  const detail = vscode.l10n.t('The engine onnxruntime stays. It can be added again.');
  if ((await vscode.window.showWarningMessage(words, { modal: true, detail }, yes)) !== yes) throw new vscode.CancellationError();
  await engine.restart();
  const result = await engine.request('remove', { what: 'tensorflow' });
  await engine.restart();
  return result;
}

function wordsOf(stage: InstallProgress['stage'], bytes: number): string {
  if (stage === 'fetching') return vscode.l10n.t('{0} MB fetched', (bytes / 1e6).toFixed(0));
  return stage === 'building' ? vscode.l10n.t('compiling') : vscode.l10n.t('checking');
}

async function askKind(): Promise<Kind> {
  const choices = [
    {
      label: vscode.l10n.t('For the processor'),
      detail: vscode.l10n.t(
        "npm fetches @tensorflow/tfjs-node and pip a wheel of TensorFlow 2.15, about 300 MB; a C++ compiler puts them together in Labelscope's cache folder (0.9 GB).",
      ),
      value: 'tensorflow',
    },
    {
      label: vscode.l10n.t('For NVIDIA cards'),
      detail: vscode.l10n.t(
        "npm fetches @tensorflow/tfjs-node-gpu and pip a wheel of TensorFlow 2.18, about 700 MB; a C++ compiler puts them together in Labelscope's cache folder. It needs CUDA 12 and cuDNN 9.",
      ),
      value: 'tensorflow-gpu',
    },
  ] as const;
  let kind: Kind = 'tensorflow';
  await inTurn(vscode.l10n.t('Add TensorFlow.js'), [
    async (place) => {
      kind = await chooseOne<Kind>(place, { placeholder: vscode.l10n.t('What is it to compute on?'), choices });
    },
  ]);
  return kind;
}
