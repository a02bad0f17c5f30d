// The tools for language models, called as another extension calls them. Outside a chat VS Code asks nobody: what it asks in one is not seen here.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { LabelscopeApi } from '../../../src/host/api';
import { api, inWorkspace, jsonOf } from './support';

async function call(name: string, input: object): Promise<Record<string, unknown>> {
  const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
  const [part] = content;
  ok(part instanceof vscode.LanguageModelTextPart);
  return JSON.parse(part.value) as Record<string, unknown>;
}

describe('tools for language models', () => {
  let labelscope: LabelscopeApi;
  let run: string;

  before(async () => {
    labelscope = await api();
    const { trainAnnotations: annotations } = await labelscope.createSample(inWorkspace('for-tools'), 12);
    run = inWorkspace('labelscope-runs', 'for-tools');
    await labelscope.train(annotations, { run, device: 'cpu', settings: { epochs: 10 } }).done;
    await labelscope.evaluate(run);
  });

  it('are known to VS Code, each with what it is for and what it takes', () => {
    const own = vscode.lm.tools.filter(({ name }) => name.startsWith('labelscope_'));
    deepEqual(own.map(({ name }) => name).sort(), ['labelscope_metrics', 'labelscope_predict', 'labelscope_runs']);
    for (const { description, inputSchema } of own) ok(description.length > 40 && inputSchema);
  });

  it('tell the runs, and the numbers of one of them', async () => {
    const { runs } = (await call('labelscope_runs', {})) as { runs: { folder: string; evaluation: { mAP: number } | null }[] };
    deepEqual(
      runs.map(({ folder }) => folder),
      (await labelscope.runs()).map(({ folder }) => folder),
    );
    const { evaluation } = (await labelscope.runs()).find(({ folder }) => folder === run)!;
    equal(runs.find(({ folder }) => folder === run)!.evaluation!.mAP, evaluation!.mAP);
    const numbers = await call('labelscope_metrics', { run: 'for-tools' });
    deepEqual(numbers.micro, evaluation!.micro);
    deepEqual(numbers.perCategory, evaluation!.perCategory);
    await rejects(call('labelscope_metrics', { run: 'nobody' }), /There is no run or model called nobody/);
  });

  it('refuse what is not as their schema says, in words that lead on', async () => {
    const some = Array.from({ length: 101 }, (_, k) => `${k}.jpg`);
    for (const files of [undefined, 'a.jpg', [], [1], [null], some, { length: 1 }])
      await rejects(call('labelscope_predict', { files }), /"files" has to be a list of 1 to 100 paths/);
    for (const run of [1, {}, ['for-tools'], null]) {
      await rejects(call('labelscope_metrics', { run }), /"run" has to be the name or folder/);
      await rejects(call('labelscope_predict', { files: ['a.jpg'], run }), /"run" has to be the name or folder/);
    }
    for (const run of ['', '__proto__', '../for-tools', '**for-tools**'])
      await rejects(call('labelscope_metrics', { run }), /There is no run or model called/);
  });

  it('predict files of the workspace, and no others', async () => {
    const annotations = inWorkspace('for-tools', 'annotations', 'instances_val.json');
    const { imageFolder } = await labelscope.inspect(annotations);
    const { images: known } = await jsonOf<{ images: { file_name: string }[] }>(annotations);
    const file = join(imageFolder!, known[0]!.file_name);
    const { images } = (await call('labelscope_predict', {
      files: [vscode.workspace.asRelativePath(file, false)],
      run: 'for-tools',
    })) as {
      images: { scores: object }[];
    };
    const [own] = await labelscope.predict([file], run);
    deepEqual(images[0]!.scores, own!.scores);
    await rejects(call('labelscope_predict', { files: ['/etc/hostname'] }), /no file of this workspace/);
    for (const file of ['../../etc/hostname', 'no\0thing.jpg', '', '~/x.jpg', `${'a'.repeat(5000)}.jpg`])
      await rejects(call('labelscope_predict', { files: [file] }), /no file of this workspace|1 to 100 paths/);
    await symlink(tmpdir(), inWorkspace('elsewhere'));
    await rejects(call('labelscope_predict', { files: ['elsewhere'] }), (error: Error) => {
      match(error.message, /no file of this workspace/);
      return true;
    });
  });
});
