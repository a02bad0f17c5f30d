// The rows of the grid as they are asked for: windows of a hundred, the ones in sight first, and no more kept than a few screens.
import type { BrowsedImage, BrowseResult } from '../../src/protocol/browse';

const SIZE = 100;

/** 100 windows of 100 rows. */
const MOST_WINDOWS = 100;

/** Requests on their way at a time: who scrolls past is not kept waiting by what nobody looks at any more. */
const AT_ONCE = 2;

export interface RowWindows {
  get(index: number): BrowsedImage | undefined;
  /** Says which rows are in sight; those that are missing are asked for. */
  want(first: number, last: number): void;
  /** Forgets all: another filter or order. */
  clear(): void;
}

type Ask = (offset: number, limit: number) => Promise<BrowseResult>;

export function rowWindows(ask: Ask, onChange: (total: number) => void, onError: (error: Error) => void): RowWindows {
  const windows = new Map<number, readonly BrowsedImage[]>();
  const asked = new Set<number>();
  let generation = 0;
  let wanted: readonly number[] = [];
  const fetch = async (number: number) => {
    const mine = generation;
    asked.add(number);
    try {
      const { total, images } = await ask(number * SIZE, SIZE);
      if (mine !== generation) return;
      keep(windows, number, images);
      onChange(total);
    } catch (error) {
      if (mine === generation) onError(error as Error);
      return;
    } finally {
      if (mine === generation) asked.delete(number);
    }
    goOn();
  };
  const goOn = () => {
    for (const number of wanted) {
      if (asked.size >= AT_ONCE) return;
      if (!windows.has(number) && !asked.has(number)) void fetch(number);
    }
  };
  return {
    get: (index) => windows.get(Math.floor(index / SIZE))?.[index % SIZE],
    want: (first, last) => {
      const [from, to] = [Math.floor(first / SIZE), Math.floor(Math.max(first, last - 1) / SIZE)];
      wanted = Array.from({ length: to - from + 1 }, (_, k) => from + k);
      goOn();
    },
    clear: () => {
      generation++;
      windows.clear();
      asked.clear();
      wanted = [];
    },
  };
}

function keep(windows: Map<number, readonly BrowsedImage[]>, number: number, images: readonly BrowsedImage[]): void {
  windows.set(number, images);
  const [oldest] = windows.keys();
  if (windows.size > MOST_WINDOWS && oldest !== undefined) windows.delete(oldest);
}
