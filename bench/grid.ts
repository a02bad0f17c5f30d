// `npm run bench -- grid`: the dataset panel's page of images over 120,000 rows in Chromium, scrolled: how long its frames take.
import type { Page } from 'playwright-core';
import { browse, DATA, pictures } from '../test/webview/huge-dataset';
import { NO_BROWSER, showWindow, startBrowser } from '../test/webview/window';

const FRAMES = 300;
/** Pixels a frame: a wheel that is turned, and a scroll bar that is dragged through all of the list in these frames. */
const WAYS = [
  { name: 'wheel', step: 120 },
  { name: 'scroll bar', step: undefined },
] as const;

/** Lines of the median, the 95th percentile and the longest of the times between frames, and of the work that each frame took. */
export async function benchGrid(): Promise<string[]> {
  if (NO_BROWSER) throw new Error('No Chromium or Chrome was found. Install one.');
  const browser = await startBrowser();
  try {
    const { page } = await showWindow(browser, 'dataset', { data: DATA, calls: { browse, thumbnails: await pictures() } });
    await page.getByRole('tab', { name: 'Images' }).click();
    await page.locator('.virtual-cell img[src^="blob:"]').first().waitFor();
    const lines: string[] = [];
    for (const { name, step } of WAYS) lines.push(...linesOf(name, await scroll(page, step)));
    return lines;
  } finally {
    await browser.close();
  }
}

interface Frames {
  readonly between: readonly number[];
  readonly work: readonly number[];
}

/** Runs in the page. Work: from a frame's first callback, with the scrolling and what follows from it, to the first task after it was laid out. */
const SCROLL = `async (grid, { frames, asked }) => {
  const by = asked ?? (grid.scrollHeight - grid.clientHeight) / frames;
  grid.scrollTop = 0;
  const [between, work] = [[], []];
  const { port1, port2 } = new MessageChannel();
  let begun = 0;
  port1.onmessage = () => work.push(performance.now() - begun);
  for (let k = 0, before = performance.now(); k < frames; k++) {
    await new Promise(requestAnimationFrame);
    begun = performance.now();
    between.push(begun - before);
    before = begun;
    grid.scrollTop += by;
    port2.postMessage(null);
  }
  return { between, work };
}`;

async function scroll(page: Page, asked: number | undefined): Promise<Frames> {
  const argument = JSON.stringify({ frames: FRAMES, asked });
  return page.evaluate<Frames>(`(${SCROLL})(document.querySelector('[role="grid"]'), ${argument})`);
}

function linesOf(name: string, { between, work }: Frames): string[] {
  const row = (what: string, values: readonly number[]) => {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(1).padStart(7);
    return `${name.padEnd(12)} ${what.padEnd(16)} median ${at(0.5)} ms   95 % ${at(0.95)} ms   longest ${at(1)} ms`;
  };
  return [row('between frames', between), row('work', work)];
}
