// The settings of package.json, each with its type. A value of another type counts as not set.
import * as vscode from 'vscode';
import type { ColormapName } from '../protocol/messages';
import type { DeviceChoice, EngineName, RecipeName } from '../protocol/recipe';

interface Settings {
  readonly runsFolder: string;
  readonly recipe: RecipeName;
  readonly recipeSettings: Readonly<Record<string, string | number | boolean>>;
  readonly device: DeviceChoice;
  readonly 'engine.name': EngineName;
  readonly seed: number;
  readonly 'training.outliveWindow': boolean;
  readonly 'engine.startEarly': boolean;
  readonly 'engine.idleMinutes': number;
  readonly 'gradcam.colormap': ColormapName;
  readonly 'gradcam.opacity': number;
  readonly 'labels.compareWithAnnotations': boolean;
}

const FALLBACK: Settings = {
  runsFolder: 'labelscope-runs',
  recipe: 'quick',
  recipeSettings: {},
  device: 'auto',
  'engine.name': 'onnxruntime',
  seed: 0,
  'training.outliveWindow': true,
  'engine.startEarly': true,
  'engine.idleMinutes': 10,
  'gradcam.colormap': 'jet',
  'gradcam.opacity': 0.5,
  'labels.compareWithAnnotations': true,
};

/** Choices are checked where they are used, by the engine; here only the type is. */
export function setting<K extends keyof Settings>(key: K, scope?: vscode.Uri): Settings[K] {
  const value = vscode.workspace.getConfiguration('labelscope', scope).get<unknown>(key);
  return typeof value === typeof FALLBACK[key] && value !== null && value !== '' ? (value as Settings[K]) : FALLBACK[key];
}

export async function changeSetting<K extends keyof Settings>(key: K, value: Settings[K]): Promise<void> {
  await vscode.workspace.getConfiguration('labelscope').update(key, value, vscode.ConfigurationTarget.Global);
}
