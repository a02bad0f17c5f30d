// `npm run screenshots [-- FOLDER [THEME…]]`: pictures of windows in light, dark and high contrast, from real runs, into docs/pictures; with
// a folder, of every window from top to bottom, to be looked at.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FrameLocator } from 'playwright-core';
import { contextMenu, enterThrough, explorerItem, type Person, ready, ROOT, runCommand, visit, windowWith } from './person';
import { prepareWorkspace, withEngine } from './workspace';

const [GIVEN, ...CHOSEN] = process.argv.slice(2);
const OUT = GIVEN === undefined ? join(ROOT, 'docs', 'pictures') : resolve(GIVEN);
const THEMES = { light: 'Default Light Modern', dark: 'Default Dark Modern', 'high-contrast': 'Default High Contrast' } as const;
const IMAGE = 'scene-000004.jpg';

async function main(): Promise<void> {
  const unknown = CHOSEN.find((name) => !Object.hasOwn(THEMES, name));
  if (unknown !== undefined) throw new Error(`There is no theme '${unknown}'. Themes: ${Object.keys(THEMES).join(', ')}.`);
  await mkdir(OUT, { recursive: true });
  // Beside the pictures it is kept, so that the themes can be taken one after the other.
  const folder = GIVEN === undefined ? await mkdtemp(join(tmpdir(), 'labelscope-pictures-')) : join(OUT, 'workspace');
  try {
    await prepare(folder);
    for (const [name, theme] of Object.entries(THEMES))
      if (CHOSEN.length === 0 || CHOSEN.includes(name)) await picturesOf(folder, name, theme);
  } finally {
    if (GIVEN === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function prepare(folder: string): Promise<void> {
  // As `npm start` makes them.
  if (GIVEN === undefined) return prepareWorkspace(folder, ['animals']);
  const looked = join(folder, 'labelscope-runs', 'again');
  if (existsSync(join(looked, 'sanity.json'))) return;
  await prepareWorkspace(folder, ['animals', 'again'], 100);
  await measureLooking(looked);
}

async function picturesOf(folder: string, name: string, theme: string): Promise<void> {
  const person = await visit({ folder, settings: { 'workbench.colorTheme': theme }, size: { width: 1280, height: 800 } });
  const shoot = async (what: string) => {
    await person.page.mouse.move(640, 5);
    await person.page.waitForTimeout(700);
    return person.page.screenshot({ path: join(OUT, `${what}-${name}.png`) });
  };
  try {
    await ready(person);
    if (GIVEN !== undefined) {
      await others(person, shoot);
      return;
    }
    const dataset = await showDataset(person);
    await shoot('dataset');
    await dataset.locator('[data-card="categories"] .choice').first().click();
    await dataset.locator('[role="gridcell"] img').first().waitFor();
    await shoot('dataset-images');
    await runCommand(person, 'Labelscope: Show Predicted Labels');
    await windowWith(person, '.notice');
    await runCommand(person, 'Labelscope: Open Training Panel');
    await windowWith(person, '[data-card="history"]');
    await shoot('training');
    await runCommand(person, 'Labelscope: Open Evaluation Panel');
    await (await windowWith(person, '#threshold')).locator('[data-cell="tp"]').click();
    await shoot('evaluation');
    await showImage(person);
    await shoot('image');
  } catch (error) {
    await shoot('failed');
    throw error;
  } finally {
    await person.close();
  }
}

/** Pointing and the sanity check, as its tab shows them. */
async function measureLooking(model: string): Promise<void> {
  await withEngine(async (engine) => {
    await engine.request('pointing', { model, device: 'cpu' });
    await engine.request('sanity', { model, device: 'cpu' });
  });
}

async function others(person: Person, shoot: (what: string) => Promise<Buffer>): Promise<void> {
  const downwards = async (what: string) => {
    let before: Buffer | undefined;
    for (let page = 0; page < 5; page++) {
      const now = await shoot(`${what}-${page}`);
      if (before?.equals(now)) break;
      before = now;
      await person.page.mouse.move(800, 600);
      await person.page.mouse.wheel(0, 600);
    }
    await runCommand(person, 'View: Close All Editors');
  };
  await runCommand(person, 'Labelscope: Open Walkthrough');
  await person.page.locator('.getting-started-step').first().waitFor();
  await shoot('walkthrough');
  await runCommand(person, 'View: Close All Editors');
  await runCommand(person, 'Labelscope: Open Training Panel');
  await enterThrough(person, ['Which']);
  await windowWith(person, '[data-card="history"]');
  await downwards('training');
  for (const tab of ['overview', 'failures', 'thresholds', 'calibration', 'looking']) {
    await runCommand(person, 'Labelscope: Open Evaluation Panel');
    // The newest comes first.
    await enterThrough(person, ['Which']);
    const panel = await windowWith(person, '#threshold');
    await panel.locator(`#tab-${tab}`).click();
    // What a tab fits is there a while later.
    await person.page.waitForTimeout(2500);
    await downwards(tab);
  }
  await runCommand(person, 'Labelscope: Compare Runs');
  await windowWith(person, '[data-card="metrics"]');
  await downwards('compare');
  await contextMenu(person, await explorerItem(person, 'annotations', 'instances_train.json'), 'Review Labels…');
  const review = await windowWith(person, '[data-find], [data-question]');
  if (await review.locator('[data-find]').isVisible()) {
    await shoot('review-before');
    await review.locator('[data-find]').click();
  }
  await (await windowWith(person, '[data-question]', 120_000)).locator('figure img').waitFor();
  await downwards('review');
  await showDataset(person);
  await downwards('dataset');
  const dataset = await showDataset(person);
  await dataset.locator('[data-card="categories"] .choice').first().click();
  await dataset.locator('[role="gridcell"] img').first().waitFor();
  await downwards('dataset-images');
  await showImage(person);
  await shoot('image');
}

async function showDataset(person: Person): Promise<FrameLocator> {
  const file = await explorerItem(person, 'annotations', 'instances_train.json');
  await contextMenu(person, file, 'Show Dataset Report');
  const panel = await windowWith(person, '[data-card="co-occurrence"]');
  await panel.locator('[data-checks="done"]').waitFor();
  return panel;
}

async function showImage(person: Person): Promise<void> {
  await (await explorerItem(person, 'val', IMAGE)).dblclick();
  await runCommand(person, 'Labelscope: Show Predicted Labels');
  await (await windowWith(person, '.list button.label')).locator('button.label').first().click();
  const editor = await windowWith(person, 'figure canvas');
  await editor.locator('.side button[aria-pressed="true"]').waitFor();
  await editor.locator('figcaption', { hasNotText: 'computing' }).waitFor();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
