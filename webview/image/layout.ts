// How large the pictures are: as large as fits, all of one size, at the picture's own aspect ratio.
import type { Size } from './state';

/** Between two pictures, and around them. */
const GAP = 12;
/** Heights below a picture: of its caption, and of the swipe's slider. */
const CAPTION = 26;
export const SLIDER = 22;
/** Pictures smaller than the space are enlarged, but not to single pixels. */
const MOST_ENLARGED = 4;

export interface Layout extends Size {
  readonly columns: number;
}

/**
 * The size of each of `count` pictures that fills the stage best, whole CSS pixels, at least 1; and in how many columns.
 *
 * @param more height that each picture needs below its caption
 */
export function fitted(count: number, stage: Size, picture: Size, more = 0): Layout {
  let best: Layout = { width: 1, height: 1, columns: 1 };
  for (let columns = 1; columns <= count; columns++) {
    const size = withColumns(columns, count, stage, picture, more);
    if (size.width > best.width) best = { ...size, columns };
  }
  return best;
}

function withColumns(columns: number, count: number, stage: Size, picture: Size, more: number): Size {
  const rows = Math.ceil(count / columns);
  const width = (stage.width - GAP * (columns + 1)) / columns;
  const height = (stage.height - GAP * (rows + 1)) / rows - CAPTION - more;
  const scale = Math.min(MOST_ENLARGED, width / picture.width, height / picture.height);
  return { width: Math.max(1, Math.floor(scale * picture.width)), height: Math.max(1, Math.floor(scale * picture.height)) };
}

const STEP = 1.25;
const [LEAST, MOST] = [1, 16];

/** One step nearer (1) or farther (-1). */
export function zoomed(zoom: number, steps: number): number {
  return Math.min(MOST, Math.max(LEAST, zoom * STEP ** steps));
}
