// The side view in a real browser: labels and scores, what the annotation file says, keys, and what it says when something is missing.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabelsData } from '../../src/protocol/windows';
import { labelRows } from '../../webview/kit/labels';
import { NO_BROWSER, showWindow, startBrowser, violations } from './window';

const SCORES = { sheep: 0.2, dog: 0.9, '<img src=x onerror=alert(1)>': 0.6, cat: 0.45, cow: 0.3 };
const CATEGORIES = Object.keys(SCORES);

const DATA: LabelsData = {
  file: '/pictures/field.jpg',
  model: { folder: '/runs/one', name: 'first run', kind: 'run', categories: CATEGORIES },
  pinned: true,
  predicted: { file: '/pictures/field.jpg', labels: [], scores: SCORES },
  thresholds: { sheep: 0.5, dog: 0.5, '<img src=x onerror=alert(1)>': 0.5, cat: 0.4, cow: 0.5 },
  truth: { annotations: '/annotations.json', known: ['dog', 'cat', 'cow'], labels: ['dog', 'cow'] },
  error: null,
};

const SIZE = { width: 300, height: 800 };

describe('labelRows', () => {
  it('puts labels first, each part by falling score, and judges by each category’s own threshold', () => {
    expect(labelRows(DATA).map(({ category, isLabel, verdict }) => [category, isLabel, verdict])).toEqual([
      ['dog', true, 'hit'],
      ['<img src=x onerror=alert(1)>', true, 'none'],
      ['cat', true, 'false alarm'],
      ['cow', false, 'miss'],
      ['sheep', false, 'none'],
    ]);
  });
});

describe.skipIf(NO_BROWSER !== '')(`the side view${NO_BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  it('lists labels, then the others, with words for what the annotation file says', async () => {
    const { page, complaints, close } = await showWindow(browser, 'labels', { data: DATA, size: SIZE });
    const rows = page.locator('button.label');
    await rows.first().waitFor();
    const texts = (await rows.allTextContents()).map((text) => text.replace(/\s+/g, ' ').trim());
    expect(texts).toEqual([
      '✓ dog hit 0.90 label',
      '<img src=x onerror=alert(1)> 0.60 label',
      '✗ cat false alarm 0.45 label',
      '○ cow missed 0.30',
      'sheep 0.20',
    ]);
    expect(await page.locator('h2').allTextContents()).toEqual(['Labels', 'Other categories']);
    const marks = await page.locator('button.label .mark').evaluateAll((lines) => lines.map((line) => line.getAttribute('x1')));
    expect(marks.map(Number)).toEqual([50, 50, 40, 50, 50]);
    expect(complaints).toEqual([]);
    await close();
  });

  it('is walked through by keys, one stop of Tab, and Enter asks for the map', async () => {
    const { page, asked, tell, close } = await showWindow(browser, 'labels', { data: DATA, size: SIZE });
    await page.locator('button.label').first().focus();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-category'));
    for (const [key, category] of [
      ['ArrowDown', CATEGORIES[2]],
      ['End', 'sheep'],
      ['ArrowDown', 'sheep'],
      ['ArrowUp', 'cow'],
      ['Home', 'dog'],
      ['ArrowDown', CATEGORIES[2]],
    ] as const) {
      await page.keyboard.press(key);
      expect(await focused()).toBe(category);
    }
    await page.keyboard.press('Enter');
    await expect.poll(() => asked).toEqual([{ call: 'explain', params: { categories: [CATEGORIES[2]] } }]);
    const stops = () => page.locator('button.label[tabindex="0"]').evaluateAll((all) => all.map((one) => one.dataset.category));
    expect(await stops()).toEqual([CATEGORIES[2]]);
    const { dog, cow } = SCORES;
    await tell({ data: { ...DATA, predicted: { ...DATA.predicted!, scores: { dog, cow } } } });
    await page.locator('button.label[data-category="sheep"]').waitFor({ state: 'detached' });
    expect(await stops()).toEqual(['dog']);
    await close();
  });

  it('keeps the old rows, dimmed, while the engine works on the next image', async () => {
    const { page, tell, close } = await showWindow(browser, 'labels', { data: DATA, size: SIZE });
    await page.locator('button.label').first().waitFor();
    await tell({ data: { ...DATA, file: '/pictures/next.jpg', predicted: null, truth: null } });
    await page.locator('h1', { hasText: 'next.jpg' }).waitFor();
    expect(await page.locator('[aria-busy="true"] button.label').count()).toBe(5);
    await tell({ data: { ...DATA, file: '/pictures/next.jpg', predicted: { ...DATA.predicted!, scores: { dog: 0.1 } } } });
    await page.locator('h2', { hasText: 'No label above the threshold' }).waitFor();
    expect(await page.locator('[aria-busy="false"] button.label').count()).toBe(1);
    await close();
  });

  it.each([
    ['no model', { model: null, predicted: null }, 'There is no model yet', 'Train a Model', 'train'],
    ['no image', { file: null, predicted: null }, 'Open an image', 'Choose…', 'pinModel'],
    ['an error', { predicted: null, error: { code: 'x', message: 'It is gone.' } }, 'It is gone.', 'Show Output', 'showOutput'],
  ])('says what to do: %s', async (_, data, words, button, command) => {
    const shown = await showWindow(browser, 'labels', { data: { ...DATA, ...data }, size: SIZE });
    await shown.page.getByText(words).waitFor();
    await shown.page.getByText(button).click();
    await expect.poll(() => shown.asked).toEqual([{ call: 'command', params: { command } }]);
    expect(await violations(shown.page)).toEqual([]);
    await shown.close();
  });

  it.each(['light', 'dark', 'high-contrast'] as const)('can be used by everybody: %s', async (theme) => {
    const { page, close } = await showWindow(browser, 'labels', { data: DATA, size: SIZE, theme });
    await page.locator('button.label').first().waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(SIZE.width);
    await close();
  });
});
