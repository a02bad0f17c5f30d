// `npm run bench -- screen`: from the key that opens an image to what a person sees of it, in the packaged extension in a browser-served VS Code.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { BROWSER, type Person, ready, visit } from './person';
import { packagedExtension, prepareWorkspace } from './workspace';

/** Windows that have just come, and images in one that is in use. */
const [WINDOWS, IMAGES] = [5, 15];
const LIMIT_MS = 60_000;
/** What the image editor shows beside each other unless a person chooses. */
const BESIDE_EACH_OTHER = 6;

const labelsOf = (file: string) => `main:has(h1:text-is("${file}")) [aria-busy="false"] button.label`;
const editorOf = (file: string) => `main:has(figure img[alt="${file}"]) .side button.label`;
/** So many pictures of the file, each with the map that its caption names. */
const mapsOf = (file: string, count: number) =>
  `main:has(figure img[alt="${file}"]):not(:has(figcaption:has-text("computing"))) figure:nth-of-type(${count}):last-of-type figcaption`;

/** In milliseconds, one an image. */
interface Times {
  readonly fresh: number[];
  readonly labels: number[];
  readonly editor: number[];
  readonly map: number[];
  readonly maps: number[];
}

async function main(): Promise<void> {
  if (BROWSER === undefined) throw new Error('No Chromium or Chrome was found. Install one.');
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-screen-'));
  await prepareWorkspace(folder, ['run']);
  const person = await visit({ folder, vsix: packagedExtension() });
  try {
    process.stdout.write(`${JSON.stringify(await measured(person))}\n`);
    if (person.complaints.length > 0) throw new Error(`The console complains: ${person.complaints.join('; ')}`);
  } finally {
    await person.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function measured(person: Person): Promise<Times> {
  const { page } = person;
  const times: Times = { fresh: [], labels: [], editor: [], map: [], maps: [] };
  await begin(person);
  for (let k = 0; k < WINDOWS; k++) {
    await page.reload();
    await begin(person);
    const file = nameOf(k);
    times.fresh.push((await open(page, file, [labelsOf(file)]))[0]!);
  }
  for (let k = 0; k < IMAGES; k++) {
    const file = nameOf(WINDOWS + k);
    const [labels, editor] = await open(page, file, [labelsOf(file), editorOf(file)]);
    times.labels.push(labels!);
    times.editor.push(editor!);
    const inEditor = await frameWith(page, editorOf(file));
    const label = inEditor.locator('.side button.label[aria-pressed="false"]').first();
    times.map.push((await seen(page, () => label.press('Enter'), [mapsOf(file, 1)]))[0]!);
    const beside = inEditor.locator('[data-mode="multiples"]');
    times.maps.push((await seen(page, () => beside.press('Enter'), [mapsOf(file, BESIDE_EACH_OTHER)]))[0]!);
  }
  return times;
}

const nameOf = (k: number) => `scene-${String(k + 1).padStart(6, '0')}.jpg`;

/** With the side view in sight. */
async function begin(person: Person): Promise<void> {
  await ready(person);
  const { page } = person;
  const pane = page.locator('.pane-header', { hasText: 'Runs' });
  if (!(await pane.isVisible())) await page.locator('.activitybar [aria-label^="Labelscope"]').first().click();
  await pane.waitFor();
}

/** By its name: VS Code's list of files stands before the clock starts. */
async function open(page: Page, file: string, sights: readonly string[]): Promise<number[]> {
  const input = page.locator('.quick-input-widget input').first();
  const row = page.locator('.quick-input-list .monaco-list-row.focused', { hasText: file });
  for (let found = false; !found;) {
    await page.keyboard.press('Control+P');
    await input.fill(file);
    found = await row.waitFor({ timeout: 5000 }).then(
      () => true,
      () => false,
    );
  }
  return seen(page, () => page.keyboard.press('Enter'), sights);
}

/** Milliseconds from the key on, to each sight; looked for about every ten. */
async function seen(page: Page, press: () => Promise<void>, sights: readonly string[]): Promise<number[]> {
  const since = performance.now();
  await press();
  const times = new Map<string, number>();
  while (times.size < sights.length) {
    for (const sight of sights) {
      if (times.has(sight) || !(await isInSight(page, sight))) continue;
      times.set(sight, performance.now() - since);
    }
    if (performance.now() - since > LIMIT_MS) throw new Error(`Nothing shows ${sights.find((one) => !times.has(one))}.`);
  }
  return sights.map((sight) => times.get(sight)!);
}

async function isInSight(page: Page, selector: string): Promise<boolean> {
  for (const frame of page.frames().reverse()) {
    if (
      await frame
        .locator(selector)
        .first()
        .isVisible()
        .catch(() => false)
    )
      return true;
  }
  return false;
}

async function frameWith(page: Page, selector: string) {
  for (const frame of page.frames().reverse()) {
    if (
      await frame
        .locator(selector)
        .first()
        .isVisible()
        .catch(() => false)
    )
      return frame;
  }
  throw new Error(`Nothing shows ${selector}.`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
