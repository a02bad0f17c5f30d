// Slices and pairs against counts written out, on generated sets; and whether the pairs' intervals hold what they promise.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areaClass, type FactTable, type ImageField, type ObjectArea } from '../../src/metrics/facts';
import { groupName } from '../../src/metrics/group-names';
import { type Group, groupsByArea, groupsByField, groupsBySize } from '../../src/metrics/groups';
import { imagesOfPair, PAIR_KINDS, type PairKind, pairsAt } from '../../src/metrics/pairs';
import { imagesBehind } from '../../src/metrics/predicted';
import { randomStream } from '../../src/metrics/random';
import { rankedOf } from '../../src/metrics/ranked';
import { evaluate } from '../../src/metrics/evaluate';
import { decide } from '../../src/metrics/decision';
import { meanPrecisions, sliceAt } from '../../src/metrics/slices';
import { slicingsOf } from '../../src/metrics/slicings';
import { sliderOf } from '../../src/metrics/slider';
import type { ScoredSet } from '../../src/metrics/types';
import { extremesOf, wrongImages } from '../../src/metrics/wrong';

const probability = fc.integer({ min: 0, max: 10 }).map((i) => i / 10);
const area: fc.Arbitrary<ObjectArea> = fc.oneof(
  fc.constantFrom(1023, 1024, 9215, 9216, 'crowd' as const, null),
  fc.double({ min: 0, max: 20000, noNaN: true }),
);

interface Made {
  readonly set: ScoredSet;
  readonly facts: FactTable;
}

const made: fc.Arbitrary<Made> = fc.integer({ min: 1, max: 4 }).chain((width) =>
  fc
    .array(
      fc.record({
        labels: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: width, maxLength: width }),
        scores: fc.array(probability, { minLength: width, maxLength: width }),
        areas: fc.array(area, { minLength: width, maxLength: width }),
        size: fc.option(fc.integer({ min: 1, max: 5 })),
        field: fc.option(fc.constantFrom('a', 'b')),
      }),
      { minLength: 1, maxLength: 25 },
    )
    .map((rows): Made => ({
      set: {
        images: rows.length,
        categories: Array.from({ length: width }, (_, c) => `category ${c}`),
        labels: Uint8Array.from(rows.flatMap(({ labels }) => labels)),
        scores: Float64Array.from(rows.flatMap(({ scores }) => scores)),
      },
      facts: {
        images: rows.map(({ size, labels, areas }) => ({
          width: size === null ? null : 100 * size,
          height: size === null ? null : 50,
          areas: areas.filter((_, c) => labels[c] === 1),
        })),
        fields: [{ name: 'field', values: rows.map(({ field }) => field) }],
      },
    })),
);

const rowsOf = (set: ScoredSet) => Array.from({ length: set.images }, (_, row) => row);

/** 'tp', 'fp', 'fn' or 'tn' of a row and category. */
function cellOf({ labels, scores, categories }: ScoredSet, row: number, c: number, threshold: number): string {
  const at = row * categories.length + c;
  return labels[at] === 1 ? (scores[at]! >= threshold ? 'tp' : 'fn') : scores[at]! >= threshold ? 'fp' : 'tn';
}

