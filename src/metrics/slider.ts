// Decisions that follow a threshold from place to place: only the entries that it passes are looked at, or all in one walk where it passes many, so a slider
// over 400,000 scores is fluent.
import { decisionOf } from './decision';
import { writePredictions } from './predicted';
import { type Limits, type Pass, type Ranked, walkOf } from './ranked';
import type { ImageAgreement } from './slices';
import type { Counts, Decision, ScoredSet, Threshold } from './types';

export interface Slider {
  /** What `decide` says of the set at the threshold, to the last digit. The threshold must be checked. */
  decide(threshold: Threshold): Decision;
  /** What `predictionsAt` says of the set at the threshold. Holds until another one is asked for. */
  predictions(threshold: Limits): Uint8Array;
  /** How many categories of each image are predicted, true, and both, at the threshold. Holds until another one is asked for. */
  images(threshold: Threshold): ImageAgreement;
}

/** Begins where nothing is predicted. The set must be checked; `ranked` must be of it. */
export function sliderOf(set: ScoredSet, ranked: Ranked): Slider {
  const { images, categories } = set;
  const width = categories.length;
  const positives = new Uint32Array(width);
  const agreements = perImage(set);
  const hits = new Uint32Array(width);
  const predicted = new Uint8Array(set.labels.length);
  for (let at = 0; at < set.labels.length; at++) positives[at % width]! += set.labels[at]!;
  const pass: Pass = (c, i, label, change) => {
    hits[c]! += change * label;
    predicted[i * width + c] = Number(change === 1);
    agreements.change(i, change, label);
  };
  const { places, moveTo } = walkOf(ranked, pass, (threshold) => {
    writePredictions(set, threshold, predicted);
    countHits(set, predicted, hits, agreements.counts);
  });
  const countsOf = (c: number): Counts => {
    const [tp, fn] = [hits[c]!, positives[c]! - hits[c]!];
    const fp = places[c]! - tp;
    return { tp, fp, fn, tn: images - tp - fp - fn };
  };
  return {
    predictions: (threshold) => {
      moveTo(threshold);
      return predicted;
    },
    images: (threshold) => {
      moveTo(threshold);
      return agreements.counts;
    },
    decide: (threshold) => {
      moveTo(threshold);
      return decisionOf(
        categories,
        threshold,
        categories.map((_, c) => countsOf(c)),
        agreements.agreement(),
      );
    },
  };
}

/** Right predictions by category and by image, and all predictions by image. */
function countHits({ images, labels }: ScoredSet, predicted: Uint8Array, hits: Uint32Array, counts: ImageAgreement): void {
  const width = hits.length;
  hits.fill(0);
  for (let i = 0, at = 0; i < images; i++) {
    let [both, said] = [0, 0];
    for (let c = 0; c < width; c++, at++) {
      said += predicted[at]!;
      // Few are: a sum of all would take longer.
      if ((labels[at]! & predicted[at]!) === 0) continue;
      both++;
      hits[c] = hits[c]! + 1;
    }
    counts.both[i] = both;
    counts.predicted[i] = said;
  }
}

function perImage({ images, categories, labels }: ScoredSet) {
  const width = categories.length;
  const [both, predicted, labelled] = [0, 1, 2].map(() => new Uint32Array(images)) as [Uint32Array, Uint32Array, Uint32Array];
  for (let at = 0; at < labels.length; at++) labelled[Math.floor(at / width)]! += labels[at]!;
  const of = (sum: number, entries: number) => (images === 0 ? null : sum / entries);
  return {
    counts: { both, predicted, labelled },
    change: (i: number, change: 1 | -1, label: number) => {
      predicted[i]! += change;
      both[i]! += change * label;
    },
    /** In the order in which `decide` adds, for the same last digit. */
    agreement: () => {
      const total = { tp: 0, fp: 0, fn: 0, tn: images * width };
      let [jaccard, exact] = [0, 0];
      for (let i = 0; i < images; i++) {
        const hit = both[i]!;
        const either = predicted[i]! + labelled[i]! - hit;
        jaccard += either === 0 ? 1 : hit / either;
        if (either === hit) exact++;
        total.tp += hit;
        total.fp += predicted[i]! - hit;
        total.fn += labelled[i]! - hit;
        total.tn -= either;
      }
      const wrong = total.fp + total.fn;
      return { total, jaccard: of(jaccard, images), hammingLoss: of(wrong, images * width), exactMatch: of(exact, images) };
    },
  };
}
