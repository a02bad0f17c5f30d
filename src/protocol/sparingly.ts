// Progress as it is told across processes and windows: seldom enough to cost nothing beside the work that it tells of.

/** Between two tellings, in milliseconds. */
const INTERVAL = 100;

/** Tells at most ten times a second, and always what `isLast` says ends it. */
export function sparingly<T>(tell: (progress: T) => void, isLast: (progress: T) => boolean): (progress: T) => void {
  let told = -Infinity;
  return (progress) => {
    if (!isLast(progress) && performance.now() - told < INTERVAL) return;
    told = performance.now();
    tell(progress);
  };
}

/** The last of so many. */
export const isDone = ({ done, total }: { readonly done: number; readonly total: number }): boolean => done >= total;
