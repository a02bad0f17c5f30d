// The dataset panel in a real browser: charts that lead to their images, a grid of 120,000 of them, boxes in their place.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import type { DatasetReport } from '../../src/protocol/messages';
import type { BrowseQuery } from '../../src/protocol/windows';
import { BOX, browse, DATA, imageOf, IMAGES, pictures, REPORT } from './huge-dataset';
import { NO_BROWSER, showWindow, startBrowser, violations } from './window';

let browser: Browser;
let thumbnails: Awaited<ReturnType<typeof pictures>>;
beforeAll(async () => {
  if (NO_BROWSER) return;
  browser = await startBrowser();
  thumbnails = await pictures();
});
afterAll(() => browser?.close());

const show = (theme: 'light' | 'dark' | 'high-contrast' = 'dark') =>
  showWindow(browser, 'dataset', { data: DATA, theme, calls: { browse, thumbnails } });

const openImages = (page: Page) => page.getByRole('tab', { name: 'Images' }).click();
const cell = (page: Page, index: number) => page.locator(`.virtual-cell[data-index="${index}"]`);
const status = (page: Page) => page.locator('#page-images [role="status"]').first();

describe.skipIf(NO_BROWSER !== '')(`the dataset panel${NO_BROWSER}`, () => {
  it('leads from each bar, bubble, square and finding to the images behind it', async () => {
    const { page, asked, complaints, close } = await show();
    const wanted: [string, Partial<BrowseQuery>][] = [
      ['[data-card="categories"] .choice >> nth=1', { filter: { has: [1] } }],
      ['[data-card="labels-per-image"] .choice >> nth=2', { filter: { labels: [2, 2] } }],
      ['[data-card="sizes"] .choice >> nth=1', { filter: { size: [480, 640] } }],
      ['[data-card="aspect-ratios"] .choice >> nth=1', { filter: { aspect: [1.22, Number.MAX_SAFE_INTEGER] } }],
      ['[data-show="empty-box"]', { finding: 'empty-box' }],
    ];
    for (const [place, query] of wanted) {
      await page.getByRole('tab', { name: 'Report' }).click();
      await page.locator('#page-report').waitFor();
      // Enter is a click too, and a click's middle may lie beside a small bar.
      await page.locator(place).focus();
      await page.keyboard.press('Enter');
      await cell(page, 0).waitFor();
      const last = () => asked.filter(({ call }) => call === 'browse').at(-1)!.params;
      await expect.poll(last).toMatchObject({ filter: {}, finding: null, order: 'file', ...query });
    }
    await status(page).filter({ hasText: '2 of 120,000 images' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('says of each square of the heat map what it stands for, and shows its images', async () => {
    const { page, asked, close } = await show();
    const squares = page.locator('[data-card="co-occurrence"] svg.chart');
    await squares.scrollIntoViewIfNeeded();
    const box = (await squares.boundingBox())!;
    // Cat's row, dog's column: 124 pixels of names, squares of 22.
    await page.mouse.move(box.x + 124 + 22 + 11, box.y + 124 + 11);
    const words = 'cat + dog: 20 images; 20.0 % of those with cat show dog; lift 600.00';
    await page.locator('.readout', { hasText: words }).waitFor();
    await page.locator('.heat-map .pane').focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('.readout', { hasText: 'dog: 40 images' }).waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Enter');
    await cell(page, 0).waitFor();
    expect(asked.find(({ call, params }) => call === 'browse' && 'has' in (params.filter as object))?.params.filter).toEqual({
      has: [1, 0],
    });
    await close();
  });

  it('finds, sorts and counts categories as asked', async () => {
    const { page, close } = await show();
    const bars = page.locator('[data-card="categories"] .choice title');
    await bars.first().waitFor({ state: 'attached' });
    expect(await bars.allTextContents()).toEqual(['cat: 100', 'dog: 40', '<b>bird</b>: 30', '=1+1: 0']);
    await page.locator('[data-unit="annotations"]').click();
    await page.locator('[data-search="order"]').selectOption('Most annotations first');
    await expect.poll(() => bars.allTextContents()).toEqual(['dog: 260', 'cat: 150', '<b>bird</b>: 30', '=1+1: 0']);
    await page.locator('[data-search="category"]').fill('CAT');
    await expect.poll(() => bars.allTextContents()).toEqual(['cat: 150']);
    await page.getByRole('button', { name: 'Error (1)' }).click();
    await expect.poll(() => page.locator('[data-finding]').count()).toBe(1);
    await close();
  });

  it('writes charts as SVG and tables as CSV that no spreadsheet runs', async () => {
    const { page, asked, close } = await show();
    const card = page.locator('[data-card="co-occurrence"]');
    await card.getByRole('button', { name: 'SVG' }).click();
    await card.getByRole('button', { name: 'CSV' }).click();
    await page.locator('[data-card="categories"]').getByRole('button', { name: 'CSV' }).click();
    await page.locator('[data-card="findings"]').getByRole('button', { name: 'CSV' }).click();
    const saved = () => asked.filter(({ call }) => call === 'save').map(({ params }) => String(params.content));
    await expect.poll(() => saved().length, { timeout: 20_000 }).toBe(4);
    const csv = saved();
    const svg = csv.splice(
      csv.findIndex((content) => content.startsWith('<svg')),
      1,
    )[0]!;
    expect(svg.match(/<rect [^>]*class="cell/g)).toHaveLength(16 + 4);
    expect(svg).toContain('&lt;b&gt;bird&lt;/b&gt;');
    expect(csv[0]).toBe(
      'Categories A + B,Images,P(B | A),P(A | B),Lift\r\ncat + dog,20,0.2,0.5,600\r\n' +
        `cat + <b>bird</b>,5,0.05,${5 / 30},200\r\n`,
    );
    expect(csv[1]).toContain("'=1+1,0,0");
    expect(csv[2]).toContain('empty-box,Warning,2,');
    await close();
  });

  it('scrolls over 120,000 images with the elements of a few screens, and shows the right ones after a jump', async () => {
    const { page, asked, complaints, close } = await show();
    await openImages(page);
    await cell(page, 0).locator('img[src^="blob:"]').waitFor();
    const grid = page.getByRole('grid');
    const columns = Number(await grid.getAttribute('aria-colcount'));
    const rows = Math.ceil(IMAGES / columns);
    expect(Number(await grid.getAttribute('aria-rowcount'))).toBe(rows);
    const most = await grid.evaluate(async (element) => {
      let nodes = 0;
      for (let step = 0; step < 120; step++) {
        element.scrollTop += step % 3 === 0 ? 5000 : 60;
        await new Promise(requestAnimationFrame);
        nodes = Math.max(nodes, element.querySelectorAll('*').length);
      }
      return nodes;
    });
    expect(most).toBeLessThan(1500);
    for (const part of [0.5, 1, 0.123]) {
      await grid.evaluate((element, to) => (element.scrollTop = to * (element.scrollHeight - element.clientHeight)), part);
      const wanted = () =>
        page.locator('.virtual-row').evaluateAll((rows) => rows.map((row) => Number(row.getAttribute('aria-rowindex')) - 1));
      const shown = () =>
        page
          .locator('.virtual-row')
          .evaluateAll((rows) =>
            rows.flatMap((row) =>
              [...row.querySelectorAll('.virtual-cell:not([hidden]) .caption:not(.quiet)')].map((name) => name.textContent),
            ),
          );
      const inSight = await grid.evaluate((element) => element.scrollTop / element.scrollHeight);
      await expect.poll(wanted).toContain(Math.min(Math.floor(inSight * rows), rows - 1));
      const names = (await wanted()).flatMap((row) =>
        Array.from({ length: Math.min(columns, IMAGES - row * columns) }, (_, k) => imageOf(row * columns + k).fileName),
      );
      await expect.poll(shown).toEqual(names);
    }
    await grid.evaluate((element) => (element.scrollTop = element.scrollHeight));
    await cell(page, IMAGES - 1)
      .locator('.caption', { hasText: 'image-119999' })
      .waitFor();
    expect(asked.filter(({ call }) => call === 'browse').every(({ params }) => Number(params.limit) <= 100)).toBe(true);
    expect(complaints).toEqual([]);
    await close();
  });

  it('moves through the grid with the keyboard, opens images, and keeps its place', async () => {
    const { page, asked, tell, close } = await show();
    await page.locator('[data-card="categories"] .choice').first().focus();
    await page.keyboard.press('Enter');
    const focused = () => page.evaluate(() => Number((document.activeElement as HTMLElement).dataset.index ?? -1));
    await expect.poll(focused).toBe(0);
    const columns = Number(await page.getByRole('grid').getAttribute('aria-colcount'));
    const steps: [string, number][] = [
      ['ArrowRight', 1],
      ['ArrowDown', 1 + columns],
      ['Home', columns],
      ['End', 2 * columns - 1],
      ['ArrowUp', columns - 1],
      ['Control+End', 99],
      ['Control+Home', 0],
    ];
    for (const [key, index] of steps) {
      await page.keyboard.press(key);
      expect(await focused()).toBe(index);
    }
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    const opened = () => asked.filter(({ call }) => call === 'open').map(({ params }) => params.file);
    await expect.poll(opened).toEqual(['/data/images/image-000001.jpg']);
    await page.getByRole('grid').evaluate((grid) => (grid.scrollTop = grid.scrollHeight));
    await cell(page, 99).waitFor();
    // The cell with the keyboard is gone; the grid keeps it.
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('grid');
    await page.keyboard.press('ArrowRight');
    expect(await focused()).toBe(2);
    await tell({ event: { progress: 1 } });
    expect(await focused()).toBe(2);
    await close();
  });

  it('follows what changes: image files that are looked at, what that finds, and a file that is read again', async () => {
    const { page, asked, tell, close } = await show();
    await page.locator('[data-checks="none"] button').click();
    await expect.poll(() => asked.map(({ call }) => call)).toContain('checkImages');
    await tell({ event: { checking: { done: 30_000, total: IMAGES } } });
    await page.getByText('Looking into the image files: 30,000 of 120,000').waitFor();
    expect(await page.locator('[data-checks="running"] progress').getAttribute('value')).toBe('30000');
    // How long it takes is told once that can be known.
    expect(await page.locator('[data-left]').textContent()).toBe('');
    await page.waitForTimeout(2100);
    await tell({ event: { checking: { done: 90_000, total: IMAGES } } });
    await page.locator('[data-left]', { hasText: /^\d+ s left$/ }).waitFor();
    await page.locator('[data-stop]').click();
    await expect.poll(() => asked.map(({ call }) => call)).toContain('stopCheck');
    const damaged = { ...REPORT.findings[1]!, code: 'image-truncated', images: [7], message: 'one is cut off.' };
    const report: DatasetReport = { ...REPORT, checkedImages: 'pixels', findings: [damaged] };
    await tell({ event: { report, checking: null } });
    await page.locator('[data-checks="done"]').waitFor();
    expect(await page.locator('[data-finding]').evaluateAll((all) => all.map(({ dataset }) => dataset.finding))).toEqual([
      'image-truncated',
    ]);
    await openImages(page);
    await tell({ event: { progress: 0.25 } });
    expect(await page.locator('[data-reading="again"] progress').getAttribute('value')).toBe('0.25');
    await tell({ event: { progress: 1 } });
    await page.locator('[data-reading="again"]').waitFor({ state: 'detached' });
    await close();
  });

  it('asks for the image folder, and names no option of the command line', async () => {
    const told = (code: string, remedy: string) => ({ ...REPORT.findings[1]!, code, remedy, message: code });
    const findings = [
      told('image-folder-not-found', 'Choose it (--images).'),
      told('leak-exact', 'Split anew: labelscope split does.'),
      told('from-elsewhere', 'Try --something else.'),
      told('empty-box', 'Check them.'),
    ];
    const { page, asked, close } = await showWindow(browser, 'dataset', {
      data: { ...DATA, report: { ...REPORT, findings, imageFolder: null } },
      calls: { browse, thumbnails },
    });
    await expect
      .poll(() => page.locator('.finding .quiet').allTextContents())
      .toEqual([
        'Choose their folder, or put the images where COCO lays them out.',
        expect.stringContaining('"Split Data Set…"') as string,
        '',
        'Check them.',
      ]);
    await page.getByRole('button', { name: 'Choose Image Folder…' }).click();
    await expect.poll(() => asked.map(({ call }) => call)).toContain('chooseFolder');
    await close();
  });

  it('comes back to the page, the filter and the place that it had', async () => {
    const query = { filter: { has: [1] }, finding: null, order: 'name', descending: true };
    const { page, asked, close } = await showWindow(browser, 'dataset', {
      data: DATA,
      calls: { browse, thumbnails },
      kept: { page: 'images', query, first: 60, withBoxes: false },
    });
    await cell(page, 60).locator('img[src^="blob:"]').waitFor();
    expect(asked[0]).toMatchObject({ call: 'browse', params: query });
    expect(await page.locator('path.box').count()).toBe(0);
    const top = () => page.getByRole('grid').evaluate((grid) => grid.scrollTop);
    const before = await top();
    expect(before).toBeGreaterThan(0);
    await page.getByRole('tab', { name: 'Report' }).click();
    await page.locator('#page-report').waitFor();
    await openImages(page);
    await expect.poll(top).toBe(before);
    await close();
  });

  it('filters by name, categories, labels and size, and takes each condition off', async () => {
    const { page, asked, close } = await show();
    await openImages(page);
    await cell(page, 0).waitFor();
    const last = () => asked.filter(({ call }) => call === 'browse').at(-1)!.params;
    await page.locator('[data-filter="text"]').fill('img');
    await page.locator('[data-filter="has"]').selectOption({ label: 'dog' });
    await page.locator('[data-filter="hasNot"]').selectOption({ label: '<b>bird</b>' });
    await page.locator('[data-filter="labels-0"]').fill('2');
    await page.locator('[data-filter="labels-0"]').press('Tab');
    await page.locator('[data-filter="longSide-1"]').fill('640');
    await page.locator('[data-filter="longSide-1"]').press('Tab');
    await page.locator('[data-filter="order"]').selectOption('boxes');
    const filter = { text: 'img', has: [1], hasNot: [2], labels: [2, Number.MAX_SAFE_INTEGER], longSide: [0, 640] };
    await expect.poll(last).toMatchObject({ filter, order: 'boxes', descending: true, offset: 0 });
    await page.locator('[data-filter="descending"]').click();
    await expect.poll(last).toMatchObject({ filter, order: 'boxes', descending: false });
    await page.locator('[data-chip]', { hasText: 'dog' }).click();
    await expect.poll(last).toMatchObject({ filter: { ...filter, has: [] } });
    await page.locator('[data-filter="none"]').click();
    await expect.poll(last).toMatchObject({ filter: {}, order: 'boxes' });
    await status(page)
      .filter({ hasText: /^120,000 images$/ })
      .waitFor();
    await close();
  });

  it('draws boxes over the pixels that they mean, crowds dashed, and takes them away', async () => {
    const { page, close } = await show();
    await openImages(page);
    const picture = cell(page, 0).locator('img[src^="blob:"]');
    await picture.waitFor();
    await picture.evaluate((image) => (image as HTMLImageElement).decode());
    const place = (await picture.boundingBox())!;
    const scale = Math.min(place.width / 400, place.height / 200);
    const [left, top] = [place.x + (place.width - 400 * scale) / 2, place.y + (place.height - 200 * scale) / 2];
    const { data, info } = await sharp(await page.screenshot())
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => {
      const start = (Math.round(top + y * scale) * info.width + Math.round(left + x * scale)) * 3;
      return [...data.subarray(start, start + 3)];
    };
    const isRed = ([r, g, b]: number[]) => r! > 180 && g! < 140 && b! < 140;
    // The colour of the first category, on each of the four sides of the black rectangle.
    const [x, y, width, height] = BOX;
    const near = (px: number, py: number) =>
      [-1, 0, 1].flatMap((dx) => [-1, 0, 1].map((dy) => at(px + dx / scale, py + dy / scale))).some(isRed);
    expect([near(x, y + 60), near(x + width, y + 60), near(x + 100, y), near(x + 60, y + height)]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(at(x + 60, y + 50)).toEqual([0, 0, 0]);
    expect(at(x - 40, y + 50)).toEqual([255, 255, 255]);
    expect(await cell(page, 0).locator('path.crowd').count()).toBe(1);
    expect(
      await cell(page, 0)
        .locator('path.crowd')
        .evaluate((path) => getComputedStyle(path).strokeDasharray),
    ).not.toBe('none');
    expect(await cell(page, 0).locator('.box-name').allTextContents()).toEqual(['dog', 'cat']);
    await page.locator('[data-toggle="boxes"]').click();
    await expect.poll(() => page.locator('path.box').count()).toBe(0);
    await close();
  });

  it('says in place of a picture why there is none', async () => {
    const { page, close } = await show();
    await openImages(page);
    await cell(page, 3).locator('.reason', { hasText: 'image 3 is missing' }).waitFor();
    expect(await cell(page, 3).locator('img').isVisible()).toBe(false);
    await close();
  });

  it.each(['light', 'dark', 'high-contrast'] as const)('can be used by everybody: %s', async (theme) => {
    const { page, complaints, close } = await show(theme);
    await page.locator('[data-card="co-occurrence"] rect.cell').first().waitFor();
    expect(await page.locator('b, i').count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    for (const button of await page.getByRole('button', { name: 'Table', exact: true }).all()) await button.click();
    await page.locator('th', { hasText: 'Lift' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await openImages(page);
    await cell(page, 0).locator('img[src^="blob:"]').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});