describe('slices', () => {
  it('counts what a count written out does, by every way of slicing, for all categories and for one', () => {
    fc.assert(
      fc.property(made, probability, fc.option(fc.constant(0), { nil: undefined }), ({ set, facts }, threshold, category) => {
        const chosen = category === undefined ? [...set.categories.keys()] : [category];
        for (const { name, groups } of slicingsOf(set, facts, category)) {
          const { slices, measure } = sliceAt(set, threshold, groups, { category });
          expect(measure).toBe(name === 'area' && groups.length > 0 ? 'recall' : 'f1');
          for (const slice of slices) {
            const group = groups.find(({ key }) => key === slice.key)!;
            const isEntry = (row: number, c: number) => group.entries?.includes(row * set.categories.length + c) ?? true;
            const cells = group.rows.flatMap((row) =>
              chosen.filter((c) => isEntry(row, c)).map((c) => cellOf(set, row, c, threshold)),
            );
            const of = (cell: string) => cells.filter((one) => one === cell).length;
            const [tp, fp, fn] = [of('tp'), of('fp'), of('fn')];
            expect(slice).toMatchObject({ images: group.rows.length, positives: tp + fn, tp, fn, fp: group.entries ? null : fp });
            expect(slice.recall).toBe(tp + fn === 0 ? null : tp / (tp + fn));
            if (measure === 'f1') expect(slice.f1).toBe(tp + fp + fn === 0 ? null : (2 * tp) / (2 * tp + fp + fn));
          }
        }
      }),
    );
  });

  it('puts every image into one slice, but for co-occurrence, and every label into one class of area', () => {
    fc.assert(
      fc.property(made, ({ set, facts }) => {
        for (const { name, groups } of slicingsOf(set, facts)) {
          if (name === 'co-occurrence') continue;
          const found = groups.flatMap(({ rows, entries }) => entries ?? rows).sort((a, b) => a - b);
          const labels = [...set.labels.keys()].filter((at) => set.labels[at] === 1);
          expect(found).toEqual(name === 'area' ? labels : rowsOf(set));
        }
      }),
    );
  });

  it('says of the slice of all images what the evaluation says, and sorts the worst first', () => {
    fc.assert(
      fc.property(made, probability, ({ set, facts }, threshold) => {
        const whole: Group = { key: { by: 'labels', from: 0, to: null }, rows: rowsOf(set) };
        const { slices } = sliceAt(set, threshold, [whole]);
        const { tp, fp, fn, precision, recall, f1, gap } = slices[0]!;
        const { micro, perCategory } = decide(set, threshold);
        const sum = (key: 'tp' | 'fp' | 'fn') => perCategory.reduce((total, counts) => total + counts[key], 0);
        expect([tp, fp, fn]).toEqual([sum('tp'), sum('fp'), sum('fn')]);
        expect({ precision: precision ?? 0, recall: recall ?? 0, f1: f1 ?? 0 }).toEqual(micro);
        expect(gap ?? 0).toBe(0);
        expect(meanPrecisions(set, [whole])).toEqual([evaluate(set).mAP]);
        for (const { groups } of slicingsOf(set, facts)) {
          const ordered = sliceAt(set, threshold, groups).slices;
          for (const few of [false, true]) {
            const gaps = ordered.filter((slice) => slice.few === few).map((slice) => slice.gap ?? Infinity);
            expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
          }
          expect(ordered.map((slice) => slice.few)).toEqual(ordered.map((slice) => slice.few).sort());
        }
      }),
    );
  });

  it('takes 32² for medium and 96² for large, crowds and unknown areas for themselves', () => {
    const areas: readonly ObjectArea[] = [0, 1023.999, 1024, 9215.999, 9216, 1e9, 'crowd', null];
    expect(areas.map(areaClass)).toEqual(['small', 'small', 'medium', 'medium', 'large', 'large', 'crowd', 'unknown']);
    const set: ScoredSet = { images: 1, categories: ['a', 'b'], labels: Uint8Array.of(1, 1), scores: Float64Array.of(1, 0) };
    const groups = groupsByArea(set, { images: [{ width: 1, height: 1, areas: [1024, 'crowd'] }], fields: [] });
    expect(groups).toEqual([
      { key: { by: 'area', area: 'medium' }, rows: [0], entries: [0] },
      { key: { by: 'area', area: 'crowd' }, rows: [0], entries: [1] },
    ]);
    expect(sliceAt(set, 0.5, groups).slices.map(({ key, recall }) => [key, recall])).toEqual([
      [{ by: 'area', area: 'crowd' }, 0],
      [{ by: 'area', area: 'medium' }, 1],
    ]);
  });

  it('cuts sizes into parts as equal as ties allow, and never between equal ones', () => {
    const sizes = [...Array<number>(6).fill(640), 100, 200, 700, 800];
    const images = sizes.map((width) => ({ width, height: 1, areas: [] }));
    const groups = groupsBySize({ images: [...images, { width: null, height: null, areas: [] }], fields: [] });
    expect(groups.map(({ key, rows }) => [key.by === 'size' && key.pixels, rows])).toEqual([
      [{ from: 100, to: 640 }, [0, 1, 2, 3, 4, 5, 6, 7]],
      [{ from: 700, to: 800 }, [8, 9]],
      [null, [10]],
    ]);
  });

  it('makes slices of fields by what their values are', () => {
    const names = (values: ImageField['values'], name = 'field') => {
      const groups = groupsByField({ name, values });
      return typeof groups === 'string'
        ? groups
        : groups.map(({ key }) => groupName(key, [], (text, a, b) => text.replace('{0}', String(a)).replace('{1}', String(b))));
    };
    expect(names([true, false, true, null])).toEqual(['false', 'true', 'not given']);
    expect(names([3, 1, 3, 1, 10, 10])).toEqual(['1', '3', '10']);
    expect(names([3, 1, 3, 1, 10])).toEqual(['1', '3', '10']);
    expect(names(['x', '__proto__', 'x', '__proto__'])).toEqual(['__proto__', 'x']);
    expect(names(['<b>', '<b>', '=1+1', '=1+1'], 'constructor')).toEqual(['<b>', '=1+1']);
    expect(names(Array.from({ length: 40 }, (_, k) => k))).toEqual(['0 to 9', '10 to 19', '20 to 29', '30 to 39']);
    const days = Array.from({ length: 40 }, (_, k) => `2013-11-${String(1 + (k % 20)).padStart(2, '0')} 1${k % 10}:00:${k}`);
    expect(names(days)).toEqual([
      '2013-11-01 to 2013-11-05',
      '2013-11-06 to 2013-11-10',
      '2013-11-11 to 2013-11-15',
      '2013-11-16 to 2013-11-20',
    ]);
    expect(names(Array.from({ length: 40 }, (_, k) => `image ${k}`))).toBe('too-many-values');
    expect(names(['same', 'same'])).toBe('same');
    expect(names([null, null])).toBe('same');
  });

  it('makes a slice of each element of lists, which overlap', () => {
    const rows = (values: ImageField['values']) => {
      const groups = groupsByField({ name: 'tags', values });
      return typeof groups === 'string' ? groups : groups.map(({ key, rows: own }) => ['value' in key && key.value, own]);
    };
    expect(rows([['night', 'street'], ['street'], null, 'night', ['street']])).toEqual([
      ['night', [0, 3]],
      ['street', [0, 1, 4]],
      [null, [2]],
    ]);
    expect(rows([['all', 'x'], ['all'], ['all', 'x']])).toEqual([['x', [0, 2]]]);
    expect(
      rows([
        [1, 'x'],
        [1, 'x'],
      ]),
    ).toBe('same');
    expect(rows(Array.from({ length: 40 }, (_, k) => [`tag ${k}`]))).toBe('too-many-values');
  });
});

