// The evaluation panel's tab of where the model looks, in a real browser: numbers, misses, measuring, what a report shows.
import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pointingOf, pointingReport } from '../../src/metrics/pointing';
import { randomStream } from '../../src/metrics/random';
import type { LookingData, MapSimilarity, PointedCase, PointingResult, SanityResult } from '../../src/protocol/looking';
import type { EvaluationData } from '../../src/protocol/windows';
import { evaluationData } from './evaluation-data';
import { NO_BROWSER, showWindow, startBrowser, violations } from './window';

const CATEGORIES = ['dog', '<b>cat</b>', 'potted plant', 'cow'];
const DATA = evaluationData({ images: 60, categories: CATEGORIES });

/** Of drawn maps over images with a box: the last category has no image. */
function pointing(): PointingResult {
  const random = randomStream('looking');
  const image = { width: 640, height: 480 };
  const cases = DATA.images.flatMap(({ file, labels, scores }) =>
    labels
      .filter((c) => c < 3)
      .map((c): PointedCase => {
        const box = { x: random.integer(400), y: random.integer(300), width: 200, height: 150 };
        // Every seventh map is the same everywhere.
        const flat = random.integer(7) === 0;
        const values = Array.from({ length: 49 }, () => (flat ? 0 : random.next()));
        const found = pointingOf({ width: 7, height: 7, values }, [box], image)!;
        const score = scores[c]!;
        return { file, category: CATEGORIES[c]!, score, predicted: score >= 0.5, difficult: labels.length > 1, ...found };
      }),
  );
  const common = {
    model: '/runs/one/model.onnx',
    annotations: '/data/validation.json',
    split: 'validation',
    failed: [],
  } as const;
  const counts = { created: '2026-01-01T00:00:00Z', seed: 0, images: 60, available: 60, tolerance: 0, withoutBox: 2 };
  return { ...common, ...counts, ...pointingReport(cases, CATEGORIES), cases };
}

const similarity = (rank: number): MapSimilarity => ({
  ...{ rankCorrelation: rank, rankInterval: [rank - 0.1, rank + 0.1], ssim: 0.2, ssimInterval: [0.1, 0.3], flat: 0 },
});

const sanity: SanityResult = {
  ...{ model: '/runs/one/model.onnx', annotations: '/data/validation.json', split: 'validation', failed: [] },
  ...{ created: '2026-01-01T00:00:00Z', seed: 0, images: 50, available: 60, verdict: 'depend' },
  stages: ['head', '7 × 7', '14 × 14'].map((name) => ({ name, tensors: 2, values: 1000 })),
  cascading: [0.1, -0.1, 0.05].map(similarity),
  independent: [0.1, 0.3, -0.2].map(similarity),
  otherImage: similarity(0.08),
};

const POINTING = pointing();
const withLooking = (looking: LookingData): EvaluationData => ({ ...DATA, looking });

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
    const data = withLooking({ pointing: POINTING, sanity });
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
    const data = withLooking({ pointing: POINTING, sanity });
    for (const theme of ['dark', 'light', 'high-contrast'] as const) {
      const { page, close } = await showWindow(browser, 'evaluation', { data, kept, theme });
      await page.locator('[data-card="sanity"]').waitFor();
      await picture(page, `looking-${theme}`);
      expect(await violations(page)).toEqual([]);
      await close();
    }
  });
});
