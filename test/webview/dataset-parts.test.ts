// Parts of the dataset panel that need no browser: measures of co-occurrence, the thumbnail store, windows of rows.
import { resolveObjectURL } from 'node:buffer';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Thumbnail } from '../../src/protocol/browse';
import { conditional, isSurprising, lift, pairsOf, type Together } from '../../webview/dataset/measures';
import { rowWindows } from '../../webview/dataset/row-windows';
import { MOST_BYTES, ThumbnailStore } from '../../webview/kit/thumbnails';

/** 100 images: a on 50, b on 20, both on 10; c on 10, always with b; d on none. */
const TOGETHER: Together = { counts: [50, 10, 0, 0, 10, 20, 10, 0, 0, 10, 10, 0, 0, 0, 0, 0], categories: 4, images: 100 };

describe('measures of co-occurrence', () => {
  it('is the share of the row, and how much more often than by chance', () => {
    expect([conditional(TOGETHER, 0, 1), conditional(TOGETHER, 1, 0), conditional(TOGETHER, 2, 1)]).toEqual([0.2, 0.5, 1]);
    expect([lift(TOGETHER, 0, 1), lift(TOGETHER, 1, 2), lift(TOGETHER, 0, 2)]).toEqual([1, 5, 0]);
    expect(lift(TOGETHER, 1, 0)).toBe(lift(TOGETHER, 0, 1));
  });

  it('says nothing of categories that no image shows', () => {
    expect([conditional(TOGETHER, 3, 0), lift(TOGETHER, 0, 3)]).toEqual([null, null]);
  });

  it('finds it remarkable that two never meet only where chance would bring them together', () => {
    expect([isSurprising(TOGETHER, 0, 2), isSurprising(TOGETHER, 0, 3), isSurprising(TOGETHER, 1, 2)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('lists each pair once, the commonest first', () => {
    expect(pairsOf(TOGETHER)).toEqual([
      { a: 0, b: 1, images: 10 },
      { a: 1, b: 2, images: 10 },
    ]);
  });
});

const MEGABYTE = 2 ** 20;

/** Waits until the store has asked for nothing more. */
async function settled(asked: readonly unknown[]): Promise<void> {
  for (let before = -1; before !== asked.length;) {
    before = asked.length;
    await wait(100);
  }
}

describe('the thumbnail store', () => {
  const source = () => {
    const asked: (readonly number[])[] = [];
    const givenUp: number[] = [];
    const ask = (_: number, rows: readonly number[]): Promise<Thumbnail[]> => {
      asked.push(rows);
      return Promise.resolve(rows.map((row) => ({ row, jpeg: new Uint8Array(MEGABYTE), width: 4, height: 3 })));
    };
    return { asked, givenUp, ask, giveUp: (ticket: number) => void givenUp.push(ticket) };
  };
  const urlOf = (store: ThumbnailStore, row: number) => {
    const picture = store.get(row);
    return picture && 'url' in picture ? picture.url : undefined;
  };

  it('never holds more than its limit: the oldest go, and their memory with them', async () => {
    const from = source();
    const sizes: number[] = [];
    const store: ThumbnailStore = new ThumbnailStore(from, () => sizes.push(store.bytes));
    store.want([0]);
    await settled(from.asked);
    const first = urlOf(store, 0)!;
    expect(resolveObjectURL(first)).toBeDefined();
    for (const start of [1, 21, 41]) {
      store.want(Array.from({ length: 20 }, (_, k) => start + k));
      await settled(from.asked);
    }
    expect(Math.max(...sizes)).toBe(MOST_BYTES);
    expect(store.get(0)).toBeUndefined();
    expect(resolveObjectURL(first)).toBeUndefined();
    expect(urlOf(store, 60)).toMatch(/^blob:/);
    store.clear();
    expect(store.bytes).toBe(0);
  });

  it('gives up what is scrolled past, and asks again when it comes back', async () => {
    const waiting: (() => void)[] = [];
    const { asked, givenUp, ...from } = source();
    const refused = (ticket: number, rows: readonly number[]) =>
      ticket === 1
        ? new Promise<Thumbnail[]>((_, reject) => waiting.push(() => reject(Object.assign(new Error(''), { code: 'cancelled' }))))
        : from.ask(ticket, rows);
    const store = new ThumbnailStore({ ask: refused, giveUp: from.giveUp }, () => undefined);
    store.want([1, 2]);
    await wait(100);
    store.want([100]);
    expect(givenUp).toEqual([1]);
    waiting[0]!();
    await wait(100);
    expect(store.get(1)).toBeUndefined();
    store.want([1, 2]);
    await wait(100);
    expect(asked).toEqual([[100], [1, 2]]);
    expect(urlOf(store, 1)).toMatch(/^blob:/);
  });
});

describe('windows of rows', () => {
  it('asks for what is in sight only, and forgets what another filter had asked for', async () => {
    const answers: (() => void)[] = [];
    const offsets: number[] = [];
    const totals: number[] = [];
    const ask = (offset: number) => {
      offsets.push(offset);
      return new Promise<{ total: number; images: never[] }>((done) => answers.push(() => done({ total: offset, images: [] })));
    };
    const rows = rowWindows(
      ask,
      (total) => totals.push(total),
      () => undefined,
    );
    rows.want(150, 420);
    rows.want(1050, 1060);
    expect(offsets).toEqual([100, 200]);
    answers[0]!();
    await wait(0);
    expect(offsets).toEqual([100, 200, 1000]);
    rows.clear();
    rows.want(0, 10);
    for (const answer of answers) answer();
    await wait(0);
    expect(offsets).toEqual([100, 200, 1000, 0]);
    expect(totals).toEqual([100, 0]);
  });
});
