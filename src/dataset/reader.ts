// Reads a COCO annotation file of any size in one pass from disk, without holding its text.
import { resolve } from 'node:path';
import { cacheFolderFor } from './cache-folder';
import { createCocoHandler, finishCoco } from './coco-handler';
import { isGzip, readChunks, withFile, type ReadOptions } from './chunks';
import { discard, spill } from './details-collected';
import { DatasetError, LocatedError } from './errors';
import { hashInThread, hashOfChunks } from './fingerprint';
import { createScanner, endOfBytes, pushBytes } from './json-scanner';
import type { CocoIndex } from './types';

/** Bytes from which a second thread pays. */
const BIG = 1 << 24;

export interface ReaderOptions extends ReadOptions {
  /**
   * Where `openAnnotations` keeps parsed files, and a temporary file may be made; else `cacheFolderFor` the annotation file and
   * `runsFolder`.
   */
  readonly cacheFolder?: string | undefined;
  readonly runsFolder?: string | null | undefined;
  /** Bytes from which the details of annotations go to a temporary file; about a million annotations. */
  readonly mostInMemory?: number | undefined;
}

/**
 * Reads a COCO detection file (instances, or keypoints with categories), plain or gzip. Annotations become columns;
 * segmentations and unknown keys are checked and skipped. Repeated keys: the last one counts, but each "images", "annotations" and
 * "categories" must be a list of records.
 * Throws the signal's reason when aborted, and DatasetError: file-missing, file-unreadable, not-a-file, file-empty,
 * gzip-broken, json-syntax, json-truncated, json-utf16, json-encoding, json-field, image-incomplete,
 * annotation-incomplete, category-incomplete, captions-file, panoptic-file, results-file, no-images, no-annotations,
 * no-categories, not-coco. Faults of the text are told with line, column (as editors count) and byte.
 */
export async function readAnnotations(path: string, options: ReaderOptions = {}): Promise<CocoIndex> {
  return withFile(path, async (handle, size) => {
    const handler = createCocoHandler(size, options.mostInMemory);
    const { details } = handler.state.columns;
    const folder = async () => options.cacheFolder ?? cacheFolderFor(resolve(path), options);
    const scanner = createScanner(handler);
    handler.scanner = scanner;
    const inThread = size >= BIG && !(await isGzip(handle));
    const fingerprint = inThread ? hashInThread(path, size) : hashOfChunks();
    try {
      for await (const chunk of readChunks(path, handle, size, options)) {
        pushBytes(scanner, chunk);
        fingerprint.update(chunk);
        await spill(details, folder, options.signal);
      }
      endOfBytes(scanner);
      const read = await finishCoco(handler.state, path);
      return { path, bytes: size, fingerprint: await fingerprint.digest(), ...read };
    } catch (error) {
      discard(details);
      throw error instanceof LocatedError ? await located(path, error) : error;
    } finally {
      fingerprint.stop();
    }
  });
}

/** Only a faulty file pays for lines and columns: it is read again up to the fault. */
async function located(path: string, error: LocatedError): Promise<DatasetError> {
  if (error.code === 'file-empty') return new DatasetError(error.code, `${path}: ${error.message}`, path, { cause: error });
  const { line, column } = await withFile(path, async (handle, size) => {
    const place = { line: 1, column: 1, left: error.offset };
    for await (const chunk of readChunks(path, handle, size, {})) {
      advance(place, chunk.subarray(0, place.left));
      place.left -= Math.min(place.left, chunk.length);
      if (place.left === 0) break;
    }
    return place;
  });
  const where = `line ${line}, column ${column} (byte ${error.offset})`;
  return new DatasetError(error.code, `${path}, ${where}: ${error.message}`, path, { cause: error });
}

/** Columns in UTF-16 units, as VS Code counts them: 1 a character, 2 beyond the basic plane; a byte-order mark is none. */
function advance(place: { line: number; column: number }, bytes: Buffer): void {
  for (const byte of bytes) {
    if (byte === 0x0a) {
      place.line++;
      place.column = 1;
    } else if ((byte & 0xc0) !== 0x80) place.column += byte >= 0xf0 ? 2 : 1;
  }
}
