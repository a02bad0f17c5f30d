// `npm run bench -- slider [WORD...]`: the evaluation panel's slider over 5,000 images × 80 categories in Chromium: the work that each of its events makes, of
// what has one of the words in its name.
import type { Browser, Page } from 'playwright-core';
import { table } from '../src/cli/io';
import type { RandomStream } from '../src/metrics/random';
import type { EvaluationData } from '../src/protocol/windows';
import { thresholdsOfPeer } from './slider-peer';
import { evaluationData, evaluationSet, type EvaluationSize } from '../test/webview/evaluation-data';
import { NO_BROWSER, showWindow, startBrowser } from '../test/webview/window';

const SIZE = { images: 5000, categories: Array.from({ length: 80 }, (_, c) => `category ${c}`) };

/** Like a network's: most scores are small, and those of true labels spread from low to high. */
const likeNetwork = (label: number, random: RandomStream) =>
  1 / (1 + Math.exp(-(label === 1 ? 1 + 2 * random.normal() : -4 + 1.5 * random.normal())));

const SETS: readonly (readonly [string, EvaluationSize])[] = [
  ["scores like a network's", { ...SIZE, scoreOf: likeNetwork }],
  ['scores spread evenly', SIZE],
];

/** There and back through the middle by hundredths, as a hand drags; then places far apart, as clicks on the track. */
const DRAGGED = [...Array.from({ length: 45 }, (_, k) => 25 + k), ...Array.from({ length: 45 }, (_, k) => 69 - k)];
const JUMPED = Array.from({ length: 40 }, (_, k) => (5 + 37 * k) % 91);

interface Shown {
  readonly name: string;
  /** The tab as the panel keeps it. */
  readonly tab: string;
  /** A card that the page is scrolled to. */
  readonly card?: string;
  /** What slices are made of. */
  readonly by?: string;
  /** Which pairs are counted. */
  readonly kind?: string;
  /** A number that is chosen, so that the gallery of the images behind it is open and in sight. */
  readonly behind?: string;
}

const SLICE = '[data-card="slices"] .choice';
const PAIR = '[data-card="pairs"] td button';

const SHOWN: readonly Shown[] = [
  { name: 'overview', tab: 'overview' },
  { name: 'overview, scrolled to its table', tab: 'overview', card: 'categories' },
  { name: 'overview, images not exactly right', tab: 'overview', behind: '[data-tile="micro-f1"] button' },
  { name: 'overview, the most wrong images', tab: 'overview', behind: '[data-tile="hamming-loss"] button' },
  { name: 'overview, images of a cell', tab: 'overview', behind: '[data-cell="tn"]' },
  { name: 'failures, by number of labels', tab: 'failures', by: 'labels' },
  { name: 'failures, by object area', tab: 'failures', by: 'area' },
  { name: 'failures, by image size', tab: 'failures', by: 'size' },
  { name: 'failures, by field', tab: 'failures', by: 'field:weather' },
  { name: 'failures, by co-occurrence', tab: 'failures', by: 'co-occurrence' },
  { name: 'failures, scrolled to their pairs', tab: 'failures', by: 'labels', card: 'pairs' },
  { name: 'failures, pairs of false alarms', tab: 'failures', by: 'labels', card: 'pairs', kind: 'false-together' },
  { name: 'failures, images of a slice', tab: 'failures', by: 'labels', behind: SLICE },
  { name: 'failures, labels of an area', tab: 'failures', by: 'area', behind: SLICE },
  { name: 'failures, images of a pair', tab: 'failures', by: 'labels', behind: PAIR },
];

/** Lines of the median, the 95th percentile and the longest of the work of an event: its handlers, the script of its frame, style, layout and paint. */
export async function benchSlider(asked: readonly string[]): Promise<string[]> {
  if (NO_BROWSER) throw new Error('No Chromium or Chrome was found. Install one.');
  const browser = await startBrowser();
  try {
    const rows: string[][] = [];
    for (const [name, size] of SETS) {
      const data = withFacts(evaluationData(size));
      for (const shown of SHOWN.filter(({ name }) => asked.length === 0 || asked.some((word) => name.includes(word))))
        rows.push(...(await rowsOf(browser, name, shown, data)));
    }
    const ours = table([
      ['', 'tab', 'slider', 'median ms', '95 % ms', 'longest ms', 'processor ms', 'tiles that moved'],
      ...rows,
    ]);
    return [...ours, '', ...(await peerLines())];
  } finally {
    await browser.close();
  }
}

