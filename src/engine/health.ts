// Looks into the image files of a data set: can they be read, how large are they, and which are the same picture.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import type { CheckedImage } from '../dataset/findings-images';
import type { Picture } from '../dataset/near';
import type { CheckDepth, CountProgress } from '../protocol/messages';
import { pictureOf, SIDE } from './health-picture';
import { MOST_PIXELS } from './images';

/** What is known of a file; what is needed to find the picture again only where its pixels were read. */
export interface ImageCheck extends CheckedImage {
  /** Of the file's bytes: equal for copies. */
  readonly digest?: string;
  /** Absent for damaged files and those of one colour. */
  readonly picture?: Picture;
}

interface CheckOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CountProgress) => void;
}

/** Up to this many images are looked at without being asked: some ten seconds of work. */
const AUTOMATIC = 3000;

export function depthFor(asked: CheckDepth | undefined, images: number): CheckDepth {
  return asked ?? (images <= AUTOMATIC ? 'pixels' : 'none');
}

interface Known {
  readonly size: number;
  readonly modified: number;
  readonly depth: CheckDepth;
  readonly check: ImageCheck;
}

/** As long as the engine lives: a window that is opened again, and the split after the report, need not look twice. */
const known = new Map<string, Known>();
/** About 600 bytes each. */
const MOST_KNOWN = 200_000;

/**
 * Checks files in parallel, in their order. 'headers' reads the size that the file's head tells; 'pixels' decodes all of it
 * (JPEG at an eighth or more of its size, which finds damage as well). Undefined paths are passed over.
 * Throws the signal's reason.
 */
export async function checkImages(
  paths: readonly (string | undefined)[],
  depth: Exclude<CheckDepth, 'none'>,
  { signal, onProgress }: CheckOptions,
): Promise<(ImageCheck | undefined)[]> {
  const checks: (ImageCheck | undefined)[] = new Array<undefined>(paths.length).fill(undefined);
  const rows = Array.from(paths.keys()).filter((row) => paths[row] !== undefined);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < rows.length) {
      signal.throwIfAborted();
      const row = rows[next++]!;
      checks[row] = await checkOnce(paths[row]!, depth);
      onProgress({ done: ++done, total: rows.length });
    }
  };
  await Promise.all(Array.from({ length: 2 * Math.max(2, availableParallelism()) }, work));
  return checks;
}

async function checkOnce(path: string, depth: Exclude<CheckDepth, 'none'>): Promise<ImageCheck> {
  try {
    const { size, mtimeMs: modified } = await stat(path);
    const before = known.get(path);
    const isKnown =
      before?.size === size && before.modified === modified && (before.depth === depth || before.depth === 'pixels');
    if (isKnown) return before.check;
    const check = depth === 'headers' ? await headOf(path) : await wholeOf(await readFile(path));
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(path, { size, modified, depth, check });
    return check;
  } catch (error) {
    return unreadable(error);
  }
}

const OPTIONS = { limitInputPixels: MOST_PIXELS, ignoreIcc: true } as const;

/** Orientations 5 to 8 turn by 90°. */
async function headOf(source: string | Buffer): Promise<ImageCheck> {
  const { width, height, orientation = 1 } = await sharp(source, OPTIONS).metadata();
  return { width, height, turned: orientation >= 5 };
}

async function wholeOf(bytes: Buffer): Promise<ImageCheck> {
  const head = await headOf(bytes).catch((error: unknown) => {
    if (!isCutRiff(bytes)) throw error;
    return { width: 0, height: 0, turned: false };
  });
  const digest = createHash('sha256').update(bytes).digest('base64');
  try {
    const grey = await sharp(bytes, { ...OPTIONS, failOn: 'error' })
      .autoOrient()
      .flatten({ background: '#fff' })
      .resize(SIDE, SIDE, { fit: 'fill' })
      .toColourspace('b-w')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer();
    const picture = pictureOf(grey);
    return { ...head, digest, ...(picture && { picture }) };
  } catch (error) {
    return { ...head, digest, problem: { code: 'image-truncated', message: words(error) } };
  }
}

/** WebP: a RIFF file says in its head how long it is. The decoder reads not even the size of one that is cut off. */
function isCutRiff(bytes: Buffer): boolean {
  return bytes.length >= 12 && bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.readUInt32LE(4) + 8 > bytes.length;
}

function unreadable(error: unknown): ImageCheck {
  return { width: 0, height: 0, turned: false, problem: { code: 'image-unreadable', message: words(error) } };
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
