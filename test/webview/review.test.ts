// The review panel in a real browser: decided by keys alone, over 5,000 suspects, kept as it goes, with Grad-CAM, in every theme.
import { mkdirSync } from 'node:fs';
import sharp from 'sharp';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrowsedImage, Thumbnail } from '../../src/protocol/browse';
import type { CorrectResult, Decision, Review, SuspectLabel, SuspectsResult } from '../../src/protocol/review';
import type { ModelsMap, ReviewData } from '../../src/protocol/windows';
import type { Theme } from './themes';
import { NO_BROWSER, showReport, type ShownWindow, showWindow, startBrowser, violations } from './window';

const CATEGORIES = ['cat', 'dog', '<b>bird</b>'];
const COUNT = 5000;

const suspects = Array.from({ length: COUNT }, (_, k): SuspectLabel => {
  const kind = k % 3 === 0 ? 'wrong' : 'missing';
  const own = k / (2 * COUNT);
  const score = kind === 'wrong' ? own : 1 - own;
  return { image: `image-${k}.jpg`, row: k, category: CATEGORIES[k % 2]!, kind, score, selfConfidence: own };
});

const RESULT: SuspectsResult = {
  ...{
    annotations: '/data/instances.json',
    fingerprint: 'f',
    imageFolder: '/data/images',
    images: 9000,
    includeUnlabeled: false,
  },
  ...{ folds: 5, seed: 0, device: { device: 'cpu', reason: '', threads: 2 }, together: 0, failed: [], found: 6200, suspects },
  categories: CATEGORIES.map((category, k) =>
    k < 2
      ? {
          ...{ category, given: 300, notGiven: 700, thresholds: { present: 0.7, absent: 0.9 } },
          joint: { given: { present: 150, absent: 9 }, notGiven: { present: 12, absent: 400 } },
          estimate: { missing: 20.4, wrong: 17, rate: 0.0374 },
        }
      : { category, given: 2, notGiven: 998, thresholds: null, joint: null, estimate: null },
  ),
};

const REVIEW: Review = { fingerprint: 'f', result: RESULT, decisions: [], file: '/runs/reviews/f.json', earlier: null };
const DATA: ReviewData = { annotations: RESULT.annotations, review: REVIEW, working: null, changed: false, error: null };
const CORRECTED: CorrectResult = {
  ...{ path: '/data/instances.reviewed.json', log: '/data/instances.reviewed.changes.json' },
  ...{ added: 2, removed: 1, annotationsRemoved: 3, already: 0, rejected: 1, skipped: 0 },
};

let browser: Browser;
let jpeg: Buffer;
beforeAll(async () => {
  if (NO_BROWSER) return;
  browser = await startBrowser();
  jpeg = await sharp({ create: { width: 400, height: 200, channels: 3, background: '#888' } })
    .jpeg()
    .toBuffer();
});
afterAll(() => browser?.close());

/** A wrong label's image has two boxes of it, and one of the other category. */
function imageOf({ row }: { readonly row: number }): BrowsedImage {
  const { image, category, kind } = suspects[row]!;
  const [own, other] = category === 'cat' ? [0, 1] : [1, 0];
  const boxes = [...(kind === 'wrong' ? [10, 20, 100, 60, own, 0, 200, 50, 80, 90, own, 0] : []), 0, 0, 50, 50, other, 0];
  const labels = (kind === 'wrong' ? [own, other, 2] : [other, 2]).sort((a, b) => a - b);
  return {
    row,
    fileName: image,
    file: `/data/images/${image}`,
    width: 400,
    height: 200,
    labels,
    boxes,
    boxCount: boxes.length / 6,
  };
}

function thumbnails({ rows }: { readonly rows: readonly number[] }): Thumbnail[] {
  return rows.map((row) => ({ row, jpeg: new Uint8Array(jpeg), width: 400, height: 200 }));
}

type Changed = readonly (Omit<Decision, 'decision'> & { decision: string | null })[];

async function show(data: ReviewData = DATA, theme: Theme = 'dark', kept?: Record<string, unknown>) {
  const calls = { image: imageOf, thumbnails, explain: mapOf, correct: () => CORRECTED };
  return showWindow(browser, 'review', { data, calls, theme, ...(kept && { kept }) });
}

const decided = ({ asked }: ShownWindow<'review'>) =>
  asked
    .filter(({ call }) => call === 'decide')
    .flatMap(({ params }) => params.changes as Changed)
    .map(({ image, category, decision }) => `${image} ${category} ${String(decision)}`);
