// Runs side by side in a real browser: what it asks of the host, what it says and draws of the answer, and the page of a report.
import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOTSTRAP } from '../../src/metrics/bootstrap';
import { finished } from '../../src/metrics/steps';
import { compared, type Judged } from '../../src/metrics/compare';
import { randomStream } from '../../src/metrics/random';
import type { CompareResult } from '../../src/protocol/compare';
import { LabelscopeError } from '../../src/protocol/errors';
import type { HistoryPoint } from '../../src/protocol/messages';
import type { ComparisonChoice, ComparisonData } from '../../src/protocol/windows';
import { NO_BROWSER, showReport, showWindow, startBrowser, violations, type WindowOptions } from './window';

const IMAGES = 150;
const EVIL = '<b>cat</b>';
const CATEGORIES = ['dog', EVIL, 'potted plant', 'never seen'];
const SKILLS: Readonly<Record<string, number>> = { '/runs/plain': 0.25, '/runs/better': 0.45, '/runs/same': 0.25 };
const NAMES: Readonly<Record<string, string>> = {
  '/runs/plain': 'plain',
  '/runs/better': 'better <i>one</i>',
  '/runs/same': 'same',
};
const FOLDERS = Object.keys(SKILLS);

const truth = randomStream('truth');
const LABELS = Uint8Array.from({ length: IMAGES * CATEGORIES.length }, (_, at) => Number(at % 4 !== 3 && truth.next() < 0.3));

function judged(run: string, threshold: number, skill = SKILLS[run]!): Judged {
  const noise = randomStream(run);
  const scores = Float64Array.from(LABELS, (label) => skill * label + (1 - skill) * noise.next());
  return { set: { images: IMAGES, categories: CATEGORIES, labels: LABELS, scores }, threshold };
}

const SETTINGS = [
  { setting: 'loss', values: ['bce', 'asl', 'bce'] },
  { setting: 'seed', values: [0, 0, null] },
] as const;

/** As the engine answers: the first of the choice leads. */
function answer({ first, threshold }: ComparisonChoice, skills = SKILLS, replicates = 200): CompareResult {
  const runs = [first, ...FOLDERS.filter((folder) => folder !== first)];
  const scores = finished(
    compared(
      runs.map((run) => judged(run, threshold ?? 0.5, skills[run])),
      { ...BOOTSTRAP, replicates },
    ),
  );
  return {
    ...{ images: IMAGES, level: 0.95, replicates, seed: 0, settings: SETTINGS },
    categories: CATEGORIES.map((category, c) => ({
      category,
      images: LABELS.reduce((sum, label, at) => sum + (at % CATEGORIES.length === c ? label : 0), 0),
    })),
    runs: runs.map((run, k) => ({
      ...{ run, name: NAMES[run]!, annotations: '/data/validation.json', split: 'validation', threshold: threshold ?? 0.5 },
      ...{ evaluated: 160, leftOut: { notShared: 10, otherLabels: 0 }, trainedOnThem: run === '/runs/same' },
      categoriesLeftOut: [],
      ...scores[k]!,
    })),
  };
}

const points = (folder: string): HistoryPoint[] =>
  Array.from({ length: 12 }, (_, k) => ({
    ...{ iteration: k + 1, epoch: 1 + Math.floor(k / 4), learnRate: 0.001 },
    loss: SKILLS[folder]! / (k + 1),
    ...(k % 4 === 3 && { validationLoss: 1 / (k + 1) }),
  }));

const DATA: ComparisonData = {
  runs: FOLDERS.map((folder) => ({ folder, name: NAMES[folder]!, points: folder === '/runs/same' ? [] : points(folder) })),
  settings: SETTINGS,
  result: null,
};
const calls: WindowOptions<'compare'>['calls'] = { compare: (choice: ComparisonChoice) => answer(choice) };

const pictures = process.env.LABELSCOPE_WINDOW_PICTURES;

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

const card = (page: Page, name: string) => page.locator(`[data-card="${name}"]`);
const cellsOf = (page: Page, name: string, row: string) =>
  card(page, name)
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name: row, exact: true }) })
    .locator('th, td')
    .allTextContents();

async function tableOf(page: Page, name: string): Promise<void> {
  await card(page, name).getByRole('button', { name: 'Table' }).press('Enter');
}

