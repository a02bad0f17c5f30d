// The calls by which windows get small pictures, and give them up when they are out of sight before they are there.
import type { Thumbnail } from '../../protocol/browse';

interface ThumbnailCalls {
  readonly thumbnails: (asked: { readonly ticket: number; readonly rows: readonly number[] }) => Promise<readonly Thumbnail[]>;
  readonly giveUp: (asked: { readonly ticket: number }) => Promise<null>;
}

export function thumbnailCalls(
  request: (rows: readonly number[], signal: AbortSignal) => Promise<readonly Thumbnail[]>,
): ThumbnailCalls {
  const tickets = new Map<number, AbortController>();
  return {
    thumbnails: async ({ ticket, rows }) => {
      const stop = new AbortController();
      tickets.set(ticket, stop);
      try {
        const found = await request(rows, stop.signal);
        // Node's buffers do not reach windows as bytes.
        return found.map((one) => ('jpeg' in one ? { ...one, jpeg: new Uint8Array(one.jpeg) } : one));
      } finally {
        tickets.delete(ticket);
      }
    },
    giveUp: ({ ticket }) => {
      tickets.get(ticket)?.abort();
      return Promise.resolve(null);
    },
  };
}
