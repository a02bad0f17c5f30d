// The image editor in a real browser: maps over the picture, comparisons, size, files, keys, and what it says when something is missing.
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blend } from '../../src/heatmap/blend';
import { colormapOf } from '../../src/heatmap/colormap';
import { enlarged } from '../../src/heatmap/enlarge';
import type { ColormapName, ExplainedMap } from '../../src/protocol/messages';
import type { ImageEditorData } from '../../src/protocol/windows';
import { fitted, zoomed } from '../../webview/image/layout';
import { choose, firstState, listed } from '../../webview/image/state';
import { NO_BROWSER, showWindow, startBrowser, violations } from './window';

const SCORES = { dog: 0.9, cat: 0.7, bird: 0.4, horse: 0.2, cow: 0.1, 'potted plant': 0.01 };
const CATEGORIES = Object.keys(SCORES);
const [WIDTH, HEIGHT] = [320, 200];

const DATA: ImageEditorData = {
  file: '/pictures/a.b.png',
  uri: 'picture.png',
  png: null,
  settings: { colormap: 'jet', opacity: 0.5 },
  model: { folder: '/runs/one', name: 'first run', kind: 'run', categories: CATEGORIES },
  pinned: false,
  predicted: { file: '/pictures/a.b.png', labels: ['dog', 'cat'], scores: SCORES },
  thresholds: { dog: 0.5, cat: 0.5, bird: 0.5, horse: 0.5, cow: 0.5, 'potted plant': 0.5 },
  truth: { annotations: '/annotations.json', known: CATEGORIES, labels: ['dog', 'bird'] },
  error: null,
};

/** One hot cell of 7 × 7 for each category, on the diagonal; nothing for the plant. */
function mapOf(category: string): ExplainedMap {
  const hot = CATEGORIES.indexOf(category);
  const values = Array.from({ length: 49 }, (_, k) => (category !== 'potted plant' && k === 8 * hot ? 3 : 0));
  return { category, score: SCORES[category as keyof typeof SCORES], width: 7, height: 7, values };
}

/** The strongest colours. */
const hotOf = (name: ColormapName) =>
  Array.from({ length: 8 }, (_, k) => [...colormapOf(name).subarray(744 + 3 * k, 747 + 3 * k)]);

const explain = ({ categories }: { readonly categories: readonly string[] }) => categories.map(mapOf);

describe('fitted', () => {
  const stage = { width: 1000, height: 600 };

  it('gives each picture the same size at its own aspect ratio, all of them within the stage', () => {
    for (let count = 1; count <= 12; count++) {
      for (const picture of [
        { width: 640, height: 480 },
        { width: 300, height: 900 },
        { width: 12_000, height: 500 },
      ]) {
        const { width, height, columns } = fitted(count, stage, picture);
        expect(columns * width).toBeLessThanOrEqual(stage.width);
        expect(Math.ceil(count / columns) * height).toBeLessThanOrEqual(stage.height);
        expect(Math.abs(width * picture.height - height * picture.width)).toBeLessThanOrEqual(picture.width + picture.height);
      }
    }
  });

  it('puts wide pictures below and tall ones beside each other', () => {
    expect(fitted(2, stage, { width: 900, height: 200 }).columns).toBe(1);
    expect(fitted(2, stage, { width: 200, height: 900 }).columns).toBe(2);
  });

  it('does not blow up what is tiny', () => {
    expect(fitted(1, stage, { width: 10, height: 10 })).toEqual({ width: 40, height: 40, columns: 1 });
  });
});

describe('what is listed and chosen', () => {
  const scores = Object.fromEntries(Array.from({ length: 80 }, (_, k) => [`category ${k}`, 1 / (k + 2)]));
  const truth = { annotations: '', known: ['category 70'], labels: ['category 70'] };
  const state = firstState({ ...DATA, predicted: { file: '', labels: [], scores }, thresholds: {}, truth }, undefined);

  it('lists what a digit reaches, labels and what was missed; or everything', () => {
    expect(listed(state).map(({ category }) => category)).toEqual([
      ...Array.from({ length: 9 }, (_, k) => `category ${k}`),
      'category 70',
    ]);
    expect(listed({ ...state, all: true })).toHaveLength(80);
    expect(listed({ ...state, chosen: 'category 33' }).map(({ category }) => category)).toContain('category 33');
  });

  it('chooses one and lets go of it; several in small multiples', () => {
    expect(choose(state, 'category 2')).toEqual({ chosen: 'category 2' });
    expect(choose({ ...state, chosen: 'category 2' }, 'category 2')).toEqual({ chosen: undefined });
    const compared = ['category 1', 'category 2'];
    expect(choose({ ...state, mode: 'multiples', compared }, 'category 2')).toEqual({ compared: ['category 1'] });
    expect(choose({ ...state, mode: 'multiples', compared }, 'category 7')).toEqual({ compared: [...compared, 'category 7'] });
  });

  it('is never smaller than fits, and comes back to it', () => {
    expect(zoomed(1, -1)).toBe(1);
    expect(zoomed(zoomed(1, 1), -1)).toBe(1);
    expect(zoomed(1, 100)).toBe(16);
  });
});

