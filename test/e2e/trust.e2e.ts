// A folder that the person does not trust: its data can be looked at, and nothing else is offered.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { tidyAfter } from './hooks';
import { BROWSER, contextMenu, explorerItem, NO_BROWSER, type Person, ready, runCommand, visit, windowWith } from './person';
import { packagedExtension, prepareWorkspace } from './workspace';

describe.skipIf(BROWSER === undefined)(`a folder that is not trusted${NO_BROWSER}`, () => {
  let folder: string;
  let person: Person;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-trust-'));
    await prepareWorkspace(folder, ['stranger'], 24);
    person = await visit({ folder, asksForTrust: true, vsix: packagedExtension() });
    await ready(person);
    await person.page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor();
    // The oldest VS Code asks, after a while; the newest does not.
    const refuse = person.page.locator('.monaco-dialog-box .monaco-button', { hasText: "No, I don't trust the authors" });
    await refuse.click({ timeout: 10_000 }).catch(() => undefined);
  });
  tidyAfter(() => ({ folder, person }));

  it('shows the report of its data', async () => {
    const file = await explorerItem(person, 'annotations', 'instances_train.json');
    await contextMenu(person, file, 'Show Dataset Report');
    const panel = await windowWith(person, '[data-card="co-occurrence"]');
    expect(await panel.locator('.tile', { hasText: 'Images' }).first().locator('dd').textContent()).toBe('24');
  });

  it('offers neither training nor the model that lies in the folder', async () => {
    const file = await explorerItem(person, 'annotations', 'instances_train.json');
    await file.click({ button: 'right' });
    const train = person.page.locator('.monaco-menu .action-item', { hasText: 'Train Multilabel Model' }).first();
    await train.waitFor();
    expect(await train.getAttribute('class')).toContain('disabled');
    await person.page.keyboard.press('Escape');
    await (await explorerItem(person, 'val', 'scene-000001.jpg')).dblclick();
    const editor = await windowWith(person, '.side, .notice');
    await editor.getByText(/trusted workspaces only/).waitFor();
    expect(await editor.locator('.score').count()).toBe(0);
  });

  it('opens no model from a panel of numbers either', async () => {
    await runCommand(person, 'Labelscope: Open Evaluation Panel');
    const panel = await windowWith(person, '#threshold');
    await panel.locator('[data-tile="micro-f1"] button').click();
    await panel.locator('[data-action="explain"]').click();
    await panel
      .getByText(/only looks at data in a workspace that is not trusted/)
      .first()
      .waitFor();
    expect(await panel.locator('canvas.heat:not([hidden])').count()).toBe(0);
  });

  it('tells the labels as soon as the folder is trusted', async () => {
    await runCommand(person, 'Workspaces: Manage Workspace Trust');
    await person.page.locator('.workspace-trust-editor .monaco-button', { hasText: 'Trust' }).first().click();
    await person.page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor({ state: 'detached' });
    // The newest VS Code asks in a window before the others.
    const asking = person.page.locator('.monaco-modal-editor-block');
    if (await asking.isVisible()) await asking.locator('.codicon-close').first().click();
    await person.page.locator('.tab', { hasText: 'scene-000001.jpg' }).click();
    const editor = await windowWith(person, '.score');
    expect(await editor.locator('.score').count()).toBeGreaterThan(0);
  });
});
