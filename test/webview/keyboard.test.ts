// What the mouse reaches, the keyboard reaches too, and in high contrast it shows where it is.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluationData } from './evaluation-data';
import { DATA, browse, pictures } from './huge-dataset';
import { POINTING, SANITY, withLooking } from './looking-data';
import { NO_BROWSER, showWindow, startBrowser } from './window';

/** Runs in the page: descriptions of what looks clickable and takes no keyboard. */
const UNREACHABLE = `() => {
  const cursor = (element) => element && getComputedStyle(element).cursor;
  const own = 'button, a[href], input, select, summary, label, [tabindex]';
  return [...document.querySelectorAll('#root *')]
    .filter((element) => cursor(element) === 'pointer' && cursor(element.parentElement) !== 'pointer' && !element.closest(own))
    .map((element) => element.outerHTML.slice(0, 120));
}`;

/** Runs in the page: how the element with the keyboard, or a part of it, is marked. */
const MARKED = `() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const frame = element.querySelector('.cell-frame');
  const isMarked = (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || (frame && parseFloat(getComputedStyle(frame).strokeWidth) >= 3);
  return { name: element.outerHTML.slice(0, 120), isMarked, isEnd: element === document.body };
}`;

interface Mark {
  readonly name: string;
  readonly isMarked: boolean;
  readonly isEnd: boolean;
}

const MOST_STOPS = 120;

/** Presses Tab until it leaves the page: what it stopped at. */
async function stops(page: Page): Promise<readonly Mark[]> {
  const found: Mark[] = [];
  for (let k = 0; k < MOST_STOPS; k++) {
    await page.keyboard.press('Tab');
    const mark = await page.evaluate<Mark>(`(${MARKED})()`);
    if (mark.isEnd) break;
    found.push(mark);
  }
  return found;
}

async function checkKeyboard(page: Page, where: string): Promise<void> {
  expect(await page.evaluate<string[]>(`(${UNREACHABLE})()`), where).toEqual([]);
  const marks = await stops(page);
  expect(marks.length, where).toBeGreaterThan(5);
  expect(marks.length, where).toBeLessThan(MOST_STOPS);
  expect(
    marks.filter(({ isMarked }) => !isMarked).map(({ name }) => name),
    where,
  ).toEqual([]);
}

describe.skipIf(NO_BROWSER !== '')(`the keyboard${NO_BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  it.each(['overview', 'failures', 'thresholds', 'calibration', 'looking'])(
    'reaches all of the evaluation’s tab %s',
    async (tab) => {
      const plain = evaluationData({ images: 60, categories: ['dog', 'cat', 'potted plant'] });
      const data = tab === 'looking' ? withLooking({ pointing: POINTING, sanity: SANITY }) : plain;
      const { page, close } = await showWindow(browser, 'evaluation', { data, kept: { tab }, theme: 'high-contrast' });
      const panel = page.getByRole('tabpanel');
      await panel.locator('.card, button').first().waitFor();
      await expect.poll(() => panel.locator('progress, [aria-busy="true"]').count()).toBe(0);
      await checkKeyboard(page, tab);
      await close();
    },
  );

  it.each(['Report', 'Images'])('reaches all of the data set’s tab %s', async (tab) => {
    const calls = { browse, thumbnails: await pictures() };
    const { page, close } = await showWindow(browser, 'dataset', { data: DATA, theme: 'high-contrast', calls });
    await page.getByRole('tab', { name: tab }).click();
    if (tab === 'Images') await page.locator('.virtual-cell img').first().waitFor();
    await page.locator('body').evaluate((body) => {
      body.ownerDocument.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.blur();
    });
    await checkKeyboard(page, tab);
    await close();
  });
});
