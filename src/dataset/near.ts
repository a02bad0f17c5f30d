// Which of many pictures are nearly the same, found by their perceptual hashes without comparing each with each.

/** What is known of a picture for comparing it. */
export interface Picture {
  /** A perceptual hash of 64 bits: two nearly equal pictures differ in few of them. */
  readonly high: number;
  readonly low: number;
  /** A tiny grey version, as bytes, for a second look at what the hashes propose. */
  readonly thumbnail: Uint8Array;
}

/** Bits in which the hashes of nearly equal pictures may differ, */
export const MOST_BITS = 11;
/** and the correlation that their thumbnails have at least. Figures: test/engine/health.test.ts. */
export const LEAST_CORRELATION = 0.9;

const BANDS = 4;
const BUCKETS = 1 << 16;
/** Of hashes that differ in at most MOST_BITS bits, one of the four bands differs in at most so many (pigeonhole). */
const RADIUS = Math.floor(MOST_BITS / BANDS);

/**
 * Tells of every pair a < b of nearly equal pictures, by the row in `pictures`; undefined ones are in no pair. Multi-index
 * hashing (Norouzi, Punjani, Fleet, "Fast search in Hamming space with multi-index hashing", CVPR 2012): each 16-bit quarter of a
 * hash is looked up, with all that differ from it in up to two bits, in a table of that quarter. Of 120,000 pictures that takes many
 * seconds: every step looks up one picture's quarter.
 *
 * @param isWanted asked before a pair is compared: of a thousand frames of one scene nobody wants every pair
 */
export function* eachNearPair(
  pictures: readonly (Picture | undefined)[],
  isWanted: (a: number, b: number) => boolean,
  found: (a: number, b: number) => void,
): Generator<void, void> {
  const rows = Array.from(pictures.keys()).filter((row) => pictures[row] !== undefined);
  // Columns, not objects: half of the time would go into fetching them.
  const high = Uint32Array.from(rows, (row) => pictures[row]!.high);
  const low = Uint32Array.from(rows, (row) => pictures[row]!.low);
  const compare = (i: number, j: number, band: number) => {
    const [x, y] = [high[i]! ^ high[j]!, low[i]! ^ low[j]!];
    if (ones(x) + ones(y) > MOST_BITS || firstBand(x, y) !== band) return;
    const [a, b] = [rows[i]!, rows[j]!];
    if (!isWanted(a, b)) return;
    if (correlation(pictures[a]!.thumbnail, pictures[b]!.thumbnail) >= LEAST_CORRELATION) found(a, b);
  };
  for (let band = 0; band < BANDS; band++) {
    const words = Uint16Array.from(band < 2 ? high : low, (word) => quarter(word, band));
    yield* eachInReach(words, (i, j) => compare(i, j, band));
  }
}

/** Every i < j whose words differ in at most RADIUS bits. */
function* eachInReach(words: Uint16Array, reached: (i: number, j: number) => void): Generator<void, void> {
  const { starts, members } = tableOf(words);
  const masks = masksWithin(RADIUS);
  for (let j = 0; j < words.length; j++) {
    for (const mask of masks) {
      const bucket = words[j]! ^ mask;
      const end = starts[bucket + 1]!;
      for (let k = starts[bucket]!; k < end; k++) {
        // Members of a bucket ascend.
        if (members[k]! >= j) break;
        reached(members[k]!, j);
      }
    }
    yield;
  }
}

export const bitsApart = (a: Picture, b: Picture): number => ones(a.high ^ b.high) + ones(a.low ^ b.low);

/** The number of ones of a 32-bit word (Warren, Hacker's Delight, 5-1). */
function ones(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The first 16 bits of a word for even bands, the last for odd ones. */
const quarter = (word: number, band: number): number => (band % 2 === 0 ? word >>> 16 : word & 0xffff);

/** A pair is met in every band that is near enough; it counts in the first of them. */
function firstBand(high: number, low: number): number {
  for (let band = 0; band < BANDS; band++) if (ones(quarter(band < 2 ? high : low, band)) <= RADIUS) return band;
  return BANDS;
}

/** All 16-bit words with up to `radius` ones. */
function masksWithin(radius: number): Uint16Array {
  return Uint16Array.from(Array.from({ length: BUCKETS }, (_, word) => word).filter((word) => ones(word) <= radius));
}

/** Indices sorted by word: those of word w stand from starts[w] up to starts[w + 1]. */
function tableOf(words: Uint16Array): { starts: Uint32Array; members: Uint32Array } {
  const starts = new Uint32Array(BUCKETS + 1);
  for (const word of words) starts[word + 1]!++;
  for (let k = 0; k < BUCKETS; k++) starts[k + 1]! += starts[k]!;
  const next = starts.slice();
  const members = new Uint32Array(words.length);
  words.forEach((word, k) => (members[next[word]!++] = k));
  return { starts, members };
}

/** Pearson's correlation, -1..1; 0 where one of the two is flat. */
export function correlation(a: Uint8Array, b: Uint8Array): number {
  const n = a.length;
  let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[k]!, b[k]!];
    sa += x;
    sb += y;
    saa += x * x;
    sbb += y * y;
    sab += x * y;
  }
  const spread = Math.sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
  return spread === 0 ? 0 : (n * sab - sa * sb) / spread;
}