describe('pairs', () => {
  const holds: Record<PairKind, (a: string, b: string) => boolean> = {
    confused: (a, b) => a === 'fn' && b === 'fp',
    lured: (a, b) => (a === 'fn' || a === 'tp') && b === 'fp',
    'missed-together': (a, b) => a === 'fn' && b === 'fn',
    'false-together': (a, b) => a === 'fp' && b === 'fp',
  };
  const isTrue = (cell: string) => cell === 'tp' || cell === 'fn';
  const isPossible: Record<PairKind, (a: string, b: string) => boolean> = {
    confused: (_, b) => !isTrue(b),
    lured: (_, b) => !isTrue(b),
    'missed-together': (a, b) => isTrue(a) && isTrue(b),
    'false-together': (a, b) => !isTrue(a) && !isTrue(b),
  };
  const ofA: Record<PairKind, (a: string) => boolean> = {
    confused: (a) => a === 'fn',
    lured: isTrue,
    'missed-together': (a) => a === 'fn',
    'false-together': (a) => a === 'fp',
  };

  it('counts what a count written out does, and lists the images that it counts', () => {
    fc.assert(
      fc.property(made, probability, ({ set }, threshold) => {
        const cells = rowsOf(set).map((row) => set.categories.map((_, c) => cellOf(set, row, c, threshold)));
        const found = pairsAt(set, threshold);
        for (const kind of PAIR_KINDS) {
          const isOrdered = kind === 'confused' || kind === 'lured';
          const pairs = found.filter((pair) => pair.kind === kind);
          const names = pairs.map(({ a, b }) => `${a} ${b}`);
          expect(new Set(names).size).toBe(names.length);
          set.categories.forEach((_, a) =>
            set.categories.forEach((_, b) => {
              if (a === b || (!isOrdered && a > b)) return;
              const rows = rowsOf(set).filter((row) => holds[kind](cells[row]![a]!, cells[row]![b]!));
              const pair = pairs.find((one) => one.a === a && one.b === b);
              expect(pair !== undefined).toBe(rows.length > 0);
              if (!pair) return;
              const among = cells.filter((own) => isPossible[kind](own[a]!, own[b]!));
              const hasA = among.filter((own) => ofA[kind](own[a]!)).length;
              const hasB = among.filter((own) => (kind === 'missed-together' ? own[b] === 'fn' : own[b] === 'fp')).length;
              expect(pair).toMatchObject({ images: rows.length, among: among.length, ofA: hasA, ofB: hasB });
              expect(pair.expected).toBeCloseTo((hasA * hasB) / among.length, 12);
              expect(pair.lift).toBeCloseTo(rows.length / pair.expected, 9);
              expect(imagesOfPair(set, threshold, pair)).toEqual(rows);
            }),
          );
        }
        const excess = found.map(({ images, expected }) => images - expected);
        expect(excess).toEqual([...excess].sort((a, b) => b - a));
      }),
    );
  });

  it('finds what is always taken for another, and not what has nothing to do with it', () => {
    const random = randomStream('pairs', 1);
    const rows = Array.from({ length: 400 }, () => {
      const isCup = random.next() < 0.2;
      return { labels: [Number(isCup), 0, Number(random.next() < 0.3)], scores: [0, isCup ? 1 : 0, random.next()] };
    });
    const set: ScoredSet = {
      images: rows.length,
      categories: ['cup', 'bowl', 'dog'],
      labels: Uint8Array.from(rows.flatMap(({ labels }) => labels)),
      scores: Float64Array.from(rows.flatMap(({ scores }) => scores)),
    };
    const pairs = pairsAt(set, 0.5);
    expect(pairs[0]).toMatchObject({ kind: 'confused', a: 0, b: 1 });
    expect(pairs[0]!.logOdds.low).toBeGreaterThan(2);
    const dog = pairs.find(({ kind, a, b }) => kind === 'confused' && a === 0 && b === 2)!;
    expect(dog.logOdds.low).toBeLessThan(0);
    expect(dog.logOdds.high).toBeGreaterThan(0);
  });
});

