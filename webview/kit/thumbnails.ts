// The grid's small pictures: asked for a few at a time, given up when scrolled past, and kept up to a limit of bytes.
import type { Thumbnail } from '../../src/protocol/browse';

/** Bytes of pictures that are kept: some 4,000 of them, many times what is in sight. The oldest go first. */
export const MOST_BYTES = 32 * 2 ** 20;

/** Pictures asked for at a time, and requests on their way. */
const BATCH = 8;
const AT_ONCE = 2;

/** Between two looks at what is in sight, in milliseconds: most of what is scrolled past is never asked for. */
const PATIENCE = 60;

export type Picture =
  | {
      readonly url: string;
      readonly bytes: number;
      readonly width: number;
      readonly height: number;
      /** See `Thumbnail`. */
      readonly isTurned: boolean;
    }
  | { readonly error: string; readonly bytes: 0 };

export interface ThumbnailSource {
  readonly ask: (ticket: number, rows: readonly number[]) => Promise<readonly Thumbnail[]>;
  readonly giveUp: (ticket: number) => void;
}

export class ThumbnailStore {
  /** Bytes of the pictures that are kept. */
  bytes = 0;
  /** By row; the one used last stands last. */
  private readonly pictures = new Map<number, Picture>();
  private readonly underway = new Map<number, readonly number[]>();
  private wanted: readonly number[] = [];
  private tickets = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly source: ThumbnailSource,
    private readonly onChange: () => void,
    private readonly batch = BATCH,
  ) {}

  /** What is known of a row's picture; it then counts as used. */
  get(row: number): Picture | undefined {
    const picture = this.pictures.get(row);
    if (picture) {
      this.pictures.delete(row);
      this.pictures.set(row, picture);
    }
    return picture;
  }

  /** Says which rows are in sight, the most important first. */
  want(rows: readonly number[]): void {
    this.wanted = rows;
    const inSight = new Set(rows);
    for (const [ticket, coming] of this.underway) if (!coming.some((row) => inSight.has(row))) this.source.giveUp(ticket);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.goOn();
    }, PATIENCE);
  }

  /** Forgets all and gives its memory back. */
  clear(): void {
    this.underway.clear();
    this.wanted = [];
    for (const row of [...this.pictures.keys()]) this.forget(row);
  }

  private goOn(): void {
    const coming = new Set([...this.underway.values()].flat());
    const missing = this.wanted.filter((row) => !this.pictures.has(row) && !coming.has(row));
    while (this.underway.size < AT_ONCE && missing.length > 0) void this.fetch(missing.splice(0, this.batch));
  }

  private async fetch(rows: readonly number[]): Promise<void> {
    const ticket = ++this.tickets;
    this.underway.set(ticket, rows);
    const found = await this.source.ask(ticket, rows).catch((error: unknown) => failed(rows, error));
    // What was asked for before all was forgotten is of another file.
    if (this.underway.delete(ticket)) for (const thumbnail of found) this.put(thumbnail.row, pictureOf(thumbnail));
    this.onChange();
    this.goOn();
  }

  private put(row: number, picture: Picture): void {
    this.forget(row);
    this.pictures.set(row, picture);
    this.bytes += picture.bytes;
    for (const oldest of this.pictures.keys()) {
      if (this.bytes <= MOST_BYTES) return;
      this.forget(oldest);
    }
  }

  private forget(row: number): void {
    const picture = this.pictures.get(row);
    if (picture && 'url' in picture) URL.revokeObjectURL(picture.url);
    this.bytes -= picture?.bytes ?? 0;
    this.pictures.delete(row);
  }
}

/** What was given up is asked for again when it comes back into sight. */
function failed(rows: readonly number[], error: unknown): readonly Thumbnail[] {
  const { code, message } = error as { code?: string; message: string };
  return code === 'cancelled' ? [] : rows.map((row) => ({ row, error: message }));
}

function pictureOf(thumbnail: Thumbnail): Picture {
  if ('error' in thumbnail) return { error: thumbnail.error, bytes: 0 };
  const { jpeg, width, height, isTurned = false } = thumbnail;
  const blob = new Blob([new Uint8Array(jpeg)], { type: 'image/jpeg' });
  return { url: URL.createObjectURL(blob), bytes: blob.size, width, height, isTurned };
}
