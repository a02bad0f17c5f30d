// A folder with nothing in it: every command and view says what is missing and leads on.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { tidyAfter } from './hooks';
import { BROWSER, NO_BROWSER, notification, type Person, ready, runCommand, visit, windowWith } from './person';

const TRAIN = ['Train a Model', 'Create Sample Data Set'];

describe.skipIf(BROWSER === undefined)(`an empty folder${NO_BROWSER}`, () => {
  let folder: string;
  let person: Person;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-empty-'));
    person = await visit({ folder });
    await ready(person);
  });
  tidyAfter(() => ({ folder, person }));

  it.each([
    ['Evaluate Model', 'There is no model yet', TRAIN],
    ['Open Training Panel', 'There is no training run yet', TRAIN],
    ['Resume Training', 'there is none to resume', TRAIN],
    ['Compare Runs', 'There is no model yet', TRAIN],
    ['Delete to Trash', 'There is no model yet', TRAIN],
    ['Export ONNX Model…', 'There is no model yet', TRAIN],
    ['Show Grad-CAM', 'Open an image first', ['Find an Image…']],
  ])('%s says what leads on', async (command, words, ways) => {
    await runCommand(person, `Labelscope: ${command}`);
    const told = await notification(person, words);
    const buttons = told.locator('.notification-list-item-buttons-container .monaco-button');
    expect(await buttons.allTextContents()).toEqual(ways);
    await runCommand(person, 'Notifications: Clear All Notifications');
  });

  it.each(['Train Multilabel Model', 'Show Dataset Report', 'Review Labels…'])(
    '%s offers the sample where there is no annotation file',
    async (command) => {
      await runCommand(person, `Labelscope: ${command}`);
      await person.page.locator('.quick-input-widget input[placeholder*="No COCO annotation file"]').waitFor();
      const rows = person.page.locator('.quick-input-list .monaco-list-row');
      await rows.filter({ hasText: 'Create Sample Data Set' }).waitFor();
      expect(await rows.count()).toBe(2);
      await person.page.keyboard.press('Escape');
    },
  );

  it('the side bar leads to a first model', async () => {
    await runCommand(person, 'Labelscope: Show Predicted Labels');
    const view = await windowWith(person, '.notice');
    expect(await view.getByRole('button').allTextContents()).toEqual([...TRAIN, 'Import Model…']);
    const runs = person.page.locator('.welcome-view-content', { hasText: 'No training runs yet' });
    await runs.getByRole('button', { name: 'Create Sample Data Set' }).waitFor();
    await person.page.locator('.welcome-view-content', { hasText: 'No models yet' }).waitFor();
  });
});