describe('images behind a count', () => {
  it('are as many as it counts, the most wrong first', () => {
    fc.assert(
      fc.property(made, probability, ({ set }, threshold) => {
        decide(set, threshold).perCategory.forEach((counts, c) => {
          for (const cell of ['tp', 'fp', 'fn', 'tn'] as const) {
            const found = imagesBehind(set, c, cell, threshold);
            expect(found.length).toBe(counts[cell]);
            expect(found.every(({ row }) => cellOf(set, row, c, threshold) === cell)).toBe(true);
            const scores = found.map(({ score }) => score);
            const sign = cell === 'tp' || cell === 'fn' ? 1 : -1;
            expect(scores).toEqual([...scores].sort((a, b) => sign * (a - b)));
          }
        });
      }),
    );
  });

  it('are those with a wrong decision for numbers over all categories, the farthest from the truth first', () => {
    fc.assert(
      fc.property(made, probability, ({ set }, threshold) => {
        const { perCategory, exactMatch, jaccard } = decide(set, threshold);
        const sum = (cell: 'fp' | 'fn') => perCategory.reduce((all, counts) => all + counts[cell], 0);
        const of = { 'false-alarm': sum('fp'), miss: sum('fn'), any: sum('fp') + sum('fn') };
        for (const kind of ['false-alarm', 'miss', 'any'] as const) {
          const found = wrongImages(set, threshold, kind);
          const agreement = sliderOf(set, rankedOf(set)).images(threshold);
          expect(wrongImages(set, threshold, kind, { known: { extremes: extremesOf(set), agreement } })).toEqual(found);
          expect(found.reduce((all, { wrong }) => all + wrong, 0)).toBe(of[kind]);
          const cells = found.map(({ row, category }) => cellOf(set, row, category, threshold));
          expect(cells.filter((cell) => (cell === 'fp' && kind !== 'miss') || (cell === 'fn' && kind !== 'false-alarm'))).toEqual(
            cells,
          );
          const errors = found.map(({ score }, k) => (cells[k] === 'fn' ? 1 - score : score));
          expect(errors).toEqual([...errors].sort((a, b) => b - a));
        }
        const wrong = wrongImages(set, threshold, 'any');
        expect(1 - wrong.length / set.images).toBeCloseTo(exactMatch!, 12);
        const mean = wrong.reduce((all, image) => all + image.jaccard, set.images - wrong.length) / set.images;
        expect(mean).toBeCloseTo(jaccard!, 12);
      }),
    );
  });
});