/** Labels of all sizes, in images of all sizes, each with one of twelve values in a field. */
function withFacts(data: EvaluationData): EvaluationData {
  const images = data.images.map(({ file, labels }, row) => ({
    ...{ file_name: file, width: 320 + (row % 320), height: 480 },
    areas: labels.map((c) => 300 * (1 + ((row * 7 + c) % 90))),
  }));
  const fields = [{ name: 'weather', values: images.map((_, row) => `weather ${row % 12}`) }];
  return { ...data, facts: { images, fields, leftOut: [] } };
}

/** The numbers at a threshold alone: neither charts nor intervals. */
async function peerLines(): Promise<string[]> {
  const rows: string[][] = [];
  for (const [name, size] of SETS) {
    const found = await thresholdsOfPeer(
      evaluationSet(size),
      DRAGGED.map((place) => place / 100),
    );
    if (!found) return ['scikit-learn is not set up (bench/peers/README.md).'];
    rows.push([name, `scikit-learn ${found.version}`, ...summaryOf(found.milliseconds)]);
  }
  return table([['', 'the same numbers', 'median ms', '95 % ms', 'longest ms'], ...rows]);
}

async function rowsOf(browser: Browser, name: string, shown: Shown, data: EvaluationData): Promise<string[][]> {
  const { page, close } = await showWindow(browser, 'evaluation', {
    data,
    kept: { tab: shown.tab, failures: { by: shown.by, kind: shown.kind } },
  });
  await page.locator('#threshold').waitFor({ timeout: 120_000 });
  if (shown.card) await page.locator(`[data-card="${shown.card}"] .scroll`).scrollIntoViewIfNeeded();
  if (shown.behind) {
    await page.locator(shown.behind).first().click();
    await page.locator('.gallery .virtual-cell').first().waitFor();
  }
  const processor = await processorOf(page);
  const row = async (way: string, places: readonly (number | null)[]) => {
    const before = await processor();
    const found = await work(page, places);
    return [name, shown.name, way, ...summary(found, (await processor()) - before)];
  };
  // The first way round compiles what the second measures.
  await work(page, DRAGGED);
  const rows = [
    await row(
      'idle',
      DRAGGED.map(() => null),
    ),
    await row('dragged', DRAGGED),
    await row('clicked', JUMPED),
  ];
  await close();
  return rows;
}

/** Milliseconds of the processor that the page's main thread has taken: what other programs do counts little. */
async function processorOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1000 * metrics.find(({ name }) => name === 'TaskDuration')!.value;
  };
}

interface Work {
  readonly milliseconds: readonly number[];
  /** Of the tiles, how many have shown more than one number. */
  readonly moved: number;
}

/**
 * Runs in the page. The panel draws in the frame after the event: its first callback is ours, and so is the first task after it was painted. The
 * time between the event's handlers and that frame is idle and is not counted.
 */
const WORK = `async (places) => {
  const slider = document.querySelector('#threshold');
  const tiles = [...document.querySelectorAll('.tile')];
  const seen = tiles.map(() => new Set());
  const milliseconds = [];
  for (const place of places) {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    let begun = 0;
    const ended = new Promise((done) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => done(performance.now());
      requestAnimationFrame(() => {
        begun = performance.now();
        port2.postMessage(null);
      });
    });
    const before = performance.now();
    if (place !== null) {
      slider.value = String(place / 100);
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    }
    const handled = performance.now() - before;
    milliseconds.push(handled + (await ended) - begun);
    tiles.forEach((tile, k) => seen[k].add(tile.textContent));
  }
  return { milliseconds, moved: seen.filter(({ size }) => size > 1).length };
}`;

async function work(page: Page, places: readonly (number | null)[]): Promise<Work> {
  return page.evaluate<Work>(`(${WORK})(${JSON.stringify(places)})`);
}

function summary({ milliseconds, moved }: Work, processor: number): string[] {
  return [...summaryOf(milliseconds), (processor / milliseconds.length).toFixed(1), String(moved)];
}

function summaryOf(milliseconds: readonly number[]): string[] {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  return [0.5, 0.95, 1].map((share) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(1));
}
