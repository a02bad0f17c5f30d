// What goes wrong: an error with a code through the API, a notification and no exception through a command.
import { equal, match, rejects } from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { LabelscopeApi } from '../../../src/host/api';
import { api, inWorkspace, tabTitled } from './support';

const BROKEN = '{ "images": [ { "id": 1, "file_name": "a.jpg" }, ], "annotations": []';

describe('problems', () => {
  let labelscope: LabelscopeApi;
  let file: string;

  before(async () => {
    labelscope = await api();
    await mkdir(inWorkspace('broken'), { recursive: true });
    file = inWorkspace('broken', 'instances_broken.json');
    await writeFile(file, BROKEN);
  });

  it('rejects with a code and a message that names the file', async () => {
    await rejects(labelscope.inspect(file), (error: Error & { readonly code?: string }) => {
      equal(error.code, 'json-syntax');
      match(error.message, /instances_broken\.json/);
      return true;
    });
  });

  it('says that an annotation file is missing', async () => {
    await rejects(labelscope.inspect(inWorkspace('broken', 'nowhere.json')), { code: 'file-missing' });
  });

  it('leaves no run behind when training cannot begin', async () => {
    const before = await labelscope.runs();
    await rejects(labelscope.train(file).done, { code: 'json-syntax' });
    equal((await labelscope.runs()).length, before.length);
  });

  it('a command on a broken file throws nothing and opens the panel, which says why', async () => {
    const folder = await vscode.commands.executeCommand<string>('labelscope.train', vscode.Uri.file(file), { recipe: 'quick' });
    match(folder, /labelscope-runs/);
    equal((await tabTitled(basename(folder))).isActive, true);
  });

  it('a command that cannot be done answers nothing once its notification is dismissed', async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    equal(await dismissUntil(vscode.commands.executeCommand('labelscope.explainImage')), undefined);
  });
});

/** A notification's promise settles when it is closed. */
async function dismissUntil<T>(answered: Thenable<T>): Promise<T> {
  const timer = setInterval(() => void vscode.commands.executeCommand('notifications.clearAll'), 200);
  try {
    return await answered;
  } finally {
    clearInterval(timer);
  }
}
