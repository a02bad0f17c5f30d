// `npm run bench -- screen`: from the key that opens an image to what a person sees of it, in the packaged extension in a browser-served VS Code.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame, Page } from 'playwright-core';
import { BROWSER, type Person, ready, visit, windowWith } from './person';
import { packagedExtension, prepareWorkspace } from './workspace';

/** Windows that have just come, and images in one that is in use. */
const [WINDOWS, IMAGES] = [5, 15];
/** From one image to another that nobody has asked for: the labels of eight on either side of one in front are. */
const FAR = 17;
/** A third as many are for validation, and there are images of the same names among them. */
const SAMPLE = 3 * (WINDOWS + FAR * IMAGES + IMAGES + 10);
const LIMIT_MS = 60_000;
/** What the image editor shows beside each other unless a person chooses. */
const BESIDE_EACH_OTHER = 6;

/** What is looked for in a page, from within. */
interface Look {
  readonly selector: string;
  /** An element that holds this text and nothing else. */
  readonly titled?: readonly [selector: string, text: string];
  /** No such element holds this text. */
  readonly without?: readonly [selector: string, text: string];
}

const labelsOf = (file: string): Look => ({ selector: '[aria-busy="false"] button.label', titled: ['h1', file] });
const editorOf = (file: string) => `main:has(figure img[alt="${file}"]) .side button.label`;
/** So many pictures of the file, each with the map that its caption names. */
const mapsOf = (file: string, count: number): Look => ({
  selector: `main:has(figure img[alt="${file}"]) figure:nth-of-type(${count}):last-of-type figcaption`,
  without: ['figcaption', 'computing'],
});

/** In milliseconds, one an image. */
interface Times {
  readonly fresh: number[];
  readonly labels: number[];
  /** The labels of images beside those in front, which were asked for before they were opened. */
  readonly beside: number[];
  /** The labels of images that were in front before: without the engine's part. */
  readonly known: number[];
  readonly editor: number[];
  readonly map: number[];
  readonly maps: number[];
}

