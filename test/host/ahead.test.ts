// What is asked before a person asks: of which images, in which order, and what is given up when another one comes to the front.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asksAhead } from '../../src/host/ahead';

describe('asksAhead', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-ahead-'));
    for (const name of ['a.png', 'b.png', 'c.png', 'd.png']) await writeFile(join(folder, name), '');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const at = (name: string) => join(folder, name);

  /** Answers when it is told to, or is given up. */
  function recorder() {
    const asked: { readonly name: string; readonly signal: AbortSignal; readonly answer: () => void }[] = [];
    const of = (file: string, _: unknown, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        asked.push({ name: basename(file), signal, answer: resolve });
        signal.addEventListener('abort', () => resolve());
      });
    return { asked, of };
  }
  const names = ({ asked }: ReturnType<typeof recorder>) => asked.map(({ name }) => name);

  it('asks for the next image, then for the one before, then for those behind them', async () => {
    const labels = recorder();
    const done = asksAhead(labels, () => true).beside(at('b.png'));
    await expect.poll(() => names(labels)).toEqual(['c.png']);
    labels.asked[0]!.answer();
    await expect.poll(() => names(labels)).toEqual(['c.png', 'a.png']);
    labels.asked[1]!.answer();
    await expect.poll(() => names(labels)).toEqual(['c.png', 'a.png', 'd.png']);
    labels.asked[2]!.answer();
    await done;
    expect(names(labels)).toEqual(['c.png', 'a.png', 'd.png']);
  });

  it('asks nothing where that is not wanted, and of an image that is left at once', async () => {
    const labels = recorder();
    await asksAhead(labels, () => false).beside(at('b.png'));
    const ahead = asksAhead(labels, () => true);
    const done = ahead.beside(at('b.png'));
    ahead.leave(at('d.png'));
    await done;
    expect(names(labels)).toEqual([]);
  });

  it('gives up what is asked when another image comes, and asks no more', async () => {
    const labels = recorder();
    const ahead = asksAhead(labels, () => true);
    const done = ahead.beside(at('b.png'));
    await expect.poll(() => names(labels)).toEqual(['c.png']);
    ahead.leave(at('d.png'));
    await done;
    expect(labels.asked[0]!.signal.aborted).toBe(true);
    expect(names(labels)).toEqual(['c.png']);
  });

  it('keeps the answer that is on its way for the image that comes', async () => {
    const labels = recorder();
    const ahead = asksAhead(labels, () => true);
    const done = ahead.beside(at('b.png'));
    await expect.poll(() => names(labels)).toEqual(['c.png']);
    ahead.leave(at('c.png'));
    expect(labels.asked[0]!.signal.aborted).toBe(false);
    labels.asked[0]!.answer();
    await done;
    expect(names(labels)).toEqual(['c.png']);
    const next = ahead.beside(at('c.png'));
    await expect.poll(() => names(labels)).toEqual(['c.png', 'd.png']);
    ahead.leave(undefined);
    await next;
  });
});
