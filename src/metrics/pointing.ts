// Does a map look at the object? The pointing game and the energy in the boxes, with what a map that knows nothing would reach.
import { type Box, type CellMap, clipped, coveredShare, distanceTo, shareOfMap, shareWithin, type Size } from './boxes';
import { type Interval, meanInterval, wilsonInterval } from './interval';
import { mean } from './quality';

/** A category of an image: where its map points, and where its boxes lie. */
export interface Pointing {
  /** Where the map is highest, in pixels of the image; null for a map that is the same everywhere, which points nowhere. */
  readonly point: readonly [x: number, y: number] | null;
  /** Pixels from there to the nearest box; null where it points nowhere. */
  readonly distance: number | null;
  readonly hit: boolean;
  /** Share of the map's sum that lies in the boxes; null for a map that is 0 everywhere. */
  readonly energy: number | null;
  /** What is expected of a point drawn anywhere: the share of the image that counts as a hit. */
  readonly chance: number;
  /** What is expected of the energy of a map that is the same everywhere: the share of the image that the boxes cover. */
  readonly area: number;
  /** Whether the image's centre would be a hit. */
  readonly centre: boolean;
}

/**
 * Zhang et al., "Top-down neural attention by excitation backprop" (2018): a hit where the map is highest within a
 * box of the category, or at most `tolerance` pixels from one. Wang et al., "Score-CAM" (2020): the part of the map's sum
 * in the boxes. Of equal maxima the first in reading order counts; the highest place of an enlarged map is the centre of its highest
 * cell. A map that is the same everywhere is a miss.
 *
 * @returns null where no box lies in the image
 */
export function pointingOf(map: CellMap, boxes: readonly Box[], image: Size, tolerance = 0): Pointing | null {
  const inside = clipped(boxes, image);
  if (inside.length === 0) return null;
  const isHit = (x: number, y: number) => distanceTo(inside, x, y) <= tolerance;
  const point = highestPlace(map, image);
  return {
    point,
    distance: point && distanceTo(inside, ...point),
    hit: point !== null && isHit(...point),
    energy: shareOfMap(map, inside, image),
    chance: shareWithin(inside, image, tolerance),
    area: coveredShare(inside, image),
    centre: isHit(image.width / 2, image.height / 2),
  };
}

function highestPlace({ width, height, values }: CellMap, image: Size): readonly [number, number] | null {
  let [at, lowest] = [0, values[0] ?? 0];
  for (let k = 1; k < values.length; k++) {
    if (values[k]! > values[at]!) at = k;
    lowest = Math.min(lowest, values[k]!);
  }
  if (!(values[at]! > lowest)) return null;
  return [(((at % width) + 0.5) * image.width) / width, ((Math.floor(at / width) + 0.5) * image.height) / height];
}

/** Boxes that cover less than this share of the image are small enough for a difficult case (Zhang et al.: a quarter). */
const DIFFICULT_AREA = 0.25;

/** Zhang et al.'s difficult cases: the boxes cover less than a quarter of the image, and it shows another category too. */
export function isDifficult({ area }: Pick<Pointing, 'area'>, labels: number): boolean {
  return area < DIFFICULT_AREA && labels > 1;
}

/** Rates and means of a number of cases, with 95 % intervals; all are within 0..1, and null without cases. */
export interface PointingSummary {
  /** An image and one of its true categories is a case. */
  readonly cases: number;
  readonly hits: number;
  readonly rate: number | null;
  readonly rateInterval: Interval | null;
  /** Expected rate of points drawn anywhere. */
  readonly chance: number | null;
  /** Rate of always pointing at the image's centre. */
  readonly centre: number | null;
  readonly energy: number | null;
  readonly energyInterval: Interval | null;
  /** Expected energy of maps that are the same everywhere. */
  readonly area: number | null;
  /** Maps that are the same everywhere: misses. Those that are 0 have no energy. */
  readonly flat: number;
}

/**
 * @param images names each case's image: cases of one image are no independent observations. Without it each is an image of its own,
 * and the rate's interval is Wilson's.
 */
export function summaryOf(cases: readonly Pointing[], images?: readonly unknown[]): PointingSummary {
  const hits = cases.filter(({ hit }) => hit).length;
  const meanOf = (value: (one: Pointing) => number) => mean(cases.map(value));
  const measured = [...cases.keys()].filter((k) => cases[k]!.energy !== null);
  const energies = measured.map((k) => cases[k]!.energy!);
  return {
    cases: cases.length,
    hits,
    rate: cases.length === 0 ? null : hits / cases.length,
    rateInterval: images
      ? meanInterval(
          cases.map(({ hit }) => Number(hit)),
          images,
        )
      : wilsonInterval(hits, cases.length),
    chance: meanOf(({ chance }) => chance),
    centre: meanOf(({ centre }) => Number(centre)),
    energy: mean(energies),
    energyInterval: meanInterval(energies, images && measured.map((k) => images[k])),
    area: meanOf(({ area }) => area),
    flat: cases.filter(({ point }) => point === null).length,
  };
}

/** A case among others: whose it is, whether it is a difficult one, and whether the model says that the image shows the category. */
export interface PointingCase extends Pointing {
  /** The image's path. */
  readonly file: string;
  readonly category: string;
  readonly difficult: boolean;
  readonly predicted: boolean;
}

export interface PointingReport {
  readonly overall: PointingSummary;
  readonly predicted: PointingSummary;
  readonly difficult: PointingSummary;
  /** Means over the categories that have a case, as Zhang et al. report them; null without any. */
  readonly macro: {
    readonly categories: number;
    readonly rate: number | null;
    readonly chance: number | null;
    readonly centre: number | null;
    readonly energy: number | null;
    readonly area: number | null;
  };
  /** In the order of the categories. */
  readonly perCategory: readonly (PointingSummary & { readonly category: string })[];
}

export function pointingReport(cases: readonly PointingCase[], categories: readonly string[]): PointingReport {
  const pooled = (some: readonly PointingCase[]) => {
    return summaryOf(
      some,
      some.map(({ file }) => file),
    );
  };
  const perCategory = categories.map((category) => ({
    category,
    ...summaryOf(cases.filter((one) => one.category === category)),
  }));
  const macro = (key: 'rate' | 'chance' | 'centre' | 'energy' | 'area') => mean(perCategory.flatMap((one) => one[key] ?? []));
  return {
    overall: pooled(cases),
    predicted: pooled(cases.filter(({ predicted }) => predicted)),
    difficult: pooled(cases.filter(({ difficult }) => difficult)),
    macro: {
      categories: perCategory.filter((one) => one.cases > 0).length,
      rate: macro('rate'),
      chance: macro('chance'),
      centre: macro('centre'),
      energy: macro('energy'),
      area: macro('area'),
    },
    perCategory,
  };
}
