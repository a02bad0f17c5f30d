// What is estimated of each category's labels, as a table.
import type { SuspectsResult } from '../../src/protocol/review';
import type { Card } from '../kit/card';
import { html } from 'lit';
import { count } from '../kit/format';
import { t } from '../kit/l10n';

export function noiseCard({ categories, images, folds }: SuspectsResult): Card {
  const rest = categories.filter(({ estimate }) => estimate === null).length;
  const words = [
    t(
      'Estimated by confident learning from {0} images in {1} folds: how many labels are missing and wrong.',
      count(images),
      folds,
    ),
    ...(rest > 0
      ? [
          t(
            '{0} of the categories could not be judged, for too few images with or without the label: a dash stands there.',
            count(rest),
          ),
        ]
      : []),
  ];
  return {
    name: 'label-noise',
    title: t('Noise of the Labels'),
    wide: true,
    more: html`<p class="quiet">${words.join(' ')}</p>`,
    table: {
      caption: t('Noise of the Labels'),
      columns: [
        { title: t('Category') },
        { title: t('Images with the label'), numeric: true },
        { title: t('Probably missing'), numeric: true, digits: 1 },
        { title: t('Probably wrong'), numeric: true, digits: 1 },
        { title: t('Noise rate'), numeric: true, digits: 3 },
        { title: t('Mean score with the label'), numeric: true, digits: 3 },
      ],
      rows: categories.map(({ category, given, estimate, thresholds }) => ({
        key: category,
        cells: [
          category,
          given,
          estimate?.missing ?? null,
          estimate?.wrong ?? null,
          estimate?.rate ?? null,
          thresholds?.present ?? null,
        ],
      })),
    },
  };
}
