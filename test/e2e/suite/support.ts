// What every test in the extension host needs: the extension's public API and the workspace's folder.
import { ok } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { LabelscopeApi } from '../../../src/host/api';

export function extension(): vscode.Extension<LabelscopeApi> {
  const found = vscode.extensions.getExtension<LabelscopeApi>('labelscope.labelscope');
  ok(found, 'the extension under development is not there');
  return found;
}

export async function api(): Promise<LabelscopeApi> {
  return extension().activate();
}

/** A path in the folder that is open. */
export function inWorkspace(...parts: readonly string[]): string {
  const folder = vscode.workspace.workspaceFolders?.[0];
  ok(folder, 'no folder is open');
  return join(folder.uri.fsPath, ...parts);
}

export async function jsonOf<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

/** Sets a setting of the workspace; undefined removes it. */
export async function set(key: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration('labelscope').update(key, value, vscode.ConfigurationTarget.Workspace);
}

/** Waits until an editor tab with this in its title is there: tabs appear a moment after their panels. The test's time limit ends it. */
export async function tabTitled(part: string): Promise<vscode.Tab> {
  for (;;) {
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const found = tabs.find(({ label }) => label.includes(part));
    if (found) return found;
    await new Promise((wake) => setTimeout(wake, 20));
  }
}
