// A window without a folder: a file that is opened alone can be trained on, its runs lie beside it, and every command says what is missing.
import { mkdtemp, readdir, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { tidyAfter } from './hooks';
import {
  BROWSER,
  chooseImages,
  contextMenu,
  enterThrough,
  NO_BROWSER,
  notification,
  type Person,
  runCommand,
  succeeds,
  visit,
  windowWith,
} from './person';
import { prepareWorkspace } from './workspace';

const QUESTIONS = ['Categories to train on', 'Which images judge the model?', 'What learns?', 'Where to compute?'];
const TRAIN = ['Train a Model', 'Try It on a Sample'];

describe.skipIf(BROWSER === undefined)(`a window without a folder${NO_BROWSER}`, () => {
  let folder: string;
  let person: Person;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-nofolder-'));
    await prepareWorkspace(folder, [], 24);
    person = await visit({ folder, opensNothing: true, settings: { 'labelscope.recipeSettings': { imageSize: 96 } } });
    await person.page.locator('.activitybar a[aria-label^="Labelscope"]').waitFor();
  });
  tidyAfter(() => ({ folder, person }));

  /** The palette and what it asks: rows of choices. */
  const choices = async (placeholder: string) => {
    await person.page.locator(`.quick-input-widget input[placeholder*="${placeholder}"]`).waitFor();
    const rows = person.page.locator('.quick-input-list-rows > .quick-input-list-row:first-child .label-name');
    await rows.first().waitFor();
    return rows.allTextContents();
  };

  it('the side bar leads to a folder or to the sample', async () => {
    await runCommand(person, 'Labelscope: Show Predicted Labels');
    const view = await windowWith(person, '.notice');
    expect(await view.getByRole('button').allTextContents()).toEqual([...TRAIN, 'Import Model…']);
    const runs = person.page.locator('.welcome-view-content', { hasText: 'No folder is open' });
    await runs.getByRole('button', { name: 'Open Folder…' }).waitFor();
    await runs.getByRole('button', { name: 'Try It on a Sample' }).waitFor();
    await person.page.locator('.welcome-view-content', { hasText: 'No models yet' }).waitFor();
  });

  it.each(['Train Multilabel Model', 'Show Dataset Report', 'Review Labels…', 'Split Data Set…', 'Repair Annotation File'])(
    '%s asks for a file, a folder or the sample',
    async (command) => {
      await runCommand(person, `Labelscope: ${command}`);
      expect(await choices('No folder is open')).toEqual([
        'Choose an Annotation File…',
        'Open Folder…',
        'Create Sample Data Set',
      ]);
      await person.page.keyboard.press('Escape');
    },
  );

  it.each([
    ['Evaluate Model', 'There is no model yet', TRAIN],
    ['Open Training Panel', 'There is no training run yet', TRAIN],
    ['Resume Training', 'there is none to resume', TRAIN],
    ['Compare Runs', 'There is no model yet', TRAIN],
    ['Rename…', 'There is no model yet', TRAIN],
    ['Delete to Trash', 'There is no model yet', TRAIN],
    ['Reveal Run Folder', 'There is no model yet', TRAIN],
    ['Export ONNX Model…', 'There is no model yet', TRAIN],
    ['Export Report as HTML…', 'There is no training run yet', TRAIN],
    ['Choose Model for Predictions…', 'There is no model yet', TRAIN],
    ['Show Grad-CAM', 'Open an image first', ['Find an Image…']],
  ])('%s says what leads on', async (command, words, ways) => {
    await runCommand(person, `Labelscope: ${command}`);
    const told = await notification(person, words);
    expect(await told.locator('.notification-list-item-buttons-container .monaco-button').allTextContents()).toEqual(ways);
    await runCommand(person, 'Notifications: Clear All Notifications');
  });

  it('the walkthrough offers a folder beside the sample', async () => {
    await runCommand(person, 'Labelscope: Open Walkthrough');
    await person.page
      .locator('.getting-started-step', { hasText: 'Get some data' })
      .getByRole('button', { name: 'Open Folder…' })
      .waitFor();
  });

  async function opened(tab: Locator): Promise<boolean> {
    const { page } = person;
    if (await tab.isVisible()) return true;
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+O');
    // What is typed before the dialog has listed the first folder is lost.
    const row = (name: string) => page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first();
    await row('..').waitFor();
    await page
      .locator('.quick-input-widget input')
      .first()
      .fill(join(folder, 'annotations', 'instances_train.json'));
    await row('instances_train.json').waitFor();
    await page.keyboard.press('Enter');
    return succeeds(tab.waitFor({ timeout: 5000 }));
  }

  it('trains on a file that is opened alone, by a right-click on its tab, and finds the run again', async () => {
    const { page } = person;
    const tab = page.locator('.tab', { hasText: 'instances_train.json' });
    // The dialog may take an Enter for a row that it has just highlighted, and close without opening anything.
    await expect.poll(() => opened(tab), { timeout: 30_000 }).toBe(true);
    await contextMenu(person, tab, 'Train Multilabel Model');
    await enterThrough(person, QUESTIONS);
    const done = await notification(person, 'Training is finished');
    await done.getByRole('button', { name: 'Evaluate' }).click();
    await page.locator('.tab.active', { hasText: 'Evaluation:' }).waitFor();
    const runs = join(folder, 'annotations', 'labelscope-runs');
    expect((await readdir(runs)).filter((name) => name.endsWith('-quick'))).toHaveLength(1);
    await runCommand(person, 'Labelscope: Show Predicted Labels');
    await page.locator('.pane-body .monaco-list-row', { hasText: '-quick' }).first().waitFor();
  });

  it('says where a run lies that no Explorer shows', async () => {
    const reveal = async () => {
      await runCommand(person, 'Labelscope: Reveal Run Folder');
      return notification(person, 'lies outside the folders that are open', 5000);
    };
    // The evaluation's window, which has just come, may have taken the Enter.
    const told = await reveal().catch(reveal);
    await told.getByRole('button', { name: 'Copy Path' }).waitFor();
  });

  it('asks for the folder of validation images that are not found, before training, and again for an evaluation', async () => {
    const { page } = person;
    await rename(join(folder, 'val'), join(folder, 'pictures'));
    await contextMenu(person, page.locator('.tab', { hasText: 'instances_train.json' }), 'Train Multilabel Model');
    await enterThrough(person, QUESTIONS);
    await chooseImages(person, 'instances_val.json (such as', 'instances_val.json', join(folder, 'pictures'));
    await notification(person, 'Training is finished');
    await rename(join(folder, 'pictures'), join(folder, 'moved'));
    await runCommand(person, 'Notifications: Clear All Notifications');
    await runCommand(person, 'Labelscope: Evaluate Model');
    await enterThrough(person, ['Which model?', 'On which images?']);
    await chooseImages(person, 'There is no image folder', 'instances_val.json', join(folder, 'moved'));
    await page.locator('.tab.active', { hasText: 'Evaluation:' }).waitFor();
    // What was told is known from then on.
    const panel = await windowWith(person, '#threshold');
    await panel.getByRole('tab', { name: 'Where It Looks' }).click();
    await panel.locator('[data-action="pointing"]').click();
    await panel.locator('[data-tile="rate"]').waitFor();
    // VS Code repeats in the console what a notification says.
    const others = person.complaints.filter((one) => !/instances_val\.json|There is no image folder/.test(one));
    expect(others).toEqual([]);
  });

  it('a sample to try it on opens in its folder, and is trained on and evaluated there', async () => {
    const { page } = person;
    await runCommand(person, 'Labelscope: Try It on a Sample');
    await page.locator('.quick-input-titlebar', { hasText: 'Where shall the sample data set lie?' }).waitFor();
    await page.locator('.quick-input-list .monaco-list-row', { hasText: '..' }).first().waitFor();
    await page.locator('.quick-input-widget input').first().fill(`${folder}/`);
    const loaded = page.waitForEvent('load', { timeout: 180_000 });
    await page.locator('.quick-input-widget .monaco-button', { hasText: 'OK' }).click();
    await loaded;
    await windowWith(person, '#threshold', 300_000);
    expect(await readdir(join(folder, 'labelscope-sample'))).toContain('labelscope-runs');
  }, 600_000);
});
