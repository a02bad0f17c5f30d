// The extension starts, keeps the manifest's promises, and loads nothing native into its host.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { api, extension } from './support';

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly default: unknown }>> };
  };
}

const { contributes } = extension().packageJSON as Manifest;

describe('activation', () => {
  it('answers the public API, version 1', async () => {
    const answered = await api();
    equal(answered.version, 1);
    ok(extension().isActive);
  });

  it('registers every command of the manifest', async () => {
    await api();
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = contributes.commands.filter(({ command }) => !registered.has(command));
    deepEqual(missing, []);
    ok(contributes.commands.length > 20);
  });

  it('has a command to focus each of its views', async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    const views = Object.values(contributes.views).flat();
    ok(views.length > 0);
    deepEqual(
      views.filter(({ id }) => !registered.has(`${id}.focus`)),
      [],
    );
  });

  it('gives every setting its default', () => {
    const settings = vscode.workspace.getConfiguration();
    for (const [key, { default: value }] of Object.entries(contributes.configuration.properties))
      deepEqual(settings.inspect(key)?.defaultValue, value, key);
  });

  it('loads neither ONNX Runtime nor sharp into the extension host', async () => {
    await api();
    const native = Object.keys(require.cache).filter((path) => /onnxruntime|[\\/]sharp[\\/]|[\\/]@img[\\/]/.test(path));
    deepEqual(native, []);
  });
});
