// How a finding is made: its cases counted, the first few kept as examples, the images that it is about kept by row.
import type { Finding } from './types';

const EXAMPLES = 5;
/** More images than anybody looks through, and few enough to be sent between processes. */
const IMAGES = 1000;

/** The cases of one finding so far. */
export interface Tally {
  count: number;
  readonly examples: string[];
  /** Rows of `CocoIndex.images`, in the order met. */
  readonly images: Set<number>;
}

export const newTally = (): Tally => ({ count: 0, examples: [], images: new Set() });

/** `image`: the row concerned, -1 where there is none. */
export function add(tally: Tally, example: () => string, image = -1): void {
  if (tally.count++ < EXAMPLES) tally.examples.push(example());
  if (image >= 0 && tally.images.size < IMAGES) tally.images.add(image);
}

export function tallyOf<T>(items: readonly T[], describe: (item: T) => string): Tally {
  const tally = newTally();
  for (const item of items) add(tally, () => describe(item));
  return tally;
}

type Kind = Pick<Finding, 'severity' | 'message' | 'remedy'>;

/** `message` follows the count. None for a tally of nothing. */
export function finding(code: string, { count, examples, images }: Tally, kind: Kind): Finding[] {
  if (count === 0) return [];
  const rows = images.size === 0 ? {} : { images: [...images] };
  return [{ code, ...kind, message: `${count} ${kind.message}`, count, examples, ...rows }];
}

/** A number in the words of a message: three digits, no exponent. */
export const short = (value: number): string => (value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));

export const percent = (share: number): string => `${short(100 * share)} %`;
