// The evaluation panel's tabs of thresholds and calibration in a real browser: what they compute, what they save, what they say.
import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeScaling } from '../../src/metrics/calibrate';
import { decide } from '../../src/metrics/decision';
import { LabelscopeError } from '../../src/protocol/errors';
import { judgeThresholds } from '../../src/metrics/thresholds';
import type { EvaluationData } from '../../src/protocol/windows';
import { scoredSetOf } from '../../webview/evaluation/model';
import { evaluationData } from './evaluation-data';
import { NO_BROWSER, showWindow, startBrowser, violations } from './window';

const DATA = evaluationData({ images: 200, categories: ['dog', '<b>cat</b>', 'potted plant'] });
const SET = scoredSetOf(DATA);
const OWN = [0.3, 0.6, 0.45];

/** The same model with thresholds and a calibration of its own. */
const FITTED: EvaluationData = {
  ...DATA,
  result: {
    ...DATA.result,
    has: {
      thresholds: OWN,
      thresholdsRecord: {
        mode: 'per-category',
        objective: { kind: 'f1' },
        division: { kind: 'half' },
        seed: 0,
        images: 200,
        annotations: '/data/validation.json',
        fitted: 0.7,
        heldOut: 0.6,
      },
      calibrationRecord: null,
    },
  },
};

const pictures = process.env.LABELSCOPE_WINDOW_PICTURES;

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

