// Work for several at once: done once, given up when nobody waits.
import { describe, expect, it } from 'vitest';
import { sharedWork } from '../../src/host/shared-work';

/** Work that ends when it is told to, and rejects when it is given up. */
function controlled() {
  const begun: { readonly signal: AbortSignal; readonly end: (text: string) => void }[] = [];
  const work = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      begun.push({ signal, end: resolve });
    });
  return { begun, work };
}

describe('sharedWork', () => {
  it('is done once for all who ask meanwhile, and anew for who asks later or for something else', async () => {
    const { begun, work } = controlled();
    const share = sharedWork<string>();
    const { signal } = new AbortController();
    const asked = [share('a', signal, work), share('a', signal, work), share('b', signal, work)];
    expect(begun.length).toBe(2);
    begun[0]!.end('first');
    begun[1]!.end('other');
    expect(await Promise.all(asked)).toEqual(['first', 'first', 'other']);
    const again = share('a', signal, work);
    expect(begun.length).toBe(3);
    begun[2]!.end('second');
    expect(await again).toBe('second');
  });

  it('goes on while one waits, and is given up with the last', async () => {
    const { begun, work } = controlled();
    const share = sharedWork<string>();
    const [one, other] = [new AbortController(), new AbortController()];
    const asked = [share('a', one.signal, work), share('a', other.signal, work)].map((result) => result.catch(String));
    one.abort('one left');
    expect(begun[0]!.signal.aborted).toBe(false);
    other.abort('all left');
    expect(begun[0]!.signal.aborted).toBe(true);
    expect(await Promise.all(asked)).toEqual(['all left', 'all left']);
  });

  it('begins anew for who asks right after it was given up, and not at all for who has left before', async () => {
    const { begun, work } = controlled();
    const share = sharedWork<string>();
    const gone = new AbortController();
    const first = share('a', gone.signal, work).catch(String);
    gone.abort('left');
    const second = share('a', new AbortController().signal, work);
    expect(begun.length).toBe(2);
    begun[1]!.end('second');
    expect([await first, await second]).toEqual(['left', 'second']);
    await expect(share('b', gone.signal, work)).rejects.toBe('left');
  });

  it('fails for all of them', async () => {
    const share = sharedWork<string>();
    const { signal } = new AbortController();
    const fail = () => Promise.reject(new Error('unreadable'));
    const asked = [share('a', signal, fail), share('a', signal, fail)];
    for (const one of asked) await expect(one).rejects.toThrow('unreadable');
  });
});
