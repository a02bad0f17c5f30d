// The evaluation panel in a real browser: the slider, the cells of the confusion chart, the images behind them.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decide } from '../../src/metrics/decision';
import { evaluate } from '../../src/metrics/evaluate';
import { wrongImages } from '../../src/metrics/wrong';
import type { EvaluationData } from '../../src/protocol/windows';
import { scoredSetOf } from '../../webview/evaluation/model';
import { evaluationData } from './evaluation-data';
import { NO_BROWSER, showWindow, startBrowser, violations } from './window';
import { bootstrap } from '../support/bootstrap';

const DATA = evaluationData({ images: 200, categories: ['dog', '<b>cat</b>', 'potted plant'] });
const SET = scoredSetOf(DATA);

/** Of each tile its number and the ends of its interval, from the metrics by themselves. */
function tilesAt(threshold: number): number[] {
  const { micro, macro, jaccard, exactMatch, hammingLoss, CF1 } = decide(SET, threshold);
  const intervals = bootstrap(SET, threshold);
  const three = ['f1', 'precision', 'recall'] as const;
  const tiles = [
    ...three.map((key) => [micro[key], intervals.micro[key]]),
    [jaccard, intervals.jaccard],
    ...three.map((key) => [macro[key], intervals.macro[key]]),
    [CF1, intervals.CF1],
    [exactMatch, intervals.exactMatch],
    [hammingLoss, intervals.hammingLoss],
    [DATA.result.evaluation.mAP, intervals.mAP],
    [DATA.result.evaluation.loss, intervals.loss],
  ];
  return tiles.flat(2) as number[];
}

/** One image shows the last category, and its score is the highest. */
function withRare(categories: readonly string[]): EvaluationData {
  const data = evaluationData({ images: 200, categories });
  const rare = categories.length - 1;
  const images = data.images.map((image, row) => ({
    ...image,
    labels: [...image.labels.filter((c) => c !== rare), ...(row === 0 ? [rare] : [])],
    scores: image.scores.with(rare, row === 0 ? 0.9 : 0.1),
  }));
  const set = scoredSetOf({ ...data, images });
  return { ...data, images, result: { ...data.result, evaluation: { ...evaluate(set), intervals: bootstrap(set, 0.5) } } };
}

