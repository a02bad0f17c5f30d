// Which images of one file, or of a training and a validation file, are the same picture, and so belong together.
import type { SamePair } from './findings-images';
import { eachNearPair, type Picture } from './near';

/** What was seen of an image file: `digest` of its bytes, `picture` for finding those that are nearly the same. */
export interface Seen {
  readonly digest?: string;
  readonly picture?: Picture;
}

interface SameImages {
  /**
   * Pairs a < b within the training file: so many as images could be left out, each with one that is the same, directly or
   * over others.
   */
  readonly repeated: readonly SamePair[];
  /** For each validation image (b) that is in the training file as well, one of those there (a). */
  readonly leaked: readonly SamePair[];
}

/**
 * In the steps of `eachNearPair`.
 *
 * @param train by row, undefined where nothing is known; likewise `validation`
 */
export function* sameImages(
  train: readonly (Seen | undefined)[],
  validation: readonly (Seen | undefined)[] = [],
): Generator<void, SameImages> {
  const all = [...train, ...validation];
  const isOurs = (row: number) => row < train.length;
  const [repeated, leaked]: [SamePair[], SamePair[]] = [[], []];
  const leaks = new Set<number>();
  const groups = disjointSets(all.length);
  const pair = (a: number, b: number, exact: boolean) => {
    if (isOurs(b)) repeated.push({ a, b, exact });
    else if (isOurs(a)) leaked.push({ a, b: b - train.length, exact });
    if (isOurs(b)) groups.join(a, b);
    else leaks.add(b);
  };
  // Copies are found by their bytes; their first stands for them among the pictures.
  const first = new Map<string, number>();
  const pictures = all.map((seen, row) => {
    if (seen?.digest === undefined) return seen?.picture;
    const before = first.get(seen.digest) ?? row;
    first.set(seen.digest, before);
    if (before === row) return seen.picture;
    if (isOurs(before)) pair(before, row, true);
    return undefined;
  });
  const isWanted = (a: number, b: number) => isOurs(a) && (isOurs(b) ? groups.find(a) !== groups.find(b) : !leaks.has(b));
  yield* eachNearPair(pictures, isWanted, (a, b) => pair(a, b, false));
  const inOrder = (x: SamePair, y: SamePair) => x.a - y.a || x.b - y.b;
  return { repeated: repeated.sort(inOrder), leaked: leaked.sort(inOrder) };
}

/** The rows that are tied by `pairs`, directly or over others: groups of two and more, ascending. */
export function groupsOf(count: number, pairs: readonly SamePair[]): number[][] {
  const sets = disjointSets(count);
  for (const { a, b } of pairs) sets.join(a, b);
  const groups = new Map<number, number[]>();
  for (const row of [...new Set(pairs.flatMap(({ a, b }) => [a, b]))].sort((a, b) => a - b)) {
    const root = sets.find(row);
    groups.set(root, [...(groups.get(root) ?? []), row]);
  }
  return [...groups.values()];
}

/** Union-find with halved paths; the smallest row stands for its set. */
function disjointSets(count: number) {
  const parent = Int32Array.from({ length: count }, (_, k) => k);
  const find = (row: number): number => {
    let at = row;
    while (parent[at] !== at) at = parent[at] = parent[parent[at]!]!;
    return at;
  };
  const join = (a: number, b: number) => {
    const [x, y] = [find(a), find(b)];
    parent[Math.max(x, y)] = Math.min(x, y);
  };
  return { find, join };
}
