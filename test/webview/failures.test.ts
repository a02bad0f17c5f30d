// The tab of failures and the gallery in a real browser: slices, pairs, the images behind their numbers, Grad-CAM over them, the keyboard.
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decide } from '../../src/metrics/decision';
import { evaluate } from '../../src/metrics/evaluate';
import { pairsAt } from '../../src/metrics/pairs';
import { imagesBehind } from '../../src/metrics/predicted';
import { sliceAt } from '../../src/metrics/slices';
import { slicingsOf } from '../../src/metrics/slicings';
import type { EvaluationData } from '../../src/protocol/windows';
import { scoredSetOf } from '../../webview/evaluation/model';
import { evaluationData } from './evaluation-data';
import { NO_BROWSER, showReport, showWindow, startBrowser, violations } from './window';

const CATEGORIES = ['dog', '<b>cat</b>', 'potted plant'];
const PLAIN = evaluationData({ images: 240, categories: CATEGORIES });
const FACTS: NonNullable<EvaluationData['facts']> = {
  images: PLAIN.images.map(({ labels, file }, row) => ({
    file_name: file,
    width: 100 + (row % 50),
    height: 100,
    areas: labels.map((c) => (row % 7 === 0 ? 'crowd' : 200 * (1 + ((row * 7 + c) % 90)))),
  })),
  fields: [{ name: '<i>weather</i>', values: PLAIN.images.map((_, row) => (row % 3 === 0 ? '<b>rain</b>' : null)) }],
  leftOut: [{ name: 'coco_url', reason: 'too-many-values' }],
};
const DATA: EvaluationData = { ...PLAIN, facts: FACTS };
const SET = scoredSetOf(DATA);
const KEPT = { tab: 'failures', threshold: 0.5 };

function withoutLabels(data: EvaluationData): EvaluationData {
  const set = scoredSetOf(data);
  const evaluation = evaluate({ ...set, labels: new Uint8Array(set.labels.length) });
  return { ...data, result: { ...data.result, evaluation }, images: data.images.map((image) => ({ ...image, labels: [] })) };
}

