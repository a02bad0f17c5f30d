// A run that is at work when its window is reloaded: it goes on, its panel finds it again with its curves, and it can be paused and stopped there.
import { mkdtemp, readdir, rename, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrameLocator } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { tidyAfter } from './hooks';
import {
  BROWSER,
  chooseImages,
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
import { packagedExtension, prepareWorkspace } from './workspace';

describe.skipIf(BROWSER === undefined)(`a run and its window${NO_BROWSER}`, () => {
  let folder: string;
  let person: Person;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-reload-'));
    await prepareWorkspace(folder, [], 24);
    const settings = { 'labelscope.recipeSettings': { epochs: 100000, validationPatience: 0, learnRate: 0.0001 } };
    // Packaged, for the same reason as in empty.e2e.ts: a message is pressed that nobody asked for.
    person = await visit({ folder, vsix: packagedExtension(), settings });
    await ready(person);
  });
  tidyAfter(() => ({ folder, person }));

  it('goes on while the window is reloaded, and is paused, continued and stopped from the panel that comes back', async () => {
    const file = await explorerItem(person, 'annotations', 'instances_train.json');
    await contextMenu(person, file, 'Train Multilabel Model');
    await enterThrough(person, ['Categories to train on', 'Which images judge', 'What learns', 'Where to compute']);
    const before = await windowWith(person, '[data-command="pauseRun"]');
    const reached = await iterationOf(before);
    const bar = person.page.locator('.statusbar-item', { hasText: /training \d+ %/ });
    await bar.waitFor();
    const loaded = person.page.waitForEvent('load');
    await runCommand(person, 'Developer: Reload Window');
    await loaded;
    await ready(person);
    const panel = await windowWith(person, '[data-command="pauseRun"]');
    expect(await iterationOf(panel)).toBeGreaterThan(reached);
    await bar.waitFor();
    expect(await panel.locator('svg.chart path.line').count()).toBe(2);
    await panel.locator('[data-command="pauseRun"]').click();
    await panel.locator('.badge', { hasText: 'paused' }).waitFor();
    const paused = await iterationOf(panel);
    await person.page.waitForTimeout(1000);
    expect(await iterationOf(panel)).toBe(paused);
    await panel.locator('[data-command="continueRun"]').click();
    await panel.locator('.badge', { hasText: 'training' }).waitFor();
    await panel.locator('[data-command="stopRun"]').click();
    await panel.locator('.badge', { hasText: 'stopped' }).waitFor();
    await panel.locator('[data-command="resumeRun"]').waitFor();
    expect(await iterationOf(panel)).toBeGreaterThan(paused);
    await bar.waitFor({ state: 'detached' });
  });

  it('goes on from where it stopped, and stops when its notification is cancelled', async () => {
    const panel = await windowWith(person, '[data-command="resumeRun"]');
    const stopped = await iterationOf(panel);
    await panel.locator('[data-command="resumeRun"]').click();
    await panel.locator('.badge', { hasText: 'training' }).waitFor();
    const notification = person.page.locator('.notification-toast', { hasText: /iterations, .* left/ });
    await notification.hover();
    await notification.locator('.monaco-button', { hasText: 'Cancel' }).click();
    await panel.locator('.badge', { hasText: 'stopped' }).waitFor();
    expect(await iterationOf(panel)).toBeGreaterThan(stopped);
  });

  it('asks for the folder of images that were moved meanwhile, and goes on with them', async () => {
    const panel = await windowWith(person, '[data-command="resumeRun"]');
    const stopped = await iterationOf(panel);
    await rename(join(folder, 'train'), join(folder, 'moved'));
    await panel.locator('[data-command="resumeRun"]').click();
    await chooseImages(person, 'There is no image folder', 'instances_train.json', join(folder, 'moved'));
    await panel.locator('.badge', { hasText: 'training' }).waitFor();
    await panel.locator('[data-command="stopRun"]').click();
    await panel.locator('.badge', { hasText: 'stopped' }).waitFor();
    expect(await iterationOf(panel)).toBeGreaterThan(stopped);
  });

  it('finds its model opened when the window comes back, before anybody asks for labels', async () => {
    const reloaded = Date.now();
    const loaded = person.page.waitForEvent('load');
    await runCommand(person, 'Developer: Reload Window');
    await loaded;
    await ready(person);
    const kept = join(process.env.LABELSCOPE_CACHE!, 'models');
    const newest = async () => Math.max(...(await timesIn(kept)));
    await expect.poll(newest, { timeout: 60_000 }).toBeGreaterThan(reloaded);
  });
});

async function timesIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.map(async (name) => (await stat(join(folder, name))).mtimeMs));
}

/** The iteration that the panel shows, once it shows one. */
async function iterationOf(panel: FrameLocator): Promise<number> {
  const tile = panel.locator('.tile', { hasText: 'Iteration' }).locator('dd');
  await tile.filter({ hasText: '/' }).waitFor();
  return Number((await tile.textContent())!.split('/')[0]!.replace(/[^\d]/g, ''));
}
