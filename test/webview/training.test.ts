// The training panel in a real browser: live curves, what the numbers say, buttons by status, files.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HistoryPoint } from '../../src/protocol/messages';
import type { RunRecord } from '../../src/protocol/run';
import type { RunStatus, TrainingData } from '../../src/protocol/windows';
import { recipeWith } from '../../src/engine/recipes';
import { smoothed } from '../../webview/training/view';
import { NO_BROWSER, showWindow, startBrowser, violations } from './window';

/** A loss that falls, and a validation loss that is best at 100. */
function pointsOf(from: number, to: number): HistoryPoint[] {
  return Array.from({ length: to - from + 1 }, (_, k) => {
    const iteration = from + k;
    const base = { iteration, epoch: Math.ceil(iteration / 50), loss: 1 / iteration, learnRate: 0.001 };
    return iteration % 20 === 0 ? { ...base, validationLoss: 0.5 + Math.abs(iteration - 100) / 100 } : base;
  });
}

const source = (which: string, count: number) => ({
  annotations: `/data/${which}.json`,
  images: '/data',
  fingerprint: 'f',
  count,
});

const RECORD: RunRecord = {
  format: 1,
  labelscope: '0.1.0',
  created: '2026-11-24T12:00:00.000Z',
  state: 'running',
  seed: 7,
  recipe: recipeWith('quick', {}),
  categories: ['dog', '<b>cat</b>'],
  train: source('train', 1200),
  validation: source('validation', 300),
  backbone: { path: '/models/resnet50.onnx', sha256: 's' },
  device: { device: 'cpu', reason: 'No graphics card was found.', threads: 2 },
};

const DATA: TrainingData = {
  run: '/runs/one',
  name: 'first run',
  status: 'training',
  record: RECORD,
  messages: [{ level: 'warning', text: '3 images have no file.' }],
  features: null,
  points: pointsOf(1, 60),
  totalIterations: 200,
  imagesPerSecond: 12.34,
  idleShare: 0.0123,
  secondsLeft: 95,
  microF1: null,
  error: null,
};

describe('smoothed', () => {
  it('is the mean of the last twenty points, of fewer at the beginning', () => {
    const line = Array.from({ length: 50 }, (_, k) => [k, k] as const);
    expect(smoothed(line)[0]).toEqual([0, 0]);
    expect(smoothed(line)[3]).toEqual([3, 1.5]);
    expect(smoothed(line)[49]![1]).toBeCloseTo(39.5, 9);
  });
});

