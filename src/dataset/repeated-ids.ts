// Which ids annotations share, without holding all ids.
import { eachDetail } from './details';
import type { AnnotationTable } from './types';

/** More of them make fewer ids look like another one. */
const BITS_AN_ID = 8;
const [FEWEST_BITS, MOST_BITS] = [2 ** 10, 2 ** 31];

/**
 * The ids that more than one annotation has, ascending, each once less than it occurs.
 *
 * Two passes over the details: the first marks a bit an id, by its hash, and which of them are marked again; the second collects the
 * ids of those, which are few, and sorts them. Takes 2 to 4 bytes an annotation beside them.
 * Throws the signal's reason, DatasetError (index-unreadable).
 */
export async function repeatedIds(table: AnnotationTable, signal?: AbortSignal): Promise<Float64Array> {
  const bits = Math.min(MOST_BITS, Math.max(FEWEST_BITS, 2 ** Math.ceil(Math.log2(BITS_AN_ID * table.count))));
  const [once, again] = [new Uint32Array(bits / 32), new Uint32Array(bits / 32)];
  const placeOf = hasher(bits);
  let isAny = false;
  await eachDetail(
    table,
    (_, { id }) => {
      if (Number.isNaN(id)) return;
      const place = placeOf(id);
      const word = place >>> 5;
      const bit = 1 << (place & 31);
      if ((once[word]! & bit) === 0) once[word]! |= bit;
      else {
        again[word]! |= bit;
        isAny = true;
      }
    },
    signal,
  );
  const candidates: number[] = [];
  if (!isAny) return new Float64Array();
  await eachDetail(
    table,
    (_, { id }) => {
      const place = placeOf(id);
      if ((again[place >>> 5]! & (1 << (place & 31))) !== 0 && !Number.isNaN(id)) candidates.push(id);
    },
    signal,
  );
  const sorted = new Float64Array(candidates).sort();
  return sorted.filter((id, k) => k > 0 && id === sorted[k - 1]);
}

/** A hash of 64-bit floats that are equal, 0 and -0 too, up to a power of two (the finalizer of MurmurHash3). */
function hasher(limit: number): (id: number) => number {
  const value = new Float64Array(1);
  const words = new Uint32Array(value.buffer);
  return (id) => {
    value[0] = id + 0;
    let h = words[0]! ^ Math.imul(words[1]!, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return ((h ^ (h >>> 16)) & (limit - 1)) >>> 0;
  };
}

/** Whether a value is in an ascending column. */
export function isAmong(sorted: Float64Array, value: number): boolean {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return sorted[from] === value;
}