describe.skipIf(NO_BROWSER !== '')(`the image editor${NO_BROWSER}`, () => {
  let browser: Browser;
  let picture: Buffer;
  let pixels: Uint8Array;

  beforeAll(async () => {
    pixels = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, k) => (k * 7 + (k >> 8)) % 256);
    picture = await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
      .png()
      .toBuffer();
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  const show = async (data: Partial<ImageEditorData> = {}, calls: object = { explain }) => {
    const shown = await showWindow(browser, 'image', { data: { ...DATA, ...data }, calls, files: { 'picture.png': picture } });
    await shown.page.locator('.side button').first().waitFor();
    return shown;
  };

  it('shows a map where the model looked, moves it with the category, and takes it away', async () => {
    const { page, asked, close } = await show();
    await page.locator('.heat').waitFor();
    for (const k of [1, 2, 3]) {
      await page.keyboard.press(String(k + 1));
      await page.locator('figcaption', { hasText: `${CATEGORIES[k]!} 0.` }).waitFor();
      const { x, y } = await placeOf(page, hotOf('jet'));
      expect(x).toBeCloseTo((k + 0.5) / 7, 2);
      expect(y).toBeCloseTo((k + 0.5) / 7, 2);
    }
    await page.keyboard.press('2');
    expect(await page.locator('.side [aria-pressed="true"]').getAttribute('data-category')).toBe('cat');
    await page.keyboard.press('Escape');
    expect(await page.locator('.side [aria-pressed="true"]').count()).toBe(0);
    expect((await placeOf(page, hotOf('jet'))).painted).toBe(0);
    const explained = asked.filter(({ call }) => call === 'explain').map(({ params }) => params.categories);
    expect(explained).toEqual([['cat'], ['bird'], ['horse']]);
    await close();
  });

  it('saves the picture with the map at its own size, as the engine writes it', async () => {
    const { page, asked, close } = await show({ settings: { colormap: 'viridis', opacity: 0.6 } });
    await page.keyboard.press('2');
    await page.locator('figcaption', { hasText: 'cat 0.70' }).waitFor();
    await page.locator('[data-save]').click();
    await expect.poll(() => asked.find(({ call }) => call === 'save'), { timeout: 20_000 }).toBeDefined();
    const { name, content } = asked.find(({ call }) => call === 'save')!.params as { name: string; content: number[] };
    expect(name).toBe('a.b.cat.png');
    const { data, info } = await sharp(Buffer.from(content)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([WIDTH, HEIGHT]);
    const written = blend(pixels, enlarged(mapOf('cat'), WIDTH, HEIGHT), colormapOf('viridis'), 0.6);
    const most = data.reduce((worst, value, k) => Math.max(worst, Math.abs(value - written[k]!)), 0);
    expect(most).toBeLessThanOrEqual(2);
    await close();
  });

  it('keeps opacity and colours as settings, and draws by them', async () => {
    const { page, asked, close } = await show();
    await page.keyboard.press('2');
    await page.locator('figcaption', { hasText: 'cat 0.70' }).waitFor();
    await page.getByLabel('Opacity').focus();
    await page.keyboard.press('ArrowRight');
    await page.getByLabel('Colours').selectOption('magma');
    expect(asked.filter(({ call }) => call === 'keepSettings').map(({ params }) => params)).toEqual([
      { colormap: 'jet', opacity: 0.55 },
      { colormap: 'magma', opacity: 0.55 },
    ]);
    expect(await page.locator('.heat').evaluate((element) => getComputedStyle(element).opacity)).toBe('0.55');
    expect((await placeOf(page, hotOf('magma'))).x).toBeCloseTo(1.5 / 7, 2);
    await close();
  });

  it('compares side by side, by swiping, and several categories at once', async () => {
    const { page, asked, close } = await show();
    await page.keyboard.press('1');
    await page.locator('[data-mode="side"]').click();
    expect(await page.locator('figure').count()).toBe(2);
    await page.locator('[data-mode="swipe"]').click();
    await page.getByLabel('Where the map begins').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    expect(await page.locator('.heat').evaluate((element) => element.style.clipPath)).toBe('inset(0px 0px 0px 99%)');
    await page.locator('[data-mode="multiples"]').click();
    const captions = page.locator('figcaption');
    await captions.filter({ hasText: 'potted plant 0.01: no place speaks for it' }).waitFor();
    expect(await captions.count()).toBe(6);
    await page.keyboard.press('2');
    expect(await captions.allTextContents()).toEqual(expect.not.arrayContaining([expect.stringContaining('cat')]));
    await page.locator('[data-save]').click();
    await expect.poll(() => asked.find(({ call }) => call === 'save'), { timeout: 20_000 }).toBeDefined();
    const { name, content } = asked.find(({ call }) => call === 'save')!.params as { name: string; content: number[] };
    expect(name).toBe('a.b.gradcam.png');
    const { width, height } = await sharp(Buffer.from(content)).metadata();
    expect(width).toBeGreaterThan(3 * WIDTH);
    expect(height).toBeGreaterThan(2 * HEIGHT);
    await close();
  });

  it('changes the size by keys, and moves about by dragging', async () => {
    const { page, close } = await show();
    const figure = page.locator('figure .picture');
    const before = (await figure.boundingBox())!;
    for (let k = 0; k < 4; k++) await page.keyboard.press('+');
    expect((await figure.boundingBox())!.width).toBeCloseTo(before.width * 1.25 ** 4, 0);
    const stage = page.locator('.stage');
    const scroll = () => stage.evaluate(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]);
    const [left, top] = await scroll();
    await page.mouse.move(500, 400);
    await page.mouse.down();
    await page.mouse.move(440, 370, { steps: 3 });
    await page.mouse.up();
    expect(await scroll()).toEqual([left! + 60, top! + 30]);
    await page.keyboard.press('f');
    expect((await figure.boundingBox())!.width).toBeCloseTo(before.width, 0);
    await close();
  });

  it('shows formats that browsers do not know from the bytes it is given', async () => {
    const { page, complaints, close } = await show({ uri: '', png: new Uint8Array(picture) });
    await page.locator('figure img').waitFor();
    expect(await page.locator('figure img').evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(WIDTH);
    expect(complaints).toEqual([]);
    await close();
  });

  it('says what is missing and what to do', async () => {
    const without = await show({ model: null, predicted: null, truth: null });
    await without.page.getByText('Train a Model').click();
    await without.page.getByText('Import Model…').click();
    await expect.poll(() => without.asked.map(({ params }) => params.command)).toEqual(['train', 'importModel']);
    await without.close();
    const broken = await showWindow(browser, 'image', { data: { ...DATA, uri: '' } });
    await broken.page.getByText('a.b.png cannot be shown as an image.').waitFor();
    await broken.close();
    const refused = await show({ predicted: null, error: { code: 'image-unreadable', message: '<b>a.b.png</b> is no image.' } });
    expect(await refused.page.getByRole('alert').textContent()).toBe('<b>a.b.png</b> is no image.');
    await refused.close();
  });

  it('says why there is no map, and asks again when told to', async () => {
    let trials = 0;
    const failing = (params: { readonly categories: readonly string[] }) => {
      if (trials++ === 0) throw new Error('The engine has stopped.');
      return explain(params);
    };
    const { page, close } = await show({}, { explain: failing });
    await page.keyboard.press('1');
    await page.getByText('The engine has stopped.').waitFor();
    await page.getByText('Try Again').click();
    await page.locator('figcaption', { hasText: 'dog 0.90' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await close();
  });

  it.each(['light', 'dark', 'high-contrast'] as const)('can be used by everybody, and breaks no policy: %s', async (theme) => {
    const files = { 'picture.png': picture };
    const { page, complaints, close } = await showWindow(browser, 'image', { data: DATA, calls: { explain }, theme, files });
    await page.locator('figure').waitFor();
    await page.keyboard.press('1');
    for (const mode of ['overlay', 'side', 'swipe', 'multiples']) {
      await page.locator(`[data-mode="${mode}"]`).click();
      await page.locator('figcaption', { hasText: 'dog 0.90' }).waitFor();
      expect(await violations(page), mode).toEqual([]);
    }
    expect(complaints).toEqual([]);
    await close();
  });
});

/** Where the canvas has these colours, on average, as shares of its size; and how many of its pixels are painted at all. */
async function placeOf(page: Page, colours: readonly (readonly number[])[]): Promise<{ x: number; y: number; painted: number }> {
  return page.locator('.heat').evaluate((element, wanted) => {
    const canvas = element as HTMLCanvasElement;
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
    let [x, y, count, painted] = [0, 0, 0, 0];
    for (let k = 0; k < width * height; k++) {
      if (data[4 * k + 3]! > 0) painted++;
      if (!wanted.some((colour) => colour.every((value, channel) => data[4 * k + channel] === value))) continue;
      count++;
      x += ((k % width) + 0.5) / width;
      y += (Math.floor(k / width) + 0.5) / height;
    }
    return { x: x / count, y: y / count, painted };
  }, colours);
}
