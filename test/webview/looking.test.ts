// The evaluation panel's tab of where the model looks, in a real browser: numbers, misses, measuring, what a report shows.
import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA, POINTING, SANITY, withLooking } from './looking-data';
import { NO_BROWSER, showReport, showWindow, startBrowser, violations } from './window';

const pictures = process.env.LABELSCOPE_WINDOW_PICTURES;

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

describe.skipIf(NO_BROWSER !== '')(`where it looks, in the panel${NO_BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  const kept = { tab: 'looking' };

  it('measures when it is asked to, and says what went wrong', async () => {
    const calls = {
      measureLooking: ({ what }: { what: string }) => {
        if (what === 'pointing') throw new Error('The file gives no boxes.');
        return null;
      },
    };
    const { page, asked, close } = await showWindow(browser, 'evaluation', { data: DATA, kept, calls });
    await page.locator('[data-action="pointing"]').click();
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('The file gives no boxes.');
    await page.locator('[data-action="sanity"]').press('Enter');
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    expect(asked.map(({ params }) => params.what)).toEqual(['pointing', 'sanity']);
    await close();
  });

  it('shows the rates beside what chance gives, and every category that has an image', async () => {
    const data = withLooking({ pointing: POINTING, sanity: SANITY });
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data, kept });
    const rate = page.locator('[data-tile="rate"]');
    expect(await rate.textContent()).toContain(POINTING.overall.rate!.toFixed(3));
    expect(await rate.textContent()).toContain(POINTING.overall.chance!.toFixed(3));
    const card = page.locator('[data-card="pointing"]');
    expect(await card.locator('svg').textContent()).not.toContain('cow');
    await card.getByRole('button', { name: 'Table' }).click();
    const cat = card.locator('tr', { hasText: '<b>cat</b>' });
    const { cases, hits } = POINTING.perCategory[1]!;
    const cells = async () => (await cat.locator('td').allTextContents()).map((text) => text.trim());
    await expect.poll(cells).toEqual(expect.arrayContaining([String(cases), String(hits)]));
    expect(await page.locator('[data-verdict]').getAttribute('data-verdict')).toBe('depend');
    expect(complaints).toEqual([]);
    await close();
  });

  it('lists what it is sure of and looked elsewhere for, and opens the map of the one that is chosen', async () => {
    const data = withLooking({ pointing: POINTING, sanity: null });
    const { page, asked, close } = await showWindow(browser, 'evaluation', { data, kept });
    const card = page.locator('[data-card="looked-elsewhere"]');
    await card.locator('select').selectOption('<b>cat</b>');
    const missed = POINTING.cases
      .filter(({ hit, category }) => !hit && category === '<b>cat</b>')
      .sort((a, b) => b.score - a.score);
    await expect.poll(() => card.locator('h2').textContent()).toContain(`(${missed.length})`);
    await card.locator('.misses button').first().press('Enter');
    await expect
      .poll(() => asked.find(({ call }) => call === 'showMap')?.params)
      .toEqual({ file: missed[0]!.file, category: '<b>cat</b>' });
    await close();
  });

  it('passes the rules of accessibility in every theme', async () => {
    const data = withLooking({ pointing: POINTING, sanity: SANITY });
    for (const theme of ['dark', 'light', 'high-contrast'] as const) {
      const { page, close } = await showWindow(browser, 'evaluation', { data, kept, theme });
      await page.locator('[data-card="sanity"]').waitFor();
      await picture(page, `looking-${theme}`);
      expect(await violations(page)).toEqual([]);
      await close();
    }
  });

  it('is told in a report in words, with no places for pictures that it does not have', async () => {
    const page = await showReport(browser, { evaluation: withLooking({ pointing: POINTING, sanity: null }) });
    await page.getByRole('tab', { name: 'Where It Looks' }).click();
    const card = page.locator('[data-card="looked-elsewhere"]');
    const missed = POINTING.cases.filter(({ hit }) => !hit);
    await card.waitFor();
    expect(await card.locator('.misses > *').count()).toBe(Math.min(24, missed.length));
    expect(await card.locator('.misses').textContent()).toContain(missed[0]!.category);
    expect(await card.locator('.misses :is(button, img, .no-picture)').count()).toBe(0);
    await page.close();
  });

  it('fits a report into a narrow window: nothing is cut off, and the words of a wide drawing stay readable', async () => {
    const page = await showReport(browser, { evaluation: withLooking({ pointing: POINTING, sanity: SANITY }) });
    await page.setViewportSize({ width: 400, height: 800 });
    for (const name of ['Overview', 'Failures', 'Calibration', 'Where It Looks', 'Thresholds']) {
      await page.getByRole('tab', { name }).click();
      await page.getByRole('tab', { name, selected: true }).waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBe(400);
    }
    const words = page.locator('.card.wide .drawing > svg.chart text').first();
    await expect.poll(async () => (await words.boundingBox())?.height).toBeGreaterThan(7);
    await page.close();
  });
});
