// `npm run screenshots`: pictures of every window in light, dark and high contrast, from real runs, into docs/pictures.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrameLocator } from 'playwright-core';
import { contextMenu, explorerItem, type Person, ready, ROOT, runCommand, visit, windowWith } from './person';
import { prepareWorkspace } from './workspace';

const OUT = join(ROOT, 'docs', 'pictures');
const THEMES = { light: 'Default Light Modern', dark: 'Default Dark Modern', 'high-contrast': 'Default High Contrast' } as const;
const IMAGE = 'scene-000004.jpg';

async function main(): Promise<void> {
  await mkdir(OUT, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-pictures-'));
  try {
    // As `npm start` makes them.
    await prepareWorkspace(folder, ['animals']);
    for (const [name, theme] of Object.entries(THEMES)) await picturesOf(folder, name, theme);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function picturesOf(folder: string, name: string, theme: string): Promise<void> {
  const person = await visit({ folder, settings: { 'workbench.colorTheme': theme }, size: { width: 1280, height: 800 } });
  const shoot = async (what: string) => {
    await person.page.mouse.move(640, 5);
    await person.page.waitForTimeout(700);
    await person.page.screenshot({ path: join(OUT, `${what}-${name}.png`) });
  };
  try {
    await ready(person);
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
  } finally {
    await person.close();
  }
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
