// A COCO file that is open as text: its faults are marked where they stand, and repaired into a new file.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { FixResult, SplitResult } from '../../../src/protocol/health';
import { api, inWorkspace } from './support';

const { executeCommand } = vscode.commands;

describe('what is wrong with an annotation file', () => {
  let good: string;
  let file: vscode.Uri;
  let document: vscode.TextDocument;

  before(async () => {
    const sample = await (await api()).createSample(inWorkspace('diagnosed'), 12);
    good = await readFile(sample.trainAnnotations, 'utf8');
    file = vscode.Uri.file(join(dirname(sample.trainAnnotations), 'instances_faulty.json'));
    await writeFile(file.fsPath, good.replace('"image_id":', '"image_id": 4711, "was":'));
  });

  it('is marked in the editor, at its place', async () => {
    document = await vscode.workspace.openTextDocument(file);
    await vscode.window.showTextDocument(document);
    const [mark] = await marks(1);
    equal(mark!.code, 'annotation-without-image');
    equal(mark!.severity, vscode.DiagnosticSeverity.Error);
    equal(document.getText(mark!.range), '4711');
  });

  it('is repaired by a quick fix, in a new file', async () => {
    const [mark] = await marks(1);
    const offered = async () => {
      const actions = await executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', file, mark!.range);
      return actions.filter(({ command }) => command?.command === 'labelscope.fixAnnotations');
    };
    // The window, which says what is marked where, hears of a mark a moment after this host. The test's time limit ends it.
    let own = await offered();
    while (own.length === 0) {
      await new Promise((wake) => setTimeout(wake, 20));
      own = await offered();
    }
    equal(own.length, 2);
    const before = await readFile(file.fsPath, 'utf8');
    const { path, fixed } = await executeCommand<FixResult>(
      'labelscope.fixAnnotations',
      ...(own[0]!.command!.arguments as unknown[]),
    );
    equal(path, file.fsPath.replace('.json', '.fixed.json'));
    deepEqual(fixed, { 'annotation-without-image': 1 });
    equal(await readFile(file.fsPath, 'utf8'), before);
    const count = (text: string) => (JSON.parse(text) as { annotations: unknown[] }).annotations.length;
    equal(count(await readFile(path, 'utf8')), count(good) - 1);
  });

  it('is marked no longer while the text is changed, and again when it is saved', async () => {
    const edit = new vscode.WorkspaceEdit();
    edit.insert(file, new vscode.Position(0, 0), '\n');
    await vscode.workspace.applyEdit(edit);
    await marks(0);
    await document.save();
    const [mark] = await marks(1);
    equal(document.getText(mark!.range), '4711');
  });

  it('does not keep a file from being split', async () => {
    const parts = { kind: 'fraction', fraction: 0.25 } as const;
    const options = { parts, out: inWorkspace('diagnosed', 'parts') };
    const { files, leftOut } = await executeCommand<SplitResult>('labelscope.splitDataset', file, options);
    equal(files.length, 2);
    ok(files.every(({ images }) => images >= 3));
    equal(files[0]!.images + files[1]!.images, 12);
    equal(leftOut, 1);
  });

  /** Waits until the file has so many marks of ours. The test's time limit ends it. */
  async function marks(count: number): Promise<vscode.Diagnostic[]> {
    for (;;) {
      const own = vscode.languages.getDiagnostics(file).filter(({ source }) => source === 'Labelscope');
      if (own.length === count) return own;
      ok(own.length <= 1, own.map(({ message }) => message).join('\n'));
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }
});