describe.skipIf(NO_BROWSER !== '')(`the training panel${NO_BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  it('follows the run: numbers, progress, curves, and the best iteration', async () => {
    const { page, tell, complaints, close } = await showWindow(browser, 'training', { data: DATA });
    const tile = (name: string) => page.locator('.tile', { has: page.getByText(name, { exact: true }) }).locator('dd');
    await tile('Iteration').waitFor();
    expect(await tile('Iteration').textContent()).toBe('60 / 200');
    expect(await tile('Best validation loss').textContent()).toBe('0.9000 at 60');
    expect(await tile('Time left').textContent()).toBe('1 min 35 s');
    expect(await tile('Waiting for images').textContent()).toBe('1.2 %');
    const before = await page.locator('path.line').first().getAttribute('d');
    await tell({ event: { points: pointsOf(61, 140), imagesPerSecond: 20, secondsLeft: 30 } });
    await tile('Iteration').filter({ hasText: '140 / 200' }).waitFor();
    expect(await tile('Best validation loss').textContent()).toBe('0.5000 at 100');
    expect(await page.locator('path.line').first().getAttribute('d')).not.toBe(before);
    expect(await page.locator('progress').evaluate((bar) => (bar as HTMLProgressElement).value)).toBe(140);
    expect(await page.locator('circle.dot').count()).toBe(7);
    expect(complaints).toEqual([]);
    await close();
  });

  it.each<[RunStatus, string[]]>([
    ['training', ['pauseRun', 'stopRun']],
    ['paused', ['continueRun', 'stopRun']],
    ['interrupted', ['resumeRun', 'evaluate', 'revealRun']],
    ['finished', ['evaluate', 'exportModel', 'exportReport', 'revealRun']],
  ])('offers what makes sense: %s', async (status, commands) => {
    const { page, asked, close } = await showWindow(browser, 'training', { data: { ...DATA, status } });
    const buttons = page.locator('button[data-command]');
    await buttons.first().waitFor();
    for (const button of await buttons.all()) await button.click();
    await expect.poll(() => asked.map(({ params }) => params.command)).toEqual(commands);
    await close();
  });

  it('leads to the evaluation of a run that was evaluated', async () => {
    const { page, asked, close } = await showWindow(browser, 'training', {
      data: { ...DATA, status: 'finished', microF1: 0.8158 },
    });
    await page.locator('button.primary').filter({ hasText: 'Open Evaluation' }).click();
    await page.getByRole('button', { name: 'Evaluate Again…' }).click();
    await expect.poll(() => asked.map(({ params }) => params.command)).toEqual(['openEvaluation', 'evaluate']);
    await page.locator('.tile', { hasText: 'Micro F1' }).getByText('0.816').waitFor();
    await close();
  });

  it('shows how far the features are', async () => {
    const features = { done: 40, total: 160 };
    const { page, close } = await showWindow(browser, 'training', {
      data: { ...DATA, status: 'preparing', features, points: [] },
    });
    await page.getByText('Features: 40 of 160 images').waitFor();
    const bar = page.getByRole('progressbar');
    expect(await bar.evaluate((element) => (element as HTMLProgressElement).position)).toBe(0.25);
    await close();
  });

  it('writes every point as CSV and the curves as SVG and PNG', async () => {
    const { page, asked, close } = await showWindow(browser, 'training', { data: DATA });
    for (const name of ['CSV', 'SVG', 'PNG']) await page.getByRole('button', { name, exact: true }).click();
    await expect.poll(() => asked.length, { timeout: 20_000 }).toBe(3);
    const [csv, svg, png] = asked.map(({ params }) => params.content);
    const lines = String(csv).trim().split('\r\n');
    expect(lines).toHaveLength(61);
    expect(lines[0]).toBe('Iteration,Epoch,Loss,Validation loss,Learning rate');
    expect(lines[20]).toBe('20,1,0.05,1.3,0.001');
    expect(String(svg)).toMatch(/^<svg [^]*<path [^>]*stroke="rgb\(55, 148, 255\)"[^]*<\/svg>$/);
    expect((png as number[]).slice(1, 4)).toEqual([...Buffer.from('PNG')]);
    await close();
  });

  it('draws ten thousand points as a curve of little more than its pixels, and every 200 ms anew', async () => {
    const data = { ...DATA, totalIterations: 20_000, points: pointsOf(1, 10_000) };
    const { page, tell, complaints, close } = await showWindow(browser, 'training', { data });
    await page.locator('path.line').first().waitFor();
    for (let k = 0; k < 20; k++) await tell({ event: { points: pointsOf(10_001 + 100 * k, 10_100 + 100 * k) } });
    await page.locator('.tile', { hasText: '12,000 / 20,000' }).waitFor();
    const path = (await page.locator('path.line').first().getAttribute('d'))!;
    expect(path.split(/[ML]/).length).toBeLessThan(3000);
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    await page.getByText('500 of 12,000 rows; the CSV file has them all.').waitFor();
    expect(await page.locator('[data-card="history"] tbody th').first().textContent()).toBe('12000');
    expect(await page.locator('[data-card="history"] tbody tr').count()).toBe(500);
    expect(complaints).toEqual([]);
    await close();
  });

  it.each(['light', 'dark', 'high-contrast'] as const)('can be used by everybody: %s', async (theme) => {
    const { page, close } = await showWindow(browser, 'training', { data: DATA, theme });
    await page.locator('summary').first().click();
    expect(await page.locator('td', { hasText: '<b>cat</b>' }).count()).toBe(1);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    await page.locator('th', { hasText: 'Learning rate' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await close();
  });
});
