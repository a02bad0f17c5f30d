// Names that a mistyped name may have meant, by edit distance.

/** Up to three of `known`, the nearest first; none when all are far from `name`. */
export function nearestNames(name: string, known: readonly string[]): string[] {
  const asked = name.toLowerCase();
  const limit = Math.max(2, Math.floor(asked.length / 3));
  return known
    .map((candidate) => ({ candidate, distance: distanceTo(asked, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** A name that holds the whole of the other ("plant", "potted plant") counts as one edit. */
function distanceTo(a: string, b: string): number {
  const contained = Math.min(a.length, b.length) >= 3 && (a.includes(b) || b.includes(a));
  return contained && a !== b ? 1 : editDistance(a, b);
}

/** Levenshtein distance: insertions, deletions and substitutions, one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
