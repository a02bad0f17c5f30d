// The whole way of a person, in VS Code: right-click, train, open an image, read its labels, see where the model looked, evaluate, reload.
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrameLocator, Locator } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { tidyAfter } from './hooks';
import {
  BROWSER,
  contextMenu,
  enterThrough,
  explorerItem,
  NO_BROWSER,
  notification,
  type Person,
  ready,
  runCommand,
  visit,
  windowWith,
} from './person';
import { prepareWorkspace, runFolder } from './workspace';

const IMAGE = 'scene-000001.jpg';

describe.skipIf(BROWSER === undefined)(`Labelscope in VS Code${NO_BROWSER}`, () => {
  let folder: string;
  let person: Person;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-e2e-'));
    await prepareWorkspace(folder, [], 48);
    await writeFile(join(folder, 'notes.json'), '{ "images": 3 }');
    person = await visit({ folder });
    await ready(person);
  });
  tidyAfter(() => ({ folder, person }));

  it('trains to the end after a right-click on the annotation file and Enter all the way', async () => {
    const file = await explorerItem(person, 'annotations', 'instances_train.json');
    await contextMenu(person, file, 'Train Multilabel Model');
    await enterThrough(person, ['Categories to train on', 'Which images judge', 'What learns', 'Where to compute']);
    const panel = await windowWith(person, '[data-card="history"]');
    await panel.locator('.badge', { hasText: 'finished' }).waitFor({ timeout: 180_000 });
    expect(await panel.locator('svg.chart path.line').count()).toBe(2);
    expect(await panel.locator('.tile', { hasText: 'Iteration' }).textContent()).toMatch(/180 \/ 180/);
    await expectAccessible(panel);
  });

  it('offers training for COCO files only', async () => {
    const other = await explorerItem(person, 'notes.json');
    await other.click({ button: 'right' });
    const menu = person.page.locator('.monaco-menu .action-label');
    await menu.filter({ hasText: 'Copy Path' }).first().waitFor();
    expect(await menu.filter({ hasText: 'Train Multilabel Model' }).count()).toBe(0);
    await person.page.keyboard.press('Escape');
  });

  it('tells the labels of the image that is open', async () => {
    await (await explorerItem(person, 'val', IMAGE)).dblclick();
    await runCommand(person, 'Labelscope: Show Predicted Labels');
    const view = await windowWith(person, '.list button.label');
    expect(await view.locator('h1').textContent()).toBe(IMAGE);
    const scores = (await view.locator('.score').allTextContents()).map(Number);
    expect(scores).toHaveLength(12);
    expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
    const { truth, shown } = await trueLabels(folder, view);
    expect(shown).toBe(`True labels: ${truth.join(', ')}`);
    await expectAccessible(view);
  });

  it('shows where the model looked: colours that move with the category', async () => {
    const view = await windowWith(person, '.list button.label');
    await view.locator('button.label').first().focus();
    await person.page.keyboard.press('Enter');
    const editor = await windowWith(person, 'figure canvas');
    const canvas = editor.locator('figure canvas');
    const pressed = editor.locator('.side button[aria-pressed="true"]');
    await pressed.waitFor();
    const plain = await keysOf(editor, '0', canvas);
    const [first, second] = [await keysOf(editor, '1', canvas), await keysOf(editor, '2', canvas)];
    expect(first).not.toEqual(plain);
    expect(second).not.toEqual(plain);
    expect(second).not.toEqual(first);
    await expectAccessible(editor);
  });

  it('evaluates from the palette, and every number follows the slider', async () => {
    await runCommand(person, 'Labelscope: Evaluate Model');
    await enterThrough(person, ['Which model', 'On which images']);
    const panel = await windowWith(person, '#threshold');
    // It stands over the panel's lower corner.
    const told = await notification(person, 'is evaluated: mAP');
    await told.locator('.monaco-button', { hasText: 'See Where It Looks' }).waitFor();
    await runCommand(person, 'Notifications: Clear All Notifications');
    const numbers = () => panel.locator('.tile dd').allTextContents();
    const before = await numbers();
    const written = JSON.parse(await readFile(join(await runFolder(folder), 'evaluation.json'), 'utf8')) as {
      evaluation: { micro: { f1: number } };
    };
    expect(before[0]).toBe(written.evaluation.micro.f1.toFixed(3));
    await panel.locator('#threshold').focus();
    for (let k = 0; k < 40; k++) await person.page.keyboard.press('ArrowLeft');
    await panel.locator('output', { hasText: '0.10' }).waitFor();
    const after = await numbers();
    // All but mAP, which no threshold moves.
    expect(after.filter((value, k) => value !== before[k]).length).toBeGreaterThanOrEqual(8);
    expect(after.at(-1)).toBe(before.at(-1));
    await panel.locator('[data-cell="fp"]').click();
    const count = Number(await panel.locator('[data-cell="fp"] .cell-count').textContent());
    await panel.locator('[data-card="images"] h2', { hasText: `(${count})` }).waitFor();
    expect(await panel.locator('[data-card="images"] .virtual-cell:not([hidden])').count()).toBeGreaterThan(0);
    await panel.locator('[data-action="explain"]').click();
    await panel.locator('[data-card="images"] canvas.heat').first().waitFor();
    await panel.locator('#tab-failures').click();
    await panel.locator('[data-card="slices"] .choice').first().click();
    await panel.locator('[data-card="images"] .virtual-cell').first().waitFor();
    await expectAccessible(panel);
  });

  it('reports on the data set', async () => {
    const file = await explorerItem(person, 'annotations', 'instances_train.json');
    await contextMenu(person, file, 'Show Dataset Report');
    const panel = await windowWith(person, '[data-card="co-occurrence"]');
    expect(await panel.locator('.tile', { hasText: 'Images' }).first().locator('dd').textContent()).toBe('48');
    expect(await panel.locator('[data-card="categories"] rect.bar').count()).toBe(12);
    await expectAccessible(panel);
  });

  it('finds everything again when the window is reloaded', async () => {
    const before = [...person.complaints];
    const loaded = person.page.waitForEvent('load');
    await runCommand(person, 'Developer: Reload Window');
    await loaded;
    await ready(person);
    // A page that is left while it loads complains of what it did not get any more.
    person.complaints.splice(0, Infinity, ...before);
    const report = await windowWith(person, '[data-card="co-occurrence"]');
    expect(await report.locator('rect.bar').count()).toBeGreaterThan(12);
    await person.page.locator('.tab', { hasText: 'Evaluation:' }).click();
    const evaluation = await windowWith(person, '#threshold');
    await evaluation.locator('output', { hasText: '0.10' }).waitFor();
    await person.page.locator('.tab', { hasText: 'Training:' }).click();
    const training = await windowWith(person, '[data-card="history"]');
    await training.locator('.badge', { hasText: 'finished' }).waitFor();
    expect(await training.locator('.tile', { hasText: 'Iteration' }).textContent()).toMatch(/180 \/ 180/);
  });

  it('complains of nothing: no error in the console, no refused script, style or image', () => {
    expect(person.complaints).toEqual([]);
  });
});