async function main(): Promise<void> {
  if (BROWSER === undefined) throw new Error('No Chromium or Chrome was found. Install one.');
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-screen-'));
  await prepareWorkspace(folder, ['run'], SAMPLE);
  const person = await visit({ folder, vsix: packagedExtension() });
  try {
    process.stdout.write(`${JSON.stringify(await measured(person))}\n`);
  } finally {
    await person.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function measured(person: Person): Promise<Times> {
  const { page } = person;
  const times: Times = { fresh: [], labels: [], beside: [], known: [], editor: [], map: [], maps: [] };
  let side = await begin(person);
  for (let k = 0; k < WINDOWS; k++) {
    await page.reload();
    side = await begin(person);
    const file = nameOf(k);
    times.fresh.push((await open(page, file, [inFrame(side, labelsOf(file))]))[0]!);
  }
  // As of the side view, the first page of an image editor may come at the second try.
  await open(page, nameOf(WINDOWS), []);
  await windowWith(person, editorOf(nameOf(WINDOWS)));
  for (let k = 1; k <= IMAGES; k++) {
    const file = nameOf(placeOf(k));
    let editor: Frame | undefined;
    const inEditor = async () => {
      editor = await newFrame(page, editorOf(file));
      return Date.now();
    };
    const [labels, picture] = await open(page, file, [inFrame(side, labelsOf(file)), inEditor]);
    times.labels.push(labels!);
    times.editor.push(picture!);
    const label = editor!.locator('.side button.label[aria-pressed="false"]').first();
    times.map.push((await seen(() => label.press('Enter'), [inFrame(editor!, mapsOf(file, 1))]))[0]!);
    const beside = editor!.locator('[data-mode="multiples"]');
    times.maps.push((await seen(() => beside.press('Enter'), [inFrame(editor!, mapsOf(file, BESIDE_EACH_OTHER))]))[0]!);
  }
  for (let k = 1; k <= IMAGES; k++) {
    const file = nameOf(placeOf(IMAGES) + k);
    // With its editor, as a person looks at one image before the next.
    const [labels] = await open(page, file, [inFrame(side, labelsOf(file)), () => newFrame(page, editorOf(file)).then(Date.now)]);
    times.beside.push(labels!);
  }
  for (let k = 1; k <= IMAGES; k++) {
    const file = nameOf(placeOf(k));
    times.known.push((await open(page, file, [inFrame(side, labelsOf(file))]))[0]!);
  }
  return times;
}

const placeOf = (k: number) => WINDOWS + FAR * k;
const nameOf = (k: number) => `scene-${String(k + 1).padStart(6, '0')}.jpg`;

/** With the side view in sight, where it stays when the window is reloaded, and its page there (see windowWith), which is answered. */
async function begin(person: Person): Promise<Frame> {
  await ready(person);
  const { page } = person;
  const pane = page.locator('.pane-header', { hasText: 'Runs' });
  // A click on the icon of what is shown already hides it.
  await pane.waitFor({ timeout: 3000 }).catch(() => page.locator('.activitybar [aria-label^="Labelscope"]').first().click());
  await pane.waitFor();
  await windowWith(person, 'main:has(.notice, h1)');
  return newFrame(page, 'main:has(.notice, h1)');
}

/** Answers the time at which a person sees it, in milliseconds since 1970. */
type Sight = () => Promise<number>;

/** By VS Code's list of files, in which it stands before the clock starts. One sight is looked for after the other. */
async function open(page: Page, file: string, sights: readonly Sight[]): Promise<number[]> {
  const input = page.locator('.quick-input-widget input').first();
  const row = page.locator('.quick-input-list .monaco-list-row.focused', { hasText: file });
  for (let trial = 0; !(await row.isVisible()); trial++) {
    if (trial === 10) throw new Error(`VS Code does not find ${file}.`);
    await page.keyboard.press('Escape');
    // The palette, without its >, is the list of files.
    await page.keyboard.press('F1');
    await input
      .fill(file, { timeout: 3000 })
      .then(() => row.waitFor({ timeout: 3000 }))
      .catch(() => undefined);
  }
  return seen(() => page.keyboard.press('Enter'), sights);
}

/** Milliseconds from the key on, to each sight: they are looked for in turn, in the order in which they come. */
async function seen(press: () => Promise<void>, sights: readonly Sight[]): Promise<number[]> {
  const since = Date.now();
  await press();
  const times: number[] = [];
  for (const sight of sights) times.push((await sight()) - since);
  return times;
}

interface Element {
  readonly textContent: string | null;
  checkVisibility(): boolean;
}

/** What a page has. */
interface Globals {
  readonly document: { querySelector(of: string): Element | null; querySelectorAll(of: string): Iterable<Element> };
  requestAnimationFrame(next: () => void): void;
  readonly MutationObserver: new (look: () => void) => { observe(of: unknown, what: object): void; disconnect(): void };
}

/**
 * The page itself looks, whenever it changes, and takes the time at the beginning of the frame after the one that it draws then. To tell
 * the driver of the browser takes 20 to 90 ms here, while VS Code makes an editor on the same cores, and to draw a frame only to look takes
 * of what is measured.
 */
function inFrame(frame: Frame, wanted: Look): Sight {
  return () =>
    frame.evaluate(
      ({ selector, titled, without, limit }) =>
        new Promise<number>((resolve, reject) => {
          const page = globalThis as unknown as Globals;
          const texts = (of: string) => [...page.document.querySelectorAll(of)].map((element) => element.textContent ?? '');
          const isThere = () =>
            page.document.querySelector(selector)?.checkVisibility() === true &&
            (titled === undefined || texts(titled[0]).some((text) => text.trim() === titled[1])) &&
            (without === undefined || !texts(without[0]).some((text) => text.includes(without[1])));
          const late = setTimeout(() => reject(new Error(`No window shows ${selector}.`)), limit);
          const look = () => {
            if (!isThere()) return;
            watching.disconnect();
            clearTimeout(late);
            page.requestAnimationFrame(() => page.requestAnimationFrame(() => resolve(Date.now())));
          };
          const watching = new page.MutationObserver(look);
          watching.observe(page.document, { subtree: true, childList: true, attributes: true, characterData: true });
          look();
        }),
      { ...wanted, limit: LIMIT_MS },
    );
}

/** The frame that shows it, among those that come: looked for ten times a second, for looking takes of what is measured. */
async function newFrame(page: Page, selector: string): Promise<Frame> {
  for (const end = performance.now() + LIMIT_MS; performance.now() < end;) {
    // The newest come last.
    for (const frame of page.frames().toReversed()) {
      const isThere = frame.locator(selector).first().isVisible();
      if (await isThere.catch(() => false)) return frame;
    }
    await page.waitForTimeout(100);
  }
  throw new Error(`No window shows ${selector}.`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