describe.skipIf(NO_BROWSER !== '')(`the evaluation panel${NO_BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  it('says what the metrics say at the threshold, and follows the slider', async () => {
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data: DATA });
    const f1 = page.locator('[data-tile="micro-f1"] dd').first();
    expect(await f1.textContent()).toContain(decide(SET, 0.5).micro.f1.toFixed(3));
    await page.getByLabel('Threshold', { exact: true }).fill('0.3');
    await expect.poll(() => f1.textContent()).toContain(decide(SET, 0.3).micro.f1.toFixed(3));
    expect(complaints).toEqual([]);
    await close();
  });

  it('leads to an image with its map, by mouse and by keyboard', async () => {
    const { page, asked, close } = await showWindow(browser, 'evaluation', { data: DATA });
    const look = page.getByRole('button', { name: 'See Where It Looks' });
    await look.click();
    await look.press('Enter');
    await expect.poll(() => asked.map(({ params }) => params.command)).toEqual(['seeWhereItLooks', 'seeWhereItLooks']);
    await close();
  });

  it("has the intervals of each category in the table: of AP at any threshold, of F1 at the slider's place", async () => {
    const { result } = DATA;
    const intervals = bootstrap(SET, 0.5);
    const evaluation = { ...result.evaluation, intervals };
    const { page, close } = await showWindow(browser, 'evaluation', { data: { ...DATA, result: { ...result, evaluation } } });
    const cells = () => page.locator('[data-card="categories"] tr', { hasText: 'dog' }).locator('td').allTextContents();
    const words = (interval: readonly [number, number] | null) => interval!.map((end) => end.toFixed(3)).join('–');
    const [own] = intervals.perCategory;
    await page.locator('[data-card="categories"]').scrollIntoViewIfNeeded();
    await expect.poll(async () => (await cells()).slice(-2).map((text) => text.trim())).toEqual([words(own!.f1), words(own!.ap)]);
    await page.getByLabel('Threshold', { exact: true }).fill('0.3');
    await page.locator('[data-card="categories"]').scrollIntoViewIfNeeded();
    const moved = words(bootstrap(SET, 0.3).perCategory[0]!.f1);
    expect(moved).not.toBe(words(own!.f1));
    await expect.poll(async () => (await cells()).slice(-2).map((text) => text.trim())).toEqual([moved, words(own!.ap)]);
    await close();
  });

  it('shows below every tile the interval of its number, which follows the slider too', async () => {
    const { result } = DATA;
    const evaluation = { ...result.evaluation, intervals: bootstrap(SET, 0.5) };
    const { page, close } = await showWindow(browser, 'evaluation', { data: { ...DATA, result: { ...result, evaluation } } });
    const distance = async (wanted: readonly number[]) => {
      const shown = await page.locator('.tile').evaluateAll((all) => all.map((tile) => tile.textContent ?? ''));
      const numbers = shown.flatMap((text) => [...text.matchAll(/\d\.\d{3}/g)].map(([number]) => Number(number)));
      return numbers.length === wanted.length ? Math.max(...numbers.map((number, k) => Math.abs(number - wanted[k]!))) : NaN;
    };
    for (const threshold of [0.5, 0.3, 0.62]) {
      await page.getByLabel('Threshold', { exact: true }).fill(String(threshold));
      // Three digits are shown.
      await expect.poll(() => distance(tilesAt(threshold))).toBeLessThan(0.000501);
    }
    await close();
  });

  it('says where an interval is not known, since nearly all resamples say the same, and where those of means are too narrow', async () => {
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data: withRare(['dog', 'cat', 'emu']) });
    const card = page.locator('[data-card="categories"]');
    await card.scrollIntoViewIfNeeded();
    const cells = card.locator('tr', { hasText: 'emu' }).locator('td');
    const last = async () => (await cells.allTextContents()).slice(-2).map((text) => text.trim());
    await expect.poll(last).toEqual(['0.000–1.000', 'not known']);
    expect(await card.locator('p').textContent()).toContain('every resample of the images gives the same number');
    // One of three is not more than a third.
    expect(await page.locator('[data-notice="few-positives"]').count()).toBe(0);
    await close();
    // At this threshold nothing is predicted.
    const alone = await showWindow(browser, 'evaluation', { data: withRare(['emu']), kept: { threshold: 0.95 } });
    const tile = (key: string) => alone.page.locator(`[data-tile="${key}"]`);
    await expect.poll(() => tile('micro-f1').locator('.below').textContent()).toBe('not known');
    expect(await tile('micro-f1').getAttribute('title')).toContain('every resample');
    expect(await tile('map').locator('.below').textContent()).toBe('not known');
    const notice = alone.page.locator('[data-notice="few-positives"]');
    expect(await notice.textContent()).toContain('1 of 1 categories have fewer than 10 images');
    expect([...complaints, ...alone.complaints]).toEqual([]);
    await alone.close();
  });

  it('explains what is not known also where only the place of the slider makes it so', async () => {
    // The evaluation has no intervals at all; at its threshold none is unknown.
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data: DATA });
    const card = page.locator('[data-card="categories"]');
    const ofF1 = async () => (await card.locator('tr', { hasText: 'dog' }).locator('td').allTextContents()).at(-2)!.trim();
    await card.scrollIntoViewIfNeeded();
    await expect.poll(ofF1).toMatch(/^0\.\d{3}–0\.\d{3}$/);
    await page.getByLabel('Threshold', { exact: true }).fill('1');
    await card.scrollIntoViewIfNeeded();
    await expect.poll(ofF1).toBe('not known');
    expect(await card.locator('p').textContent()).toContain('nearly every resample of the images gives the same number');
    expect(complaints).toEqual([]);
    await close();
  });

  it('moves the rows of its long table that are in sight at once, and every row when the slider rests or the table is scrolled', async () => {
    const names = Array.from({ length: 80 }, (_, c) => `category ${String(c).padStart(2, '0')}`);
    const many = evaluationData({ images: 200, categories: names });
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data: many });
    const table = page.locator('[data-card="categories"] table');
    const rows = () =>
      table
        .locator('tbody tr')
        .evaluateAll((all) => all.map((row) => [...row.children].slice(0, 6).map((cell) => cell.textContent.trim())));
    const at = (threshold: number) =>
      decide(scoredSetOf(many), threshold).perCategory.map(({ category, tp, fp, fn, tn }) => [
        category,
        ...[tp + fn, tp, fp, fn, tn].map(String),
      ]);
    const byName = (all: readonly string[][]) => [...all].sort(([a], [b]) => a!.localeCompare(b!));
    await expect.poll(async () => byName(await rows())).toEqual(at(0.5));
    const first = (await rows())[0]![0]!;
    const row = (all: readonly string[][], name: string) => all.find(([category]) => category === name);
    // Moves the slider all the time, so that it does not rest, and reads the table between two moves.
    const whileMoving = (thresholds: readonly number[]) =>
      table.evaluate(async (element, places) => {
        const slider = document.querySelector<HTMLInputElement>('#threshold')!;
        const box = element.closest('.scroll')!;
        const read: string[][][] = [];
        for (const [k, place] of places.entries()) {
          slider.value = String(place);
          slider.dispatchEvent(new Event('input', { bubbles: true }));
          if (k === places.length - 2) box.scrollTop = box.scrollHeight;
          await new Promise((wake) => requestAnimationFrame(() => requestAnimationFrame(wake)));
          const trs = [...element.querySelectorAll('tbody tr')];
          read.push(trs.map((row) => [...row.children].slice(0, 6).map((cell) => cell.textContent.trim())));
        }
        return read;
      }, thresholds);
    // What is below the window is out of sight as well.
    const atTop = async () => row((await whileMoving([0.4, 0.42]))[0]!, first)!.join() !== row(at(0.4), first)!.join();
    // Asked for so seldom that it rests in between.
    await expect.poll(atTop, { interval: 300 }).toBe(true);
    await expect.poll(async () => byName(await rows())).toEqual(at(0.42));
    const box = page.locator('[data-card="categories"] .scroll');
    await box.evaluate((element) => element.scrollTo(0, 0));
    await box.scrollIntoViewIfNeeded();
    await page.evaluate(() => new Promise((wake) => requestAnimationFrame(() => requestAnimationFrame(wake))));
    const moves = [0.52, 0.54, 0.56, 0.58, 0.6];
    const read = await whileMoving(moves);
    for (const [k, threshold] of moves.slice(0, 3).entries()) expect(row(read[k]!, first)).toEqual(row(at(threshold), first));
    const last = read[4]!.at(-1)![0]!;
    expect(row(read[4]!, last)).toEqual(row(at(0.6), last));
    await expect.poll(async () => byName(await rows())).toEqual(at(0.6));
    // Rows far out of sight wait while it moves, unless the machine is so busy that a frame takes longer than a rest.
    const waiting = async () =>
      byName((await whileMoving([0.4, 0.42]))[0]!).some((cells, k) => cells.join() !== at(0.4)[k]!.join());
    await expect.poll(waiting, { interval: 300 }).toBe(true);
    await expect.poll(async () => byName(await rows())).toEqual(at(0.42));
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows as many images as a cell counts, and opens the one that is chosen', async () => {
    const { page, asked, close } = await showWindow(browser, 'evaluation', { data: DATA });
    await page.locator('[data-cell="fn"]').press('Enter');
    const missed = decide(SET, 0.5).perCategory[0]!.fn;
    const images = page.locator('[data-card="images"]');
    await expect.poll(() => images.locator('h2').textContent()).toContain(`(${missed})`);
    await images.locator('.virtual-cell').first().click();
    await expect.poll(() => asked.find(({ call }) => call === 'open')?.params.file).toMatch(/^\/data\/images\//);
    await close();
  });

  it('shows the images that keep a number over all categories from being perfect', async () => {
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data: DATA, kept: { threshold: 0.4 } });
    const images = page.locator('[data-card="images"]');
    const number = (metric: string) => page.locator(`[data-tile="${metric}"] button`);
    const verdicts = images.locator('.virtual-cell:not([hidden]) .verdict');
    const shown = async () =>
      new Set(await verdicts.evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.verdict)));
    await number('micro-precision').click();
    await expect.poll(() => images.locator('h2').textContent()).toContain(`(${wrongImages(SET, 0.4, 'false-alarm').length})`);
    await expect.poll(shown).toEqual(new Set(['false alarm']));
    await number('micro-recall').press('Enter');
    await expect.poll(() => images.locator('h2').textContent()).toContain(`(${wrongImages(SET, 0.4, 'miss').length})`);
    await expect.poll(shown).toEqual(new Set(['miss']));
    await number('exact-match').click();
    await expect.poll(() => images.locator('h2').textContent()).toContain(`(${wrongImages(SET, 0.4, 'any').length})`);
    await page.getByLabel('Threshold', { exact: true }).fill('0.6');
    await expect.poll(() => images.locator('h2').textContent()).toContain(`(${wrongImages(SET, 0.6, 'any').length})`);
    expect(await number('map').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it('keeps threshold, category and cell when it is loaded again, and passes the rules of accessibility', async () => {
    const kept = { threshold: 0.4, category: 1, cell: 'fp' };
    for (const theme of ['dark', 'light', 'high-contrast'] as const) {
      const { page, close } = await showWindow(browser, 'evaluation', { data: DATA, kept, theme });
      await expect.poll(() => page.locator('[data-card="images"] h2').textContent()).toContain('<b>cat</b>: false alarms');
      expect(await violations(page)).toEqual([]);
      await close();
    }
  });
});
