// Work that several ask for at the same time is done once, and given up when none of them waits for it any more.

/** @param signal of the one who asks @param work what is done unless it is at work already; its signal is that of all who wait */
export type Share<T> = (key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>) => Promise<T>;

interface AtWork<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

export function sharedWork<T>(): Share<T> {
  const all = new Map<string, AtWork<T>>();
  const begin = (key: string, work: (signal: AbortSignal) => Promise<T>): AtWork<T> => {
    const stop = new AbortController();
    const one: AtWork<T> = { result: work(stop.signal), stop, waiting: 0 };
    all.set(key, one);
    // Whoever asks once it is given up is not to get what the others did not wait for.
    const over = () => all.get(key) === one && all.delete(key);
    stop.signal.addEventListener('abort', over);
    one.result.then(over, over);
    return one;
  };
  return async (key, signal, work) => {
    const one = all.get(key) ?? begin(key, work);
    one.waiting++;
    const leave = () => {
      if (--one.waiting === 0) one.stop.abort(signal.reason);
    };
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave);
    return one.result.finally(() => signal.removeEventListener('abort', leave));
  };
}
