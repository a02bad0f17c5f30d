// Tasks of the type `labelscope`, as VS Code's own task system offers and runs them, and the problems that their matcher finds.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { api, inWorkspace } from './support';

const TRAIN = { label: 'short', type: 'labelscope', annotations: 'for-tasks/annotations/instances_train.json' };
const BROKEN = { label: 'broken', type: 'labelscope', annotations: 'for-tasks/none.json' };

/** Of tasks.json: VS Code takes a moment to read it. */
async function taskCalled(name: string): Promise<vscode.Task> {
  for (;;) {
    const found = (await vscode.tasks.fetchTasks({ type: 'labelscope' })).find((task) => task.name === name);
    if (found) return found;
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

/** Its exit code. */
async function run(task: vscode.Task): Promise<number | undefined> {
  const ended = new Promise<number | undefined>((done) => {
    const listening = vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
      if (execution.task.name !== task.name) return;
      listening.dispose();
      done(exitCode);
    });
  });
  await vscode.tasks.executeTask(task);
  return ended;
}

describe('tasks', () => {
  before(async () => {
    const labelscope = await api();
    await labelscope.createSample(inWorkspace('for-tasks'), 12);
    await mkdir(inWorkspace('.vscode'), { recursive: true });
    const more = ['--recipe', 'best', '--set', 'epochs=3', '--device', 'cpu'];
    const tasks = [{ ...TRAIN, arguments: more }, BROKEN];
    await writeFile(inWorkspace('.vscode', 'tasks.json'), JSON.stringify({ version: '2.0.0', tasks }));
  });
  after(async () => {
    await rm(inWorkspace('.vscode', 'tasks.json'), { force: true });
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });

  it('are offered for every annotation file of the workspace', async () => {
    const found = (verb: string) => (task: vscode.Task) =>
      task.definition.verb === verb && task.definition.annotations === TRAIN.annotations;
    // The extension sees new files a moment after they were written.
    let offered: vscode.Task[] = [];
    while (!offered.some(found('train'))) offered = await vscode.tasks.fetchTasks({ type: 'labelscope' });
    ok(offered.some(found('inspect')));
    deepEqual(offered.find(found('train'))!.problemMatchers, ['$labelscope']);
  });

  it('train as tasks.json says, into the run folder of the settings', async () => {
    equal(await run(await taskCalled('short')), 0);
    const labelscope = await api();
    const done = async () =>
      (await labelscope.runs()).find(({ record, status }) => record?.recipe.epochs === 3 && status === 'finished');
    let found = await done();
    // The Runs view sees what another process writes a moment later.
    for (; !found; found = await done()) await new Promise((wake) => setTimeout(wake, 100));
    equal(found.record?.recipe.recipe, 'best');
    equal(join(found.folder, '..'), inWorkspace('labelscope-runs'));
  });

  it('put what went wrong into the Problems view, at the file', async () => {
    equal(await run(await taskCalled('broken')), 1);
    const uri = vscode.Uri.file(inWorkspace('for-tasks', 'none.json'));
    let found = vscode.languages.getDiagnostics(uri);
    while (found.length === 0) {
      await new Promise((wake) => setTimeout(wake, 100));
      found = vscode.languages.getDiagnostics(uri);
    }
    deepEqual(
      found.map(({ severity, source }) => [severity, source]),
      [[vscode.DiagnosticSeverity.Error, 'Labelscope']],
    );
    ok(found[0]!.message.includes(uri.fsPath));
  });
});
