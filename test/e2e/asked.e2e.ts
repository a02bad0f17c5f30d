// The question that a tool for language models asks, in VS Code's own dialog: another extension calls the tools, outside a chat and outside a test's window,
// which show no dialogs.
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { beforeAll, describe, expect, it } from 'vitest';
import { tidyAfter } from './hooks';
import { BROWSER, NO_BROWSER, type Person, ready, runCommand, visit } from './person';
import { packagedExtension, prepareWorkspace } from './workspace';

const CALLER = `
const { readFileSync, writeFileSync } = require('node:fs');
const vscode = require('vscode');
exports.activate = ({ subscriptions }) => {
  subscriptions.push(vscode.commands.registerCommand('caller.call', async (folder = vscode.workspace.workspaceFolders[0].uri.fsPath) => {
    const { name, input } = JSON.parse(readFileSync(folder + '/call.json', 'utf8'));
    const answer = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined }).then(
      ({ content }) => ({ told: content.map(({ value }) => value).join('') }),
      (error) => ({ error: error.name + ': ' + error.message }),
    );
    writeFileSync(folder + '/answer.json', JSON.stringify(answer));
  }));
};
`;

async function packagedCaller(folder: string): Promise<string> {
  await mkdir(folder);
  const manifest = {
    ...{ name: 'caller', publisher: 'test', version: '1.0.0', main: './main.js', engines: { vscode: '^1.100.0' } },
    activationEvents: [],
    contributes: { commands: [{ command: 'caller.call', title: 'Call the Tool' }] },
  };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'main.js'), CALLER);
  await writeFile(join(folder, 'README.md'), 'Calls tools.');
  const packagePath = join(folder, 'caller.vsix');
  await createVSIX({ cwd: folder, packagePath, dependencies: false, allowMissingRepository: true, skipLicense: true });
  return packagePath;
}

/** A chat shows Markdown, in which escaped signs are themselves; the dialog shows the escapes. */
const plain = (asked: string) => asked.replaceAll('\\', '');

describe.skipIf(BROWSER === undefined)(`tools for language models${NO_BROWSER}`, () => {
  let folder: string;
  let person: Person;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-asked-'));
    const workspace = join(folder, 'workspace');
    await prepareWorkspace(workspace, ['quick'], 12);
    const other = await packagedCaller(join(folder, 'caller'));
    person = await visit({ folder: workspace, vsix: packagedExtension(), other });
    await ready(person);
  });
  tidyAfter(() => ({ folder, person }));

  /** What the person is asked, and what the caller hears after the answer. */
  const call = async (name: string, input: object, answer: 'Yes' | 'Cancel') => {
    await writeFile(join(person.folder, 'call.json'), JSON.stringify({ name, input }));
    await writeFile(join(person.folder, 'answer.json'), '');
    await runCommand(person, 'Call the Tool');
    const dialog = person.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    const asked = await dialog.locator('.dialog-message-container').innerText();
    const elements = await dialog.locator('.dialog-message-container').locator('a, b, strong, em, img, code').count();
    await dialog.locator('.monaco-button', { hasText: answer }).click();
    await expect.poll(() => readFile(join(person.folder, 'answer.json'), 'utf8'), { timeout: 60_000 }).not.toBe('');
    const heard = JSON.parse(await readFile(join(person.folder, 'answer.json'), 'utf8')) as { told?: string; error?: string };
    return { asked, elements, heard };
  };

  it('tell only after a yes', async () => {
    const refused = await call('labelscope_runs', {}, 'Cancel');
    expect(refused.asked).toContain('Tell the language model the runs and models of this workspace');
    expect(refused.heard).toEqual({ error: expect.stringMatching(/^Canceled/) as string });
    const { heard } = await call('labelscope_runs', {}, 'Yes');
    expect(JSON.parse(heard.told!)).toMatchObject({ runs: [{ name: 'quick', status: 'finished' }] });
  });

  it('ask about files by names that stand as text, whatever is in them', async () => {
    const hostile = [
      '**x**.jpg',
      '[y](command:workbench.action.closeWindow).jpg',
      '<img src=z>.jpg',
      'a\u202egpj.exe',
      '`q`.jpg',
    ];
    const { asked, elements, heard } = await call(
      'labelscope_predict',
      { files: [...hostile, 'more.jpg'], run: '_r_' },
      'Cancel',
    );
    for (const part of [
      '**x**.jpg',
      '[y](command:workbench.action.closeWindow).jpg',
      '<img src=z>.jpg',
      '`q`.jpg',
      '1 more',
      '_r_',
    ])
      expect(plain(asked)).toContain(part);
    expect(asked).not.toContain('\u202e');
    expect(elements).toBe(0);
    expect(heard).toEqual({ error: expect.stringMatching(/^Canceled/) as string });
  });

  it('say which run is judged', async () => {
    const { asked, heard } = await call('labelscope_metrics', { run: 'quick' }, 'Yes');
    expect(asked).toContain('Tell the language model how well "quick" does');
    expect(JSON.parse(heard.told!)).toMatchObject({ name: 'quick', micro: { f1: expect.any(Number) as number } });
  });
});
