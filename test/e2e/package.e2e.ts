// The packaged extension in a VS Code that knows nothing of this project and reaches no network: from the right click to Grad-CAM.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { canIsolate } from '../../src/editor/server';
import { tidyAfter } from './hooks';
import {
  BROWSER,
  contextMenu,
  enterThrough,
  explorerItem,
  NO_BROWSER,
  type Person,
  ready,
  runCommand,
  visit,
  windowWith,
} from './person';
import { packagedExtension, prepareWorkspace, runFolder } from './workspace';

const CAN = BROWSER !== undefined && canIsolate();
const WHY = NO_BROWSER || (CAN ? '' : ' (skipped: this machine cannot cut a process off from its networks)');

describe.skipIf(!CAN)(`the packaged extension${WHY}`, () => {
  let folder: string;
  let person: Person;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-package-'));
    await prepareWorkspace(folder, [], 24);
    person = await visit({ folder, vsix: packagedExtension(), isolated: true });
    await ready(person);
  });
  tidyAfter(() => ({ folder, person }));

  it('reaches no network', async () => {
    const reached = await person.page.evaluate(() =>
      fetch('https://example.com', { mode: 'no-cors' }).then(
        () => true,
        () => false,
      ),
    );
    expect(reached).toBe(false);
  });

  it('trains after a right click', async () => {
    const file = await explorerItem(person, 'annotations', 'instances_train.json');
    await contextMenu(person, file, 'Train Multilabel Model');
    await enterThrough(person, ['Categories to train on', 'Which images judge', 'What learns', 'Where to compute']);
    const panel = await windowWith(person, '[data-card="history"]');
    await panel.locator('.badge', { hasText: 'finished' }).waitFor({ timeout: 180_000 });
    expect(existsSync(join(await runFolder(folder), 'model.onnx'))).toBe(true);
  });

  it('tells the labels of an image and draws where the model looked', async () => {
    await (await explorerItem(person, 'val', 'scene-000001.jpg')).dblclick();
    await runCommand(person, 'Labelscope: Show Predicted Labels');
    const view = await windowWith(person, '.list button.label');
    expect(await view.locator('.score').count()).toBe(12);
    await view.locator('button.label').first().click();
    const editor = await windowWith(person, 'figure canvas');
    await editor.locator('.side button[aria-pressed="true"]').waitFor();
    await editor.locator('figcaption', { hasNotText: 'computing' }).waitFor();
  });

  it('evaluates, and keeps the confusion chart as a picture', async () => {
    await runCommand(person, 'Labelscope: Evaluate Model');
    await enterThrough(person, ['Which model', 'On which images']);
    const panel = await windowWith(person, '#threshold');
    await panel.locator('[data-card="confusion"] button', { hasText: 'SVG' }).click();
    const input = person.page.locator('.quick-input-widget input').first();
    await input.waitFor();
    await person.page.waitForTimeout(500);
    const out = await input.inputValue();
    expect(out).toMatch(/confusion\.svg$/);
    await person.page.keyboard.press('Enter');
    for (let trial = 0; trial < 50 && !existsSync(out); trial++) await person.page.waitForTimeout(200);
    expect(await readFile(out, 'utf8')).toMatch(/^<svg[^]*right[^]*missed[^]*false alarm/);
  });

  it('complains of nothing', () => {
    expect(person.complaints).toEqual([]);
  });
});
