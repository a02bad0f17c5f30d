// TensorFlow.js for the second engine, added and taken away.
import * as vscode from 'vscode';
import type { InstallResult, RemoveResult, TensorFlowVariant } from '../../protocol/install';
import type { Services } from '../services';
import { add, takeAway } from './additions';
import { chooseOne, inTurn } from './steps';

/** @throws CancellationError; LabelscopeError */
export async function addTensorFlow(services: Services): Promise<InstallResult> {
  const what = await askKind();
  return add(services, vscode.l10n.t('Adding TensorFlow.js'), { what });
}

/** @throws CancellationError; LabelscopeError */
export function removeTensorFlow(services: Services): Promise<RemoveResult> {
  const detail = vscode.l10n.t('The engine onnxruntime stays. It can be added again.');
  return takeAway(services, { what: 'tensorflow', question: vscode.l10n.t('Remove TensorFlow.js?'), detail });
}

async function askKind(): Promise<TensorFlowVariant> {
  const choices = [
    {
      label: vscode.l10n.t('For the processor'),
      detail: vscode.l10n.t(
        "npm fetches @tensorflow/tfjs-node and pip a wheel of TensorFlow 2.15, about 300 MB; a C++ compiler puts them together in Labelscope's cache folder (0.9 GB), with Node's headers, which are fetched from Node's site where the machine has none.",
      ),
      value: 'tensorflow',
    },
    {
      label: vscode.l10n.t('For NVIDIA cards'),
      detail: vscode.l10n.t(
        "npm fetches @tensorflow/tfjs-node-gpu and pip a wheel of TensorFlow 2.18, about 700 MB; a C++ compiler puts them together in Labelscope's cache folder (1.5 GB), with Node's headers, which are fetched from Node's site where the machine has none. It needs CUDA 12 and cuDNN 9.",
      ),
      value: 'tensorflow-gpu',
    },
  ] as const;
  let kind: TensorFlowVariant = 'tensorflow';
  await inTurn(vscode.l10n.t('Add TensorFlow.js'), [
    async (place) => {
      kind = await chooseOne<TensorFlowVariant>(place, { placeholder: vscode.l10n.t('What is it to compute on?'), choices });
    },
  ]);
  return kind;
}
