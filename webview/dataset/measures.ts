// How strongly two categories belong together: from the counts of images that show both.

export type Measure = 'count' | 'conditional' | 'lift';

export interface Together {
  /** categories × categories, row-major: images that show both; on the diagonal, images that show the category. */
  readonly counts: readonly number[];
  readonly categories: number;
  /** All images of the file, those without labels too. */
  readonly images: number;
}

export function countOf({ counts, categories }: Together, a: number, b: number): number {
  return counts[a * categories + b] ?? 0;
}

/** P(b | a): of the images that show a, the share that shows b too. Null where none shows a. */
export function conditional(together: Together, a: number, b: number): number | null {
  const own = countOf(together, a, a);
  return own === 0 ? null : countOf(together, a, b) / own;
}

/** P(a, b) / (P(a) P(b)): 1 where they meet as often as by chance (Brin et al. 1997, "interest"). Null where one is never shown. */
export function lift(together: Together, a: number, b: number): number | null {
  const expected = countOf(together, a, a) * countOf(together, b, b);
  return expected === 0 ? null : (countOf(together, a, b) * together.images) / expected;
}

/** Images that would show both by chance. Below three, never meeting is no surprise (e⁻³ = 0.05). */
export function isSurprising(together: Together, a: number, b: number): boolean {
  const expected = (countOf(together, a, a) * countOf(together, b, b)) / together.images;
  return countOf(together, a, b) > 0 || expected >= 3;
}

export function measured(together: Together, measure: Measure, a: number, b: number): number | null {
  return { count: countOf, conditional, lift }[measure](together, a, b);
}

export interface Pair {
  readonly a: number;
  readonly b: number;
  readonly images: number;
}

/** Pairs that share an image, the commonest first. */
export function pairsOf(together: Together): Pair[] {
  const pairs: Pair[] = [];
  for (let a = 0; a < together.categories; a++) {
    for (let b = a + 1; b < together.categories; b++) {
      const images = countOf(together, a, b);
      if (images > 0) pairs.push({ a, b, images });
    }
  }
  return pairs.sort((x, y) => y.images - x.images);
}
