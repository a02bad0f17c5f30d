// The charts and tables of where a model looks: pointing rate and energy by category, and maps with random weights.
import { html } from 'lit';
import type { Interval } from '../../src/metrics/interval';
import type { MapSimilarity, PointingResult, SanityResult } from '../../src/protocol/looking';
import type { Card } from '../kit/card';
import { t } from '../kit/l10n';
import { dotPlot } from '../kit/dots';
import type { Panel } from './state';

const UNIT: Interval = [0, 1];
const DIGITS = { numeric: true, digits: 3 };

const [low, high] = [(interval: Interval | null) => interval?.[0] ?? null, (interval: Interval | null) => interval?.[1] ?? null];

export function pointingCard({ perCategory }: PointingResult, { state, actions }: Pick<Panel, 'state' | 'actions'>): Card {
  const rows = perCategory.filter(({ cases }) => cases > 0);
  const title = t('Pointing game by category');
  return {
    name: 'pointing',
    title,
    chart: dotPlot({
      label: t(
        'Share of images whose map points at the category, with 95 % intervals and what chance gives; the table holds the numbers',
      ),
      x: t('pointing rate'),
      range: UNIT,
      series: [t('rate')],
      baseline: t('by chance'),
      rows: rows.map(({ category, rate, rateInterval, chance }) => ({
        name: category,
        dots: [{ value: rate, interval: rateInterval }],
        baseline: chance,
      })),
    }),
    table: {
      caption: title,
      columns: [
        { title: t('Category') },
        ...[t('Images'), t('Hits')].map((name) => ({ title: name, numeric: true })),
        ...[t('Rate'), t('from'), t('to'), t('Anywhere'), t('Centre')].map((name) => ({ title: name, ...DIGITS })),
        { title: t('Flat maps'), numeric: true },
      ],
      rows: rows.map((row) => ({
        key: row.category,
        cells: [
          ...[row.category, row.cases, row.hits, row.rate, low(row.rateInterval), high(row.rateInterval)],
          ...[row.chance, row.centre, row.flat],
        ],
      })),
    },
    tableOptions: {
      sorting: state.sorting,
      onSort: (sorting) => actions.change({ sorting }),
    },
  };
}

export function energyCard({ perCategory }: PointingResult): Card {
  const rows = perCategory.filter(({ cases }) => cases > 0);
  const title = t('Energy in the boxes by category');
  return {
    name: 'energy',
    title,
    chart: dotPlot({
      label: t(
        'Share of the map that lies in the boxes, with 95 % intervals and the share that the boxes cover; the table holds the numbers',
      ),
      x: t('energy in the boxes'),
      range: UNIT,
      series: [t('energy')],
      baseline: t('area of the boxes'),
      rows: rows.map(({ category, energy, energyInterval, area }) => ({
        name: category,
        dots: [{ value: energy, interval: energyInterval }],
        baseline: area,
      })),
    }),
    table: {
      caption: title,
      columns: [
        { title: t('Category') },
        { title: t('Images'), numeric: true },
        ...[t('Energy'), t('from'), t('to'), t('Area')].map((name) => ({ title: name, ...DIGITS })),
      ],
      rows: rows.map((row) => ({
        key: row.category,
        cells: [row.category, row.cases, row.energy, low(row.energyInterval), high(row.energyInterval), row.area],
      })),
    },
  };
}

export function sanityCard({ images, stages, cascading, independent, otherImage, verdict }: SanityResult): Card {
  const title = t('Maps with random weights, {0} images', images);
  const dotOf = ({ rankCorrelation, rankInterval }: MapSimilarity) => ({ value: rankCorrelation, interval: rankInterval });
  const numbers = (similarity: MapSimilarity | undefined) => [
    similarity?.rankCorrelation ?? null,
    low(similarity?.rankInterval ?? null),
    high(similarity?.rankInterval ?? null),
    similarity?.ssim ?? null,
  ];
  return {
    name: 'sanity',
    title,
    more: html`<p class="notice ${verdict === 'depend' ? '' : 'warning'}" data-verdict=${verdict}>${verdictWords(verdict)}</p>`,
    chart: dotPlot({
      label: t(
        'Rank correlation of the maps before and after weights were made random, stage by stage; the table holds the numbers',
      ),
      x: t('rank correlation with the unchanged maps'),
      range: [-1, 1],
      series: [t('random down to here'), t('alone')],
      baseline: t('other images'),
      rows: stages.map(({ name }, k) => ({
        name: stageWord(name),
        dots: [dotOf(cascading[k]!), dotOf(independent[k]!)],
        baseline: otherImage.rankCorrelation,
      })),
    }),
    table: {
      caption: title,
      columns: [
        { title: t('Random') },
        { title: t('Weights'), numeric: true },
        ...[t('Down to here: rank correlation'), t('from'), t('to'), 'SSIM'].map((name) => ({ title: name, ...DIGITS })),
        ...[t('Alone: rank correlation'), t('from'), t('to'), 'SSIM'].map((name) => ({ title: name, ...DIGITS })),
      ],
      rows: [
        ...stages.map(({ name, values }, k) => ({
          key: name,
          cells: [stageWord(name), values, ...numbers(cascading[k]), ...numbers(independent[k])],
        })),
        { key: '', cells: [t('nothing: other images'), null, ...numbers(otherImage), ...numbers(undefined)] },
      ],
    },
  };
}

function verdictWords(verdict: SanityResult['verdict']): string {
  const words: Record<SanityResult['verdict'], string> = {
    depend: t('The maps depend on the weights: made random, they give other maps.'),
    'do-not-depend': t('The maps do not depend on the weights: random ones give nearly the same maps. Do not trust them.'),
    unclear: t('Whether the maps depend on the weights is not clear from these images.'),
  };
  return words[verdict];
}

function stageWord(name: string): string {
  if (name === 'head') return t('head');
  return name === 'hidden' ? t('hidden layers') : name;
}