/** What is used of the browser's canvas: these tests run in Node and know no DOM. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
  };
}

/** Presses a key in the image editor and waits for what it draws; answers a few of the canvas's pixels. */
async function keysOf(editor: FrameLocator, key: string, canvas: Locator): Promise<number[]> {
  await editor.locator('body').press(key);
  const caption = editor.locator('figcaption');
  await caption.filter({ hasNotText: 'computing' }).waitFor();
  return canvas.evaluate((element) => {
    const canvasElement = element as unknown as Canvas;
    const { width, height } = canvasElement;
    const { data } = canvasElement.getContext('2d').getImageData(0, 0, width, height);
    return Array.from({ length: 200 }, (_, k) => data[4 * Math.floor((k * width * height) / 200)]!);
  });
}

interface Coco {
  readonly images: readonly { readonly id: number; readonly file_name: string }[];
  readonly annotations: readonly { readonly image_id: number; readonly category_id: number }[];
  readonly categories: readonly { readonly id: number; readonly name: string }[];
}

async function trueLabels(folder: string, view: FrameLocator): Promise<{ truth: string[]; shown: string | null }> {
  const coco = JSON.parse(await readFile(join(folder, 'annotations', 'instances_val.json'), 'utf8')) as Coco;
  const image = coco.images.find(({ file_name: name }) => name === IMAGE)!;
  const ids = coco.annotations.filter(({ image_id: id }) => id === image.id).map(({ category_id: id }) => id);
  const truth = coco.categories.filter(({ id }) => ids.includes(id)).map(({ name }) => name);
  return { truth, shown: await view.locator('p', { hasText: 'True labels' }).textContent() };
}

/** No serious violation by axe-core's rules. It is put into the page by the debugger, which the page's policy does not bind. */
async function expectAccessible(frame: FrameLocator): Promise<void> {
  const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const body = frame.locator('body');
  const violations = await body.evaluate(async (_, script) => {
    (0, eval)(script);
    const { axe } = globalThis as unknown as {
      axe: { run(context: unknown): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    const { violations: found } = await axe.run({ include: ['#root'] });
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  }, source);
  expect(violations).toEqual([]);
}
