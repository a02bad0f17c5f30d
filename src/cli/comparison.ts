// What the verb `compare` says to people: values side by side, differences in numbers and words, categories, settings.
import type { Difference } from '../metrics/bootstrap';
import { entryOf, METRICS, type Metric } from '../metrics/headline';
import type { Compared } from '../metrics/compare';
import { FEWEST_TOLD } from '../metrics/few-positives';
import type { ComparedRun, CompareResult } from '../protocol/compare';
import { intervalNotes, spanOver } from './intervals';
import { decimal, span, table, thresholdWords } from './io';

/** Categories of each table; the JSON has all. */
const MOST_ROWS = 10;

/** Left-out categories that are named. */
const MOST_NAMES = 5;

/** Characters of a setting's value; paths of runs differ at their ends. */
const MOST_CHARACTERS = 40;

export const NAMES: Readonly<Record<Metric, string>> = {
  'micro.f1': 'micro F1',
  'micro.precision': 'micro precision',
  'micro.recall': 'micro recall',
  'macro.f1': 'macro F1',
  'macro.precision': 'macro precision',
  'macro.recall': 'macro recall',
  mAP: 'mAP',
  jaccard: 'Jaccard',
  CF1: 'CF1',
  exactMatch: 'exact match',
  hammingLoss: 'Hamming loss',
  loss: 'loss',
};

export function comparison(result: CompareResult): string[] {
  const { images, categories, runs, replicates, seed } = result;
  const rows = valueRows(result);
  return [
    `${images} images and ${categories.length} categories that all evaluations share`,
    ...runs.flatMap(aboutRun),
    ...aboutFiles(runs),
    '',
    ...table(rows),
    ...(replicates > 0
      ? intervalNotes(
          categories.map((category) => category.images),
          rows.flat(),
        )
      : []),
    ...runs.slice(1).flatMap((run) => differences(run, result)),
    ...(replicates > 0
      ? [
          '',
          `95 % intervals by the paired bootstrap: ${replicates} resamples of the images, seed ${seed}. Of 100 differences between equally good runs about 5 look real.`,
        ]
      : []),
    ...settings(result),
  ];
}

function aboutRun({ name, threshold, evaluated, leftOut, categoriesLeftOut }: ComparedRun): string[] {
  const { notShared, otherLabels } = leftOut;
  const without = [
    ...(notShared > 0 ? [`${notShared} that not all runs were evaluated on`] : []),
    ...(otherLabels > 0 ? [`${otherLabels} that have other labels in another evaluation`] : []),
    ...(categoriesLeftOut.length > 0 ? [`what not all runs know: ${listed(categoriesLeftOut)}`] : []),
  ];
  return [
    `${name}: evaluated on ${evaluated} images, threshold ${thresholdWords(threshold)}${without.length > 0 ? `; left out: ${without.join(', ')}` : ''}`,
  ];
}

function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function aboutFiles(runs: readonly ComparedRun[]): string[] {
  const files = [...new Set(runs.map(({ annotations }) => annotations))];
  return files.length > 1
    ? [`The evaluations name different files, ${files.join(' and ')}: images are the same by their file names.`]
    : [];
}

function valueRows({ runs, images, replicates }: CompareResult): string[][] {
  const cells = ({ value, interval }: Compared) => [
    decimal(value),
    replicates > 0 ? spanOver(images, value, interval) : span(interval),
  ];
  const rows = METRICS.map((metric) => [NAMES[metric], ...runs.flatMap((run) => cells(entryOf<Compared>(run, metric)))]);
  return [['', ...runs.flatMap(({ name }) => [name, '95 %'])], ...rows];
}

function differences(run: ComparedRun, { runs, categories }: CompareResult): string[] {
  const first = runs[0]!;
  const title = `${run.name} compared with ${first.name}`;
  const metrics = METRICS.map((metric) => [NAMES[metric], ...differenceCells(entryOf<Compared>(run, metric).versusFirst)]);
  const inOrder = run.perCategory
    .map(({ f1, ap }, c) => ({ ...categories[c]!, f1, ap }))
    .sort((a, b) => sizeOf(b.ap) - sizeOf(a.ap))
    .slice(0, MOST_ROWS);
  const rows = inOrder.map(({ category, images, ap, f1 }) => [
    category,
    images,
    decimal(ap.value),
    ...categoryCells(ap.versusFirst, images),
    decimal(f1.value),
    ...categoryCells(f1.versusFirst, images),
  ]);
  const left = categories.length - rows.length;
  return [
    '',
    ...table([[title, 'difference', '95 %', ''], ...metrics]),
    '',
    ...table([['category', 'images', 'AP', 'difference', '95 %', '', 'F1', 'difference', '95 %', ''], ...rows]),
    ...(left > 0 ? [`… and ${left} more with smaller differences of AP (--json has them)`] : []),
  ];
}

function differenceCells(found: Difference | null): string[] {
  const { difference = null, interval = null, verdict = null } = found ?? {};
  const sign = difference !== null && difference >= 0 ? '+' : '';
  return [sign + decimal(difference), interval ? `${decimal(interval[0])} to ${decimal(interval[1])}` : '–', verdict ?? ''];
}

function categoryCells(found: Difference | null, images: number): string[] {
  const [difference, interval, verdict] = differenceCells(found);
  const isFew = images < FEWEST_TOLD && typeof found?.difference === 'number';
  return [difference!, interval!, isFew ? 'few images' : verdict!];
}

const sizeOf = ({ versusFirst }: Compared): number => Math.abs(versusFirst?.difference ?? 0);

function settings({ settings: rows, runs }: CompareResult): string[] {
  if (rows.length === 0) return ['', 'No settings differ.'];
  const cells = rows.map(({ setting, values: all }) => [setting, ...all.map((value) => shortened(String(value ?? '–')))]);
  return ['', ...table([['settings that differ', ...runs.map(({ name }) => name)], ...cells])];
}

function shortened(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text;
  const head = Math.floor(MOST_CHARACTERS / 3);
  return `${text.slice(0, head)}…${text.slice(head + 1 - MOST_CHARACTERS)}`;
}
