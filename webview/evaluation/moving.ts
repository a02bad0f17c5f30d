// The numbers that move with the slider, and their intervals: both follow it from place to place, so that a frame is enough for them.
import { BOOTSTRAP, type Interval, intervalOver } from '../../src/metrics/bootstrap';
import { entryOf } from '../../src/metrics/headline';
import { type PairCounts, pairCounter } from '../../src/metrics/pair-counts';
import { type Limits, type Ranked, rankedOf, walkOf } from '../../src/metrics/ranked';
import { type MovingMetric, type Replicates, replicatesOf } from '../../src/metrics/replicates';
import { resamplesOf } from '../../src/metrics/resamples';
import type { ImageAgreement } from '../../src/metrics/slices';
import { type Slider, sliderOf } from '../../src/metrics/slider';
import type { Decision, ScoredSet, Threshold } from '../../src/metrics/types';

export type MovingIntervals = Readonly<Record<MovingMetric, Interval>>;

export interface Moving {
  /** What `decide` says at the threshold. */
  readonly decide: (threshold: Threshold) => Decision;
  /** What `predictionsAt` says there. Holds until another threshold is asked for. */
  readonly predictions: (threshold: Limits) => Uint8Array;
  /** How many categories of each image are predicted, true, and both. Holds until another threshold is asked for. */
  readonly images: (threshold: Threshold) => ImageAgreement;
  /** In how many images categories go wrong together there. Holds until another threshold is asked for. */
  readonly pairs: (threshold: Threshold) => PairCounts;
  /**
   * The intervals at the threshold, from the resamples of `evaluate`. Undefined as long as they take more time than a frame has: then
   * `soon` is called when it is worth asking again.
   */
  readonly intervals: (threshold: Threshold) => MovingIntervals | undefined;
  /** The same of the F1 of category `c`, an index. */
  readonly intervalOfF1: (threshold: Threshold, c: number) => Interval | undefined;
}

/** Milliseconds of a frame that intervals may take. */
const BUDGET = 4;

/** Weights that are held: a thousand resamples of 64,000 images; of more images, fewer resamples. */
const MOST_WEIGHTS = 64e6;

export function movingOf(set: ScoredSet, soon: () => void): Moving {
  const ranked = rankedOf(set);
  const slider = sliderOf(set, ranked);
  return {
    decide: (threshold) => slider.decide(threshold),
    predictions: (threshold) => slider.predictions(threshold),
    images: (threshold) => slider.images(threshold),
    pairs: movingPairs(set, ranked, (threshold) => slider.predictions(threshold)),
    ...movingIntervals(set, ranked, slider, soon),
  };
}

type Intervals = Pick<Moving, 'intervals' | 'intervalOfF1'>;

function movingIntervals(set: ScoredSet, ranked: Ranked, slider: Slider, soon: () => void): Intervals {
  const { images, categories } = set;
  let [replicates, asked]: [Replicates | undefined, boolean] = [undefined, false];
  const prepare = () => {
    const count = Math.min(BOOTSTRAP.replicates, Math.max(100, Math.floor(MOST_WEIGHTS / Math.max(1, images))));
    replicates = replicatesOf(set, ranked, resamplesOf(images, BOOTSTRAP.seed, 0, count));
    soon();
  };
  interface Found {
    readonly limits: Float64Array;
    readonly own: Decision;
    readonly intervals: MovingIntervals;
    readonly ofF1: Map<number, Interval>;
  }
  let last: Found | undefined;
  // Many numbers ask in a frame: together they have one budget.
  let isSpent = false;
  const find = (threshold: Threshold): Found | undefined => {
    // The first picture is not to wait for them.
    if (!replicates) {
      if (!asked) setTimeout(prepare);
      asked = true;
      return undefined;
    }
    const limits = Float64Array.from(categories, (_, c) => (typeof threshold === 'number' ? threshold : threshold[c]!));
    if (last?.limits.every((limit, c) => limit === limits[c])) return last;
    last = undefined;
    if (isSpent) return undefined;
    const end = performance.now() + BUDGET;
    if (!replicates.moveTo(limits, () => performance.now() < end)) {
      isSpent = true;
      setTimeout(() => {
        isSpent = false;
        soon();
      });
      return undefined;
    }
    // Neither the loss nor mAP moves.
    const decision = slider.decide(threshold);
    const own = { ...decision, loss: null, mAP: null };
    const values = Object.entries(replicates.values()).map(([metric, all]) => [
      metric,
      intervalOver(images, entryOf<number | null>(own, metric as MovingMetric), all),
    ]);
    const intervals = Object.fromEntries(values) as MovingIntervals;
    return (last = { limits, own: decision, intervals, ofF1: new Map() });
  };
  return {
    intervals: (threshold) => find(threshold)?.intervals,
    intervalOfF1: (threshold, c) => {
      const found = find(threshold);
      if (!found || found.ofF1.has(c)) return found?.ofF1.get(c);
      const interval = intervalOver(images, found.own.perCategory[c]!.f1, replicates!.f1Of(c));
      found.ofF1.set(c, interval);
      return interval;
    },
  };
}

/** Counted from when they are first asked for: one tab shows them. */
function movingPairs(set: ScoredSet, ranked: Ranked, predictions: Moving['predictions']): Moving['pairs'] {
  const begin = () => {
    const { counts, change, recount } = pairCounter(set);
    return { counts, walk: walkOf(ranked, change, (threshold) => recount(predictions(threshold))) };
  };
  let begun: ReturnType<typeof begin> | undefined;
  return (threshold) => {
    begun ??= begin();
    begun.walk.moveTo(threshold);
    return begun.counts;
  };
}
