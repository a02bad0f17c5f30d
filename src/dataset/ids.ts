// The ids of a COCO file as numbers.

/**
 * Ids as numbers: a safe integer stands for itself, any other text is numbered -0.5, -1.5, … in the order first met, so
 * that 860,000 ids need no strings.
 */
export interface IdPool {
  readonly texts: string[];
  readonly keys: Map<string, number>;
}

export function createIdPool(): IdPool {
  return { texts: [], keys: new Map() };
}

const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/;

/** The key of an id written as a JSON string, or as a number that is not a short integer (`numeric`). */
export function keyOfId(pool: IdPool, written: string, numeric: boolean): number {
  const value = numeric || INTEGER.test(written) ? Number(written) : NaN;
  if (Number.isSafeInteger(value)) return value + 0;
  // 1.50 is 1.5; whole numbers beyond 2^53 keep every digit.
  const text = Number.isFinite(value) && !Number.isInteger(value) ? String(value) : written;
  let key = pool.keys.get(text);
  if (key === undefined) {
    key = -(pool.texts.length + 0.5);
    pool.texts.push(text);
    pool.keys.set(text, key);
  }
  return key;
}

/** The text of an id; '?' for an annotation that has none. */
export function textOfId(key: number, texts: readonly string[]): string {
  if (Number.isNaN(key)) return '?';
  return Number.isInteger(key) ? String(key) : texts[-key - 0.5]!;
}