describe.skipIf(NO_BROWSER !== '')(`thresholds and calibration in the panel${NO_BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  const show = (tab: string, data = DATA, kept: object = {}) =>
    showWindow(browser, 'evaluation', { data, kept: { tab, ...kept } });

  it('shows what the metrics say of the thresholds that are chosen, and saves just these', async () => {
    const { page, asked, complaints, close } = await show('thresholds');
    const value = (name: string) => page.locator(`[data-tile="${name}"] dd:not(.below)`).textContent();
    const fit = judgeThresholds(SET, { mode: 'global', objective: { kind: 'f1' } }, { kind: 'half' }, 0);
    await expect.poll(() => value('fitted')).toBe(fit.micro.fitted.value!.toFixed(3));
    expect(await value('held-out')).toBe(fit.micro.heldOut.value!.toFixed(3));
    expect(await value('precision')).toBe(fit.micro.heldOut.precision.toFixed(3));
    expect(await value('recall')).toBe(fit.micro.heldOut.recall.toFixed(3));
    await page.getByRole('combobox', { name: 'Thresholds' }).selectOption('one a category');
    await page.getByLabel('for the').selectOption('best recall at a precision');
    await page.getByLabel('at least').fill('0.6');
    await page.getByLabel('at least').press('Tab');
    await page.getByLabel('judged by').selectOption('5 folds');
    const objective = { kind: 'recall-at-precision', atLeast: 0.6 } as const;
    const division = { kind: 'folds', folds: 5 } as const;
    const other = judgeThresholds(SET, { mode: 'per-category', objective }, division, 0);
    await expect.poll(() => value('mean-held-out')).toBe(other.macro.heldOut!.toFixed(3));
    // Recall is the value itself; of precision it is said whether it is what was asked for.
    const { precision } = other.micro.heldOut;
    expect(await value('precision')).toBe(precision.toFixed(3));
    expect(await page.locator('[data-tile="recall"]').count()).toBe(0);
    const heldTo = page.locator('[data-tile="precision"] .below');
    expect(await heldTo.textContent()).toBe(precision < 0.6 ? 'less than the 0.600 asked for' : 'at least 0.600, as asked for');
    await page.getByLabel('at least').fill('0.95');
    await page.getByLabel('at least').press('Tab');
    await expect.poll(() => heldTo.textContent()).toBe('less than the 0.950 asked for');
    await page.getByLabel('at least').fill('0.6');
    await page.getByLabel('at least').press('Tab');
    await expect.poll(() => value('precision')).toBe(precision.toFixed(3));
    const row = page.locator('[data-card="thresholds"] tbody tr', { hasText: '<b>cat</b>' });
    expect(await row.locator('td').nth(1).textContent()).toBe(other.perCategory[1]!.threshold.toFixed(3));
    await page.locator('[data-action="save"]').click();
    await expect
      .poll(() => asked.find(({ call }) => call === 'saveThresholds')?.params)
      .toEqual({ mode: 'per-category', objective, division, seed: 0 });
    expect(complaints).toEqual([]);
    await close();
  });

  it('says nothing of a fit that a person has stopped', async () => {
    const stopped = () => Promise.reject(new LabelscopeError('cancelled', ''));
    const { page, close } = await showWindow(browser, 'evaluation', {
      data: FITTED,
      kept: { tab: 'thresholds' },
      calls: { saveThresholds: stopped },
    });
    await page.locator('[data-action="save"]').press('Enter');
    await page.locator('[data-action="save"]:disabled').waitFor({ state: 'detached' });
    await page.locator('[data-action="save"]:enabled').waitFor();
    expect(await page.locator('[role="alert"]').count()).toBe(0);
    await close();
  });

  it('says why saving failed, and takes back what the model has', async () => {
    const { page, asked, close } = await showWindow(browser, 'evaluation', {
      data: FITTED,
      kept: { tab: 'thresholds' },
      calls: {
        saveThresholds: () => {
          throw new Error('Another training is at work');
        },
      },
    });
    await page.locator('[data-action="save"]').press('Enter');
    await expect.poll(() => page.locator('[role="alert"]').textContent()).toBe('Another training is at work');
    await page.locator('[data-action="reset"]').press('Enter');
    await expect.poll(() => asked.at(-1)).toEqual({ call: 'resetFitted', params: { what: 'thresholds' } });
    await close();
  });

  it('shows each tab its own, whichever was open before', async () => {
    const { page, complaints, close } = await showWindow(browser, 'evaluation', { data: DATA, kept: { tab: 'thresholds' } });
    const words = { Thresholds: 'Held out at 0.5', Calibration: 'ECE, all pooled' } as const;
    for (const name of ['Thresholds', 'Calibration', 'Thresholds'] as const) {
      await page.getByRole('tab', { name }).click();
      await page.locator('.tile dt', { hasText: words[name] }).waitFor();
    }
    expect(complaints).toEqual([]);
    await close();
  });

  it('judges the overview at the own thresholds of a model that has some', async () => {
    const { page, close } = await show('overview', FITTED);
    const f1 = page.locator('[data-tile="micro-f1"] dd').first();
    await expect.poll(() => f1.textContent()).toContain(decide(SET, 0.5).micro.f1.toFixed(3));
    await page.getByLabel("The model's own thresholds").check();
    await expect.poll(() => f1.textContent()).toContain(decide(SET, OWN).micro.f1.toFixed(3));
    expect(await page.getByLabel('Threshold', { exact: true }).isDisabled()).toBe(true);
    await close();
    const without = await show('overview');
    expect(await without.page.getByLabel("The model's own thresholds").count()).toBe(0);
    await without.close();
  });

  it('has the slider on the tabs that it moves', async () => {
    const { page, close } = await show('overview');
    for (const name of ['Overview', 'Failures', 'Thresholds', 'Calibration', 'Where It Looks']) {
      await page.getByRole('tab', { name }).click();
      await page.getByRole('tabpanel', { name }).waitFor();
      expect(await page.locator('#threshold').count(), name).toBe(Number(['Overview', 'Failures'].includes(name)));
    }
    await close();
  });

  it('shows errors before and after a calibration, its diagrams and their bins', async () => {
    const { page, asked, complaints, close } = await show('calibration');
    const value = (name: string) => page.locator(`[data-tile="${name}"] dd:not(.below)`).textContent();
    const words = (method: 'temperature' | 'platt') => {
      const { before, after } = judgeScaling(SET, method, 5, 0);
      return `${before.mean.ece!.toFixed(3)} → ${after.mean.ece!.toFixed(3)}`;
    };
    await expect.poll(() => value('ece')).toBe(words('temperature'));
    await page.getByLabel('Scaling').selectOption({ index: 1 });
    await expect.poll(() => value('ece')).toBe(words('platt'));
    const bins = page.locator('[data-card="reliability-all"]');
    await bins.getByRole('button', { name: 'Table' }).click();
    const images = await bins.locator('tbody td:nth-child(2)').allTextContents();
    expect(images.map(Number).reduce((sum, count) => sum + count, 0)).toBe(600);
    await page.locator('[data-action="save"]').click();
    await expect.poll(() => asked.at(-1)).toEqual({ call: 'saveCalibration', params: { method: 'platt', folds: 5, seed: 0 } });
    expect(complaints).toEqual([]);
    await close();
  });

  it('begins at what the network says where the model is calibrated already', async () => {
    const squeezed = DATA.images.map((image) => ({
      ...image,
      scores: image.scores.map((p) => 0.4 + 0.2 * p),
      uncalibrated: image.scores,
    }));
    const { page, close } = await show('calibration', { ...DATA, images: squeezed });
    const { temperature } = judgeScaling(SET, 'temperature', 5, 0).scaling;
    await expect.poll(() => page.locator('[data-tile="temperature"] dd').textContent()).toBe(temperature.toFixed(3));
    await close();
  });

  it('fits in a worker, ends it when another choice comes, and shows no answer of the one before', async () => {
    const big = evaluationData({ images: 1500, categories: Array.from({ length: 30 }, (_, c) => `category ${c}`) });
    const { page, complaints, close } = await show('calibration', big, { fitting: { method: 'platt', folds: 10 } });
    let ended = 0;
    page.on('worker', (worker) => worker.on('close', () => ended++));
    await page.locator('[data-awaited]').waitFor();
    // Every number that the tile shows from now on.
    await page.evaluate(() => {
      const seen = ((globalThis as unknown as { seen: string[] }).seen = [] as string[]);
      const look = () => seen.push(document.querySelector('[data-tile="temperature"] dd')?.textContent ?? '');
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    await page.getByLabel('judged by').selectOption('5 folds');
    await page.getByLabel('Scaling').selectOption({ index: 0 });
    const { scaling, after } = judgeScaling(scoredSetOf(big), 'temperature', 5, 0);
    const tile = (name: string) => page.locator(`[data-tile="${name}"] dd`);
    await expect.poll(() => tile('temperature').textContent(), { timeout: 30_000 }).toBe(scaling.temperature.toFixed(3));
    expect(await tile('ece').textContent()).toContain(after.mean.ece!.toFixed(3));
    const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
    expect(new Set(seen.filter(Boolean))).toEqual(new Set([scaling.temperature.toFixed(3)]));
    await expect.poll(() => [ended > 0, page.workers().length]).toEqual([true, 0]);
    expect(complaints).toEqual([]);
    await close();
  });

  it('fits on its own thread where there is no worker', async () => {
    const { page, close } = await show('overview');
    await page.locator('#fitting-worker').evaluate((script) => script.remove());
    await page.getByRole('tab', { name: 'Thresholds' }).click();
    const fit = judgeThresholds(SET, { mode: 'global', objective: { kind: 'f1' } }, { kind: 'half' }, 0);
    await expect.poll(() => page.locator('[data-tile="fitted"] dd').textContent()).toBe(fit.micro.fitted.value!.toFixed(3));
    expect(page.workers()).toEqual([]);
    await close();
  });

  it('fits on its own thread where the policy allows no worker', async () => {
    const { page, close } = await show('overview');
    await page.evaluate(() => {
      const policy = document.createElement('meta');
      policy.httpEquiv = 'Content-Security-Policy';
      policy.content = "worker-src 'none'";
      document.head.append(policy);
    });
    await page.getByRole('tab', { name: 'Calibration' }).click();
    const { temperature } = judgeScaling(SET, 'temperature', 5, 0).scaling;
    await expect.poll(() => page.locator('[data-tile="temperature"] dd').textContent()).toBe(temperature.toFixed(3));
    await close();
  });

  it('says in words where images are too few', async () => {
    const { page, close } = await show('calibration', evaluationData({ images: 3, categories: ['dog'] }));
    await expect.poll(() => page.locator('[role="alert"]').textContent()).toContain('3 images cannot be divided into 5 parts');
    await close();
  });

  it.each(['thresholds', 'calibration'])('%s: passes the rules of accessibility in every theme', async (tab) => {
    for (const theme of ['dark', 'light', 'high-contrast'] as const) {
      const { page, close } = await showWindow(browser, 'evaluation', { data: FITTED, kept: { tab, category: 1 }, theme });
      await expect.poll(() => page.locator('[data-action="save"]').count()).toBe(1);
      await picture(page, `${tab}-${theme}`);
      expect(await violations(page)).toEqual([]);
      await close();
    }
  });
});