const question = (page: Page) => page.locator('[data-question]');
const progress = (page: Page) => page.locator('[data-progress]');
const caption = (page: Page, k: number) => page.locator('figcaption').getByText(`image-${k}.jpg`, { exact: true });

/** The right half speaks for the category. */
function mapOf({ category }: { readonly category: string }): ModelsMap {
  const map = { category, score: 0.5, width: 2, height: 1, values: [0, 1] };
  return { map, settings: { colormap: 'jet', opacity: 0.5 }, model: 'first <i>run</i>' };
}

/** The names of all calls so far; a test may not go by the last one alone, for pictures are asked for whenever they come into sight. */
const called = ({ asked }: Pick<ShownWindow<'review'>, 'asked'>) => asked.map(({ call }) => call);
const explained = ({ asked }: ShownWindow<'review'>) =>
  asked.filter(({ call }) => call === 'explain').map(({ params }) => params);

const pictures = process.env.LABELSCOPE_WINDOW_PICTURES;

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

describe.skipIf(NO_BROWSER !== '')(`the review panel${NO_BROWSER}`, () => {
  it('begins to look when it is told to, says how far it is, and stops', async () => {
    const none: ReviewData = { ...DATA, review: { ...REVIEW, result: null } };
    const { page, asked, tell, complaints, close } = await show(none);
    await page.getByLabel('Also look at images without any label').check();
    await page.locator('[data-find]').click();
    await expect.poll(() => asked).toEqual([{ call: 'find', params: { includeUnlabeled: true } }]);
    await tell({ event: { working: { stage: 'features', done: 1200, total: 9000 } } });
    await page.getByText('Computing features of images: 1,200 of 9,000').waitFor();
    await page.locator('[data-stop]').click();
    await expect.poll(() => called({ asked })).toContain('stop');
    await tell({ event: { working: null, review: REVIEW } });
    await question(page).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows the image with the boxes of its category, what is asked and what else it shows', async () => {
    const { page, close } = await show();
    await page.locator('figure img[src^="blob:"]').waitFor();
    expect(await question(page).textContent()).toBe(
      'Is the label “cat” wrong? Models that have not seen this image give it 0.00.',
    );
    await expect.poll(() => page.locator('.frame .box-name').allTextContents()).toEqual(['cat', 'cat']);
    expect(await page.locator('.frame path.box:not(.edge)').getAttribute('d')).toBe('M10 20h100v60h-100zM200 50h80v90h-80z');
    expect(await page.locator('[data-others]').textContent()).toBe('dog, <b>bird</b>');
    await page.keyboard.press('ArrowDown');
    await caption(page, 1).waitFor();
    expect(await question(page).textContent()).toContain('Is the label “dog” missing?');
    await page.locator('[data-others]', { hasText: 'cat, <b>bird</b>' }).waitFor();
    expect(await page.locator('.frame path.box:not(.edge)').count()).toBe(0);
    await close();
  });

  it('is decided by keys alone, each kept at once, and goes back step by step', async () => {
    const window = await show();
    const { page, close } = window;
    await caption(page, 0).waitFor();
    for (const [key, k] of [
      ['a', 1],
      ['R', 2],
      ['s', 3],
      ['ArrowDown', 4],
      ['a', 5],
    ] as const) {
      await page.keyboard.press(key);
      await caption(page, k).waitFor();
    }
    const four = ['image-0.jpg cat accept', 'image-1.jpg dog reject', 'image-2.jpg cat skip', 'image-4.jpg cat accept'];
    await expect.poll(() => decided(window)).toEqual(four);
    await progress(page)
      .filter({ hasText: '4 of 5,000 (the most doubtful of 6,200) decided: 2 accepted, 1 rejected, 1 skipped' })
      .waitFor();
    await page.keyboard.press('u');
    await caption(page, 4).waitFor();
    await page.keyboard.press('u');
    await caption(page, 2).waitFor();
    await progress(page).filter({ hasText: '2 of 5,000' }).waitFor();
    await expect.poll(() => decided(window).slice(4)).toEqual(['image-4.jpg cat null', 'image-2.jpg cat null']);
    await page.keyboard.press('a');
    await caption(page, 3).waitFor();
    await expect.poll(() => decided(window).at(-1)).toBe('image-2.jpg cat accept');
    await close();
  });

  it('filters by category, kind and what was decided, and leaves letters to those who type', async () => {
    const decisions: Decision[] = [
      { image: 'image-0.jpg', category: 'cat', decision: 'accept' },
      { image: 'image-3.jpg', category: 'dog', decision: 'reject' },
    ];
    const window = await show({ ...DATA, review: { ...REVIEW, decisions } });
    const { page, close } = window;
    const shown = page.locator('[data-shown]');
    await shown.filter({ hasText: '4,998 shown' }).waitFor();
    await page.locator('[data-filter="kind"]').selectOption('wrong?');
    await shown.filter({ hasText: '1,665 shown' }).waitFor();
    await page.locator('[data-filter="category"]').selectOption('dog (2,500)');
    await shown.filter({ hasText: '832 shown' }).waitFor();
    await caption(page, 9).waitFor();
    await page.locator('[data-filter="state"]').focus();
    await page.keyboard.press('a');
    expect(decided(window)).toEqual([]);
    await page.locator('[data-filter="state"]').selectOption('rejected');
    await shown.filter({ hasText: /^1 shown/ }).waitFor();
    await caption(page, 3).waitFor();
    await page.locator('[data-filter="state"]').selectOption('skipped');
    await page.locator('[data-empty]').waitFor();
    await close();
  });

  it('scrolls over 5,000 suspects with the elements of a few screens, and keeps the keyboard in the list', async () => {
    const { page, complaints, close } = await show(DATA, 'dark', { state: 'all' });
    const grid = page.getByRole('grid');
    await page.locator('.line').first().click();
    expect(await grid.getAttribute('aria-rowcount')).toBe('5000');
    const most = await grid.evaluate(async (element) => {
      let nodes = 0;
      for (let step = 0; step < 100; step++) {
        element.scrollTop += step % 3 === 0 ? 4000 : 40;
        await new Promise(requestAnimationFrame);
        nodes = Math.max(nodes, element.querySelectorAll('*').length);
      }
      return nodes;
    });
    expect(most).toBeLessThan(400);
    await page.keyboard.press('Control+End');
    await caption(page, COUNT - 1).waitFor();
    await page.keyboard.press('ArrowUp');
    await caption(page, COUNT - 2).waitFor();
    await page.keyboard.press('r');
    await caption(page, COUNT - 1).waitFor();
    expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset.index)).toBe(String(COUNT - 1));
    await page.keyboard.press('r');
    // The last one has none after it.
    await page.locator('.line.chosen .sign', { hasText: '✗' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('lays Grad-CAM over the image when it is asked to, also by a key, ahead of the one at hand, and says whose it is', async () => {
    const window = await showWindow(browser, 'review', { data: DATA, calls: { image: imageOf, thumbnails, explain: mapOf } });
    const { page, complaints, close } = window;
    await page.locator('figure img[src^="blob:"]').waitFor();
    expect(explained(window)).toEqual([]);
    await page.keyboard.press('g');
    const heat = page.locator('canvas.heat');
    await heat.waitFor();
    const [left, right] = await heat.evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 5, canvas.width, 1);
      return [data.slice(0, 3), data.slice(-4, -1)].map((colour) => [...colour]);
    });
    // The colour map goes from blue to red.
    expect([left![2]! > left![0]!, right![0]! > right![2]!]).toEqual([true, true]);
    expect(await heat.evaluate((canvas) => canvas.style.opacity)).toBe('0.5');
    const [over, under] = [await heat.boundingBox(), await page.locator('figure img').boundingBox()];
    expect(over).toEqual(under);
    await page.locator('[data-heat]', { hasText: 'by the model first <i>run</i>' }).waitFor();
    const [first, second] = [0, 1].map((row) => ({ row, category: CATEGORIES[row % 2]! }));
    await expect.poll(() => explained(window)).toEqual([first, second]);
    await page.keyboard.press('s');
    await caption(page, 1).waitFor();
    await heat.waitFor();
    await expect.poll(() => explained(window)).toHaveLength(3);
    await page.locator('[data-explain]').click();
    await expect.poll(() => heat.isVisible()).toBe(false);
    expect(await page.locator('[data-heat]').textContent()).toBe('');
    // The maps may be of another model when they are asked for again.
    await page.keyboard.press('g');
    await expect.poll(() => explained(window)).toHaveLength(5);
    expect(complaints).toEqual([]);
    await close();
  });

  it('says why there is no map, and lays none over a picture that is shown turned', async () => {
    const explain = ({ row, category }: { readonly row: number; readonly category: string }) => {
      if (row === 0) throw new Error('No model knows “cat”: train one on it first.');
      return mapOf({ category });
    };
    const turned = (params: { readonly rows: readonly number[] }) =>
      thumbnails(params).map((one) => ({ ...one, ...(one.row === 1 && { isTurned: true }) }));
    const calls = { image: imageOf, thumbnails: turned, explain };
    const { page, complaints, close } = await showWindow(browser, 'review', { data: DATA, calls });
    const note = page.locator('[data-heat]');
    await page.locator('figure img[src^="blob:"]').waitFor();
    await page.keyboard.press('g');
    await note.filter({ hasText: 'No model knows “cat”' }).waitFor();
    expect(await page.locator('canvas.heat').isVisible()).toBe(false);
    await page.keyboard.press('ArrowDown');
    await note.filter({ hasText: 'this picture is turned: open it to see the map' }).waitFor();
    expect(await page.locator('canvas.heat').isVisible()).toBe(false);
    await page.keyboard.press('ArrowDown');
    await page.locator('canvas.heat').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('writes the corrected copy once something is accepted, and says what changed and where', async () => {
    const { page, asked, close } = await show();
    const write = page.locator('[data-correct]');
    await caption(page, 0).waitFor();
    expect(await write.isDisabled()).toBe(true);
    await page.keyboard.press('a');
    await write.click();
    await page.locator('[data-corrected]').waitFor();
    expect(await page.locator('[data-corrected]').textContent()).toContain(
      '2 labels are added and 1 removed in /data/instances.reviewed.json; what was changed stands in instances.reviewed.changes.json.',
    );
    expect(called({ asked })).toContain('correct');
    await close();
  });

  it('says what cannot be kept, and that the file has changed', async () => {
    const fail = () => {
      throw new Error('The disk is full.');
    };
    const { page, tell, asked, close } = await showWindow(browser, 'review', {
      data: DATA,
      calls: { image: imageOf, thumbnails, decide: fail },
    });
    await caption(page, 0).waitFor();
    await page.keyboard.press('a');
    await page.getByRole('alert').filter({ hasText: 'The disk is full.' }).waitFor();
    await tell({ event: { changed: true } });
    await page.locator('[data-changed] [data-find]').click();
    await expect.poll(() => called({ asked })).toContain('find');
    await close();
  });

  it('offers to decide as on the content before', async () => {
    const earlier = {
      file: '/runs/reviews/old.json',
      decisions: [{ image: 'image-0.jpg', category: 'cat', decision: 'accept' as const }],
    };
    const { page, asked, tell, close } = await show({ ...DATA, review: { ...REVIEW, earlier } });
    await page.locator('[data-carry]').click();
    await expect.poll(() => called({ asked })).toContain('carryOver');
    await tell({ event: { review: { ...REVIEW, earlier, decisions: earlier.decisions } } });
    await progress(page).filter({ hasText: '1 of 5,000' }).waitFor();
    expect(await page.locator('[data-carry]').count()).toBe(0);
    await close();
  });

  it('is a table of suspects and of noise in a report, with what was decided', async () => {
    const [first, second] = suspects;
    const decisions: Decision[] = [
      { ...first!, decision: 'accept' },
      { ...second!, decision: 'skip' },
    ];
    const page = await showReport(browser, { reviews: [{ result: RESULT, decisions }] });
    const rows = page.locator('[data-card="suspects"] tbody tr');
    await rows.first().waitFor();
    await picture(page, 'suspects-report');
    expect(await rows.first().allTextContents()).toEqual([
      expect.stringMatching(/image-0\.jpg\s*cat\s*wrong\?\s*0\.000\s*0\.000\s*accepted/),
    ]);
    expect(await page.locator('[data-card="suspects"] p').first().textContent()).toMatch(
      /6,200 were found; 1 accepted, 0 rejected, 1 skipped/,
    );
    await page.getByRole('columnheader', { name: 'Out-of-fold score' }).getByRole('button').click();
    await expect.poll(() => rows.first().textContent()).toMatch(/image-1\.jpg.*missing/s);
    const noise = page.locator('[data-card="label-noise"]');
    expect(await noise.locator('tbody tr').allTextContents()).toEqual(
      CATEGORIES.map((name) => expect.stringContaining(name) as string),
    );
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  it.each(['light', 'dark', 'high-contrast'] as const)('can be used by everybody: %s', async (theme) => {
    const decisions = [{ image: 'image-1.jpg', category: 'dog', decision: 'accept' as const }];
    const { page, complaints, close } = await show({ ...DATA, review: { ...REVIEW, decisions } }, theme, { state: 'all' });
    await page.locator('figure img[src^="blob:"]').waitFor();
    await page.locator('.frame .box-name').first().waitFor();
    await page.keyboard.press('g');
    await page.locator('canvas.heat').waitFor();
    await picture(page, `review-${theme}`);
    expect(await page.locator('b').count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Categories' }).click();
    await page.locator('th', { hasText: 'Noise rate' }).waitFor();
    expect(await page.locator('tr', { hasText: '<b>bird</b>' }).locator('td').allTextContents()).toContain('–');
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});