describe.skipIf(NO_BROWSER !== '')(`the tab of failures${NO_BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  it('shows slices and pairs with the numbers of the metrics, follows the slider, and passes the rules of accessibility', async () => {
    for (const theme of ['dark', 'light', 'high-contrast'] as const) {
      const { page, complaints, close } = await showWindow(browser, 'evaluation', { data: DATA, kept: KEPT, theme });
      const slices = page.locator('[data-card="slices"]');
      const area = slicingsOf(SET, FACTS).find(({ name }) => name === 'area')!;
      const worst = (threshold: number) => sliceAt(SET, threshold, area.groups).slices[0]!.recall!.toFixed(3);
      await expect.poll(() => slices.locator('.choice').first().textContent()).toContain(worst(0.5));
      await page.getByLabel('Threshold', { exact: true }).fill('0.3');
      await expect.poll(() => slices.locator('.choice').first().textContent()).toContain(worst(0.3));
      const pair = pairsAt(SET, 0.3).find(({ kind }) => kind === 'confused')!;
      const row = page.locator('[data-card="pairs"] tbody tr').first();
      expect(await row.locator('th').textContent()).toContain(CATEGORIES[pair.a]!);
      expect(await row.locator('td').nth(1).textContent()).toContain(String(pair.images));
      await slices.getByRole('button', { name: 'Table' }).click();
      expect(await violations(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    }
  });

  it('slices by fields, whose names and values are text', async () => {
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data: DATA, kept: KEPT });
    await page.getByRole('combobox', { name: /^Slices by/ }).selectOption({ label: 'field <i>weather</i>' });
    const dots = page.locator('[data-card="slices"] .choice');
    await expect.poll(() => dots.count()).toBe(2);
    expect((await dots.allTextContents()).join()).toContain('<b>rain</b>');
    expect(await page.locator('#root i, #root b').count()).toBe(0);
    await page.getByText('coco_url (too many different values)').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('asks to evaluate again where an older evaluation kept no facts, and still slices by labels', async () => {
    const { page, close } = await showWindow(browser, 'evaluation', { data: PLAIN, kept: { ...KEPT, failures: { by: 'area' } } });
    await page.locator('[data-notice="facts"]', { hasText: 'Evaluate the model again' }).waitFor();
    await expect.poll(() => page.locator('[data-card="slices"] .choice').count()).toBeGreaterThan(1);
    expect(
      await page
        .getByRole('combobox', { name: /^Slices by/ })
        .locator('option')
        .allTextContents(),
    ).toEqual(['number of labels', 'category that is there too']);
    await close();
  });

  it.each([
    ['one category', evaluationData({ images: 40, categories: ['dog'] }), 'The model knows one category'],
    ['one image', evaluationData({ images: 1, categories: ['dog', 'cat'] }), undefined],
    ['no image with a label', withoutLabels(evaluationData({ images: 40, categories: ['dog', 'cat'] })), 'no such pairs'],
  ])('every tab says something sensible of %s', async (_, data, words) => {
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data, kept: KEPT });
    if (words !== undefined) await page.locator('[data-card="pairs"]', { hasText: words }).waitFor();
    for (const tab of ['Overview', 'Failures', 'Thresholds', 'Calibration', 'Where It Looks']) {
      await page.getByRole('tab', { name: tab }).click();
      const shown = page.getByRole('tabpanel');
      await expect.poll(() => shown.locator('progress, [aria-busy="true"]').count()).toBe(0);
      expect(await shown.textContent(), tab).not.toMatch(/NaN|undefined|Infinity|∞/);
      expect(await shown.locator('svg').evaluateAll((charts) => charts.map((chart) => chart.outerHTML).join())).not.toContain(
        'NaN',
      );
    }
    expect(complaints).toEqual([]);
    await close();
  });

  it('opens the images behind a slice and behind a pair from the keyboard', async () => {
    const { page, asked, close } = await showWindow(browser, 'evaluation', { data: DATA, kept: KEPT });
    const first = page.locator('[data-card="slices"] .choice').first();
    await first.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const images = page.locator('[data-card="images"]');
    const area = slicingsOf(SET, FACTS).find(({ name }) => name === 'area')!;
    const second = sliceAt(SET, 0.5, area.groups).slices[1]!;
    await expect.poll(() => images.locator('h2').textContent()).toContain(`(${second.positives})`);
    await expect.poll(() => page.evaluate(() => document.activeElement?.className)).toBe('virtual-cell');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await expect.poll(() => asked.filter(({ call }) => call === 'open').length).toBe(1);
    const pair = pairsAt(SET, 0.5).find(({ kind }) => kind === 'confused')!;
    await page.locator('[data-card="pairs"] td button').first().press('Enter');
    await expect.poll(() => images.locator('h2').textContent()).toContain(`(${pair.images})`);
    // Another tab has other numbers.
    await page.getByRole('tab', { name: 'Overview' }).click();
    await expect.poll(() => images.count()).toBe(0);
    await close();
  });

  it('shows the images behind the counts of the table of categories', async () => {
    const { page, asked, close } = await showWindow(browser, 'evaluation', { data: DATA, kept: { threshold: 0.5 } });
    const counts = decide(SET, 0.5).perCategory[1]!;
    const row = page.locator('[data-card="categories"] tbody tr', { hasText: '<b>cat</b>' });
    const images = page.locator('[data-card="images"]');
    for (const [k, cell] of (['tp', 'fp', 'fn', 'tn'] as const).entries()) {
      await row.locator('td button').nth(k).click();
      await expect.poll(() => images.locator('h2').textContent()).toContain(`(${counts[cell]})`);
      expect(await images.locator('.virtual-cell .verdict').first().textContent()).toContain('<b>cat</b>');
    }
    await images.locator('.virtual-cell').first().click();
    const worst = imagesBehind(SET, 1, 'tn', 0.5)[0]!;
    await expect.poll(() => asked.find(({ call }) => call === 'open')?.params.file).toBe(DATA.images[worst.row]!.file);
    await images.getByLabel('Order').selectOption({ label: 'lowest score first' });
    const lowest = imagesBehind(SET, 1, 'tn', 0.5).at(-1)!;
    await expect.poll(() => images.locator('.verdict').first().textContent()).toContain(lowest.score.toFixed(2));
    await close();
  });

  it('moves the pairs that are in sight alone while the slider does not rest, also those that came with its first move', async () => {
    const categories = Array.from({ length: 40 }, (_, c) => `category ${c}`);
    const data = evaluationData({ images: 400, categories });
    const { page, complaints, close } = await showWindow(browser, 'evaluation', {
      data,
      kept: { ...KEPT, threshold: 0.1 },
      size: { width: 1280, height: 1400 },
    });
    const body = page.locator('[data-card="pairs"] tbody');
    // By move: how many rows there are, and how many of them were written.
    const drag = () =>
      body.evaluate(async (element) => {
        const slider = document.querySelector<HTMLInputElement>('#threshold')!;
        const frame = () => new Promise((wake) => requestAnimationFrame(() => requestAnimationFrame(wake)));
        const found: (readonly [rows: number, written: number])[] = [];
        for (const place of [0.1, 0.5, 0.52, 0.54, 0.56]) {
          const written = new Set<Element | null | undefined>();
          const watcher = new MutationObserver((records) =>
            records.forEach(({ target }) => written.add(target.parentElement?.closest('tr'))),
          );
          watcher.observe(element, { subtree: true, characterData: true });
          slider.value = String(place);
          slider.dispatchEvent(new Event('input', { bubbles: true }));
          await frame();
          watcher.disconnect();
          found.push([element.children.length, written.size]);
        }
        return found;
      });
    await body.waitFor({ state: 'attached' });
    // Unless the machine is so busy that a frame takes longer than a rest.
    await expect.poll(async () => (await drag()).at(-1)!.map((count) => count > 0 && count < 50)).toEqual([false, true]);
    const [none, some] = await drag();
    expect([none![0], some![0]]).toEqual([0, 100]);
    expect(complaints).toEqual([]);
    await close();
  });

  it('says of the same images what they are at another threshold, and follows it when it comes back into sight', async () => {
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data: DATA, kept: KEPT });
    await page.locator('[data-card="slices"] .choice').first().click();
    const images = page.locator('[data-card="images"]');
    const slider = page.getByLabel('Threshold', { exact: true });
    const verdicts = images.locator('.virtual-cell:not([hidden]) .verdict');
    const shown = async () =>
      new Set(await verdicts.evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.verdict)));
    // The labels of an area, whatever is predicted.
    await expect.poll(shown).toContain('miss');
    const words = await images.locator('h2').textContent();
    await slider.fill('0');
    await expect.poll(shown).toEqual(new Set(['hit']));
    expect(await images.locator('h2').textContent()).toBe(words);
    await page.evaluate(() => scrollTo(0, 0));
    await slider.fill('1');
    await images.scrollIntoViewIfNeeded();
    await expect.poll(shown).toEqual(new Set(['miss']));
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows the labels of an area with the scores of the evaluation that is shown, and no longer where that is of other images', async () => {
    const { page, tell, complaints, close } = await showWindow(browser, 'evaluation', { data: DATA, kept: KEPT });
    await page.locator('[data-card="slices"] .choice').first().click();
    const images = page.locator('[data-card="images"]');
    const verdicts = images.locator('.virtual-cell:not([hidden]) .verdict');
    const shown = async () => new Set((await verdicts.allTextContents()).map((text) => /\d\.\d\d/.exec(text)?.[0]));
    await expect.poll(async () => (await shown()).size).toBeGreaterThan(2);
    const withScore = (score: number) => DATA.images.map((image) => ({ ...image, scores: image.scores.map(() => score) }));
    await tell({ data: { ...DATA, images: withScore(0.75) } });
    await expect.poll(shown).toEqual(new Set(['0.75']));
    await tell({ data: { ...DATA, images: withScore(0.25) } });
    await expect.poll(shown).toEqual(new Set(['0.25']));
    await tell({
      data: evaluationData({ images: 20, categories: CATEGORIES, facts: { ...FACTS, images: FACTS.images.slice(0, 20) } }),
    });
    await expect.poll(() => images.count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it('draws Grad-CAM over the pictures in sight when asked, and says where there is none', async () => {
    const picture = await sharp({ create: { width: 60, height: 30, channels: 3, background: '#888' } })
      .png()
      .toBuffer();
    const images = DATA.images.map((image) => ({ ...image, uri: 'picture.png' }));
    const map = { category: 'dog', score: 0.5, width: 2, height: 1, values: [0, 1] };
    let calls = 0;
    const { page, asked, complaints, close } = await showWindow(browser, 'evaluation', {
      data: { ...DATA, images },
      kept: { threshold: 0.5, cell: 'fp' },
      files: { 'picture.png': picture },
      calls: {
        explain: () => {
          if (++calls === 2) throw new Error('The file is gone.');
          return { map, settings: { colormap: 'jet', opacity: 0.5 } };
        },
      },
    });
    const gallery = page.locator('[data-card="images"]');
    await gallery.locator('.virtual-cell').first().waitFor();
    expect(asked.filter(({ call }) => call === 'explain')).toEqual([]);
    await gallery.getByRole('button', { name: 'Grad-CAM' }).click();
    const heat = gallery.locator('canvas.heat').first();
    await expect.poll(() => heat.isVisible()).toBe(true);
    const first = imagesBehind(SET, 0, 'fp', 0.5)[0]!;
    expect(asked.find(({ call }) => call === 'explain')!.params).toEqual({ file: DATA.images[first.row]!.file, category: 'dog' });
    const colours = await heat.evaluate((canvas: HTMLCanvasElement) => {
      const row = canvas.getContext('2d')!.getImageData(0, 5, canvas.width, 1).data;
      const pixel = (x: number) => [...row.subarray(4 * x, 4 * x + 4)];
      return { width: canvas.width, height: canvas.height, left: pixel(2), right: pixel(canvas.width - 3) };
    });
    // The picture's shape, and jet from blue to red.
    expect([colours.width, colours.height]).toEqual([256, 128]);
    expect(colours.left[2]!).toBeGreaterThan(100);
    expect(colours.right[0]!).toBeGreaterThan(100);
    await gallery.locator('.reason', { hasText: 'The file is gone.' }).waitFor();
    // Only what is in sight is asked for.
    const inSight = await gallery.locator('.virtual-cell:not([hidden])').count();
    await expect.poll(() => calls).toBeLessThanOrEqual(inSight);
    await gallery.getByRole('button', { name: 'Grad-CAM' }).click();
    await expect.poll(() => heat.isVisible()).toBe(false);
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows the first and the last of 5,000 images with few elements', async () => {
    const data = evaluationData({ images: 5000, categories: ['dog'] });
    const { page, close } = await showWindow(browser, 'evaluation', { data, kept: { threshold: 0, cell: 'tp' } });
    const set = scoredSetOf(data);
    const found = imagesBehind(set, 0, 'tp', 0);
    const gallery = page.locator('[data-card="images"]');
    await expect.poll(() => gallery.locator('h2').textContent()).toContain(`(${found.length.toLocaleString('en')})`);
    expect(found.length).toBeGreaterThan(2000);
    expect(await gallery.locator('.virtual-cell').count()).toBeLessThan(100);
    await gallery.locator('.virtual-cell').first().focus();
    await page.keyboard.press('Control+End');
    const last = data.images[found.at(-1)!.row]!.file.split('/').at(-1)!;
    await gallery.getByText(last).waitFor();
    expect(await gallery.locator('.virtual-cell').count()).toBeLessThan(100);
    await close();
  });

  it('shows the images of a bin of the reliability diagram', async () => {
    const { page, close } = await showWindow(browser, 'evaluation', { data: DATA, kept: { tab: 'calibration', threshold: 0.5 } });
    const card = page.locator('[data-card="bin-counts"]');
    await card.getByRole('button', { name: 'Table' }).click();
    const button = card.locator('td button').first();
    const count = await button.textContent();
    await button.click();
    await expect.poll(() => page.locator('[data-card="images"] h2').textContent()).toContain(`(${count!.trim()})`);
    await close();
  });
});

describe.skipIf(NO_BROWSER !== '')(`the report${NO_BROWSER}`, () => {
  it('names the images behind a number, and offers neither pictures nor maps', async () => {
    const browser = await startBrowser();
    const page = await showReport(browser, { evaluation: DATA });
    await page.getByRole('tab', { name: 'Failures' }).click();
    await page.locator('[data-card="pairs"] td button').first().click();
    const gallery = page.locator('[data-card="images"]');
    await gallery
      .getByText(/^\d{6}\.jpg$/)
      .first()
      .waitFor();
    expect(await gallery.locator('img, canvas').count()).toBe(0);
    expect(await gallery.getByRole('button', { name: 'Grad-CAM' }).count()).toBe(0);
    await browser.close();
  });
});