describe.skipIf(NO_BROWSER !== '')(`runs side by side${NO_BROWSER}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  const show = async (options: Partial<WindowOptions<'compare'>> = {}) => {
    const shown = await showWindow(browser, 'compare', { data: DATA, calls, ...options });
    await card(shown.page, 'settings').waitFor();
    return shown;
  };

  it('asks for the comparison, and says in words what can be told apart and what cannot', async () => {
    const { page, asked, complaints, close } = await show();
    const verdicts = page.locator('.verdicts li');
    await expect.poll(() => verdicts.count()).toBe(2);
    expect(asked).toEqual([{ call: 'compare', params: { first: '/runs/plain', threshold: null } }]);
    const words = await verdicts.allTextContents();
    expect(words[0]).toMatch(/better <i>one<\/i> compared with plain: better in .*mAP/);
    expect(words[1]).toMatch(/^\s*same compared with plain: .*not distinguishable in /);
    expect(await page.locator('.notice.warning').allTextContents()).toEqual([
      'same was evaluated on the file that it was trained on, /data/validation.json: it looks better than it is.',
    ]);
    expect(await page.locator('.notice:not(.warning)').first().textContent()).toBe(
      'Left out of plain: 10 images that not all runs were evaluated on.',
    );
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows in tables what is drawn', async () => {
    const { page, close } = await show();
    await card(page, 'metrics').waitFor();
    const [plain, better] = answer({ first: '/runs/plain', threshold: null }).runs;
    const f = (value: number | null | undefined) => value!.toFixed(3);
    expect(await card(page, 'metrics').locator('svg.chart path.dot').count()).toBeGreaterThanOrEqual(33);
    for (const name of ['metrics', 'differences', 'categories', 'sweep', 'training']) await tableOf(page, name);
    const { mAP, micro } = better!;
    expect((await cellsOf(page, 'metrics', 'mAP')).slice(0, 7)).toEqual([
      'mAP',
      ...[plain!.mAP, mAP].flatMap(({ value, interval }) => [f(value), f(interval![0]), f(interval![1])]),
    ]);
    const found = micro.f1.versusFirst!;
    expect((await cellsOf(page, 'differences', 'Micro F1')).slice(0, 5)).toEqual([
      'Micro F1',
      ...[f(found.difference), f(found.interval![0]), f(found.interval![1])],
      'better',
    ]);
    const dog = better!.perCategory[0]!.ap;
    expect((await cellsOf(page, 'categories', 'dog')).slice(2, 5)).toEqual(
      [plain!.perCategory[0]!.ap.value, dog.value, dog.versusFirst!.difference].map(f),
    );
    expect((await cellsOf(page, 'categories', 'never seen')).slice(1)).toEqual(['0', '–', '–', '–', '–', '–', '–']);
    expect(await cellsOf(page, 'sweep', '0.50')).toEqual([
      '0.50',
      f(plain!.micro.f1.value),
      f(micro.f1.value),
      expect.any(String),
    ]);
    expect(await cellsOf(page, 'training', '2')).toEqual(['2', '0.1250', '0.1250', '–']);
    expect(await cellsOf(page, 'settings', 'seed')).toEqual(['seed', '0', '0', '–']);
    await close();
  });

  it('says of intervals that resampling cannot give that they are not known, and why', async () => {
    for (const replicates of [200, 0]) {
      // It makes no mistake.
      const compare = (choice: ComparisonChoice) => answer(choice, { ...SKILLS, '/runs/better': 1 }, replicates);
      const { page, close } = await show({ calls: { compare } });
      await tableOf(page, 'metrics');
      const cells = (await cellsOf(page, 'metrics', 'mAP')).slice(4, 7);
      expect(cells).toEqual(['1.000', ...Array<string>(2).fill(replicates > 0 ? 'not known' : '–')]);
      const note = card(page, 'metrics').locator('p', { hasText: 'Not known: nearly every resample of the images' });
      expect(await note.count()).toBe(Number(replicates > 0));
      await close();
    }
    const { page, close } = await show();
    await card(page, 'metrics').waitFor();
    expect(await card(page, 'metrics').locator('p').count()).toBe(0);
    await close();
  });

  it('asks again when another run is to be compared with, or one threshold is for all, and keeps each run its colour', async () => {
    const { page, asked, close } = await show();
    await page.locator('[data-choice="first"]').selectOption('/runs/better');
    await expect.poll(() => asked.at(-1)?.params).toEqual({ first: '/runs/better', threshold: null });
    await expect
      .poll(() => page.locator('.verdicts li').first().textContent())
      .toContain('plain compared with better <i>one</i>');
    const names = card(page, 'metrics').locator('svg.chart > g').first().locator('text');
    expect(await names.allTextContents()).toEqual(FOLDERS.map((folder) => NAMES[folder]));
    await page.getByLabel('One threshold for all').check();
    await expect.poll(() => asked.at(-1)?.params).toEqual({ first: '/runs/better', threshold: 0.5 });
    const field = page.getByLabel('Threshold', { exact: true });
    await field.fill('0.3');
    await field.press('Enter');
    await expect.poll(() => asked.at(-1)?.params).toEqual({ first: '/runs/better', threshold: 0.3 });
    const expected = answer({ first: '/runs/better', threshold: 0.3 }).runs[1]!.micro.f1.value!;
    await tableOf(page, 'metrics');
    await expect.poll(async () => (await cellsOf(page, 'metrics', 'Micro F1'))[1]).toBe(expected.toFixed(3));
    const many = asked.length;
    await field.fill('7');
    await field.press('Enter');
    await page.locator('[data-choice="swept"]').selectOption('recall');
    await expect.poll(() => card(page, 'sweep').locator('svg.chart').getAttribute('aria-label')).toContain('Micro recall');
    expect(asked.length).toBe(many);
    await close();
  });

  it('says how far it is and how long yet, stops when told to, and asks again', async () => {
    const given: ((end: CompareResult | Error) => void)[] = [];
    const compare = (choice: ComparisonChoice) =>
      new Promise<CompareResult>((resolve, reject) => {
        given.push((end) => (end instanceof Error ? reject(end) : resolve(answer(choice))));
      });
    const { page, asked, tell, complaints, close } = await show({ calls: { compare } });
    await tell({ event: { comparing: { done: 200, total: 3000 } } });
    await page.getByText('Comparing: 200 of 3,000 resamples of the images').waitFor();
    await page.waitForTimeout(2100);
    await tell({ event: { comparing: { done: 1400, total: 3000 } } });
    await page.locator('[data-left]', { hasText: /^\d+ s left$/ }).waitFor();
    expect(await page.locator('[data-comparing] progress').getAttribute('value')).toBe('1400');
    await picture(page, 'compare-working');
    await page.locator('[data-stop]').click();
    await expect.poll(() => asked.map(({ call }) => call)).toEqual(['compare', 'stop']);
    given[0]!(new LabelscopeError('cancelled', ''));
    await page.locator('[data-stopped] button').click();
    await expect.poll(() => asked.map(({ call }) => call)).toEqual(['compare', 'stop', 'compare']);
    given[1]!(answer({ first: '/runs/plain', threshold: null }));
    await card(page, 'metrics').waitFor();
    expect(await page.locator('[data-comparing], [data-stopped], [role="alert"]').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it('orders, searches and narrows the categories, for each run and either measure', async () => {
    const { page, close } = await show();
    const categories = card(page, 'categories');
    const bars = () => categories.locator('svg.chart g > title').allTextContents();
    const { perCategory } = answer({ first: '/runs/plain', threshold: null }).runs[1]!;
    const expected = (measure: 'ap' | 'f1') =>
      perCategory
        .map((one) => [one.category, one[measure].versusFirst!.difference] as const)
        .filter((one): one is readonly [string, number] => one[1] !== null)
        .sort((a, b) => b[1] - a[1])
        .map(([category, difference]) => `${category}: ${difference > 0 ? '+' : ''}${difference.toFixed(3)}`);
    await expect.poll(bars).toEqual(expected('ap'));
    // The category without images.
    expect(await categories.locator('p.quiet').textContent()).toContain('Too few images to tell (fewer than 6): 1.');
    await categories.locator('[data-choice="measure"]').selectOption('f1');
    await expect.poll(bars).toEqual(expected('f1'));
    await categories.locator('[data-choice="measure"]').selectOption('ap');
    await categories.locator('[data-choice="order"]').selectOption('1');
    await expect.poll(bars).toEqual(expected('ap').toReversed());
    await categories.getByRole('searchbox').fill('CAT');
    await expect.poll(bars).toEqual(expected('ap').filter((text) => text.startsWith(EVIL)));
    await categories.getByRole('searchbox').fill('');
    await categories.locator('[data-choice="shown"]').selectOption('/runs/same');
    await categories.getByLabel('Only what can be told from chance').check();
    const certain = answer({ first: '/runs/plain', threshold: null }).runs[2]!.perCategory.filter(({ ap }) =>
      ['better', 'worse'].includes(ap.versusFirst!.verdict ?? ''),
    );
    await expect.poll(async () => (await bars()).length).toBe(certain.length);
    await close();
  });

  it('saves charts as pictures and tables as CSV, and leads to an evaluation and to a report', async () => {
    const { page, asked, close } = await show();
    const saved = () => asked.filter(({ call }) => call === 'save').map(({ params }) => params);
    await card(page, 'differences').getByRole('button', { name: 'SVG' }).press('Enter');
    await card(page, 'differences').getByRole('button', { name: 'CSV' }).press('Enter');
    await expect.poll(saved).toMatchObject([
      { name: 'differences.svg', content: expect.stringContaining('<svg') as string },
      { name: 'differences.csv', content: expect.stringContaining('better <i>one</i>') as string },
    ]);
    await page.getByRole('button', { name: 'JSON' }).press('Enter');
    await expect.poll(() => saved().length).toBe(3);
    const kept = JSON.parse(saved()[2]!.content as string) as CompareResult;
    expect(kept).toEqual(JSON.parse(JSON.stringify(answer({ first: '/runs/plain', threshold: null }))));
    await page.getByRole('button', { name: 'better <i>one</i>' }).press('Enter');
    await page.getByRole('button', { name: 'Report…' }).press('Enter');
    await expect
      .poll(() => asked.slice(-2))
      .toEqual([
        { call: 'openEvaluation', params: { folder: '/runs/better' } },
        { call: 'report', params: { first: '/runs/plain', threshold: null } },
      ]);
    await close();
  });

  it('says why runs cannot be compared, and shows what is known of them all the same', async () => {
    const why = 'plain has not been evaluated. Evaluate it first.';
    const { page, tell, close } = await show({
      calls: {
        compare: () => {
          throw new Error(why);
        },
      },
    });
    await expect.poll(() => page.locator('[role="alert"]').textContent()).toBe(why);
    expect(await page.locator('[data-card]').evaluateAll((cards) => cards.map((one) => one.getAttribute('data-card')))).toEqual([
      'training',
      'settings',
    ]);
    await tell({ data: { ...DATA, settings: [] } });
    await expect.poll(() => card(page, 'settings').textContent()).toContain('None.');
    await close();
  });

  it('keeps what it found of a run that is gone, and says so; another question about it has no answer', async () => {
    const folders = { gone: false };
    const compare = (choice: ComparisonChoice) => {
      if (folders.gone) throw new Error('Deleted or moved since: same.');
      return answer(choice);
    };
    const { page, tell, close } = await show({ calls: { compare } });
    const verdicts = page.locator('.verdicts li');
    await expect.poll(() => verdicts.count()).toBe(2);
    folders.gone = true;
    await tell({ data: DATA });
    const alert = page.getByRole('alert');
    await expect.poll(() => alert.textContent()).toBe('Deleted or moved since: same. What is shown was found before.');
    expect(await verdicts.count()).toBe(2);
    expect(await card(page, 'metrics').count()).toBe(1);
    await page.locator('[data-choice="first"]').selectOption({ index: 1 });
    await expect.poll(() => verdicts.count()).toBe(0);
    expect(await alert.textContent()).toBe('Deleted or moved since: same.');
    // It comes back.
    folders.gone = false;
    await tell({ data: DATA });
    await expect.poll(() => verdicts.count()).toBe(2);
    expect(await alert.count()).toBe(0);
    await close();
  });

  it('passes the rules of accessibility in every theme', async () => {
    for (const theme of ['dark', 'light', 'high-contrast'] as const) {
      const { page, close } = await show({ theme });
      await card(page, 'evaluations').waitFor();
      await picture(page, `compare-${theme}`);
      expect(await violations(page)).toEqual([]);
      await close();
    }
  });

  it('is a page of its own in a report, with nothing to command', async () => {
    const comparison: ComparisonData = { ...DATA, result: answer({ first: '/runs/plain', threshold: null }) };
    const page = await showReport(browser, { comparison });
    await card(page, 'evaluations').waitFor();
    await picture(page, 'compare-report');
    expect(await page.locator('.verdicts li').count()).toBe(2);
    expect(await page.locator('[data-choice="first"]').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Report…' }).count()).toBe(0);
    await page.close();
  });
});
