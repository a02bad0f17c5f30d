// The suspect labels of an annotation file on a report's page: what is estimated, the list, and what was decided. Nothing is decided there.
import { html, nothing, render } from 'lit';
import { labelOf, type ReviewedSuspects } from '../../src/protocol/review';
import { type Card, cardOf } from '../kit/card';
import { count } from '../kit/format';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import type { Sorting } from '../kit/table';
import { kindWord, verdictWord } from './list';
import { noiseCard } from './noise';
import { Decisions } from './state';

export function suspectsReport(root: HTMLElement, review: ReviewedSuspects, host: Pick<Host<'review'>, 'call'>): void {
  const decisions = new Decisions();
  decisions.reset(review.decisions);
  let sorting: Sorting | undefined;
  const draw = () => {
    const cards = [suspectsCard(review, decisions, sorting, sort), noiseCard(review.result)];
    render(
      html`<header><h1>${t('Suspect Labels')}</h1></header>
        <p class="quiet">${t('{0} images of {1}', count(review.result.images), review.result.annotations)}</p>
        ${review.foreign ? html`<p class="notice warning">${t('The run neither learned from this file nor was judged on it.')}</p>` : nothing}
        <div class="grid">${cards.map((card) => cardOf(card, new Set(), () => undefined, host))}</div>`,
      root,
    );
  };
  const sort = (to: Sorting) => {
    sorting = to;
    draw();
  };
  draw();
}

function suspectsCard(
  { result }: ReviewedSuspects,
  decisions: Decisions,
  sorting: Sorting | undefined,
  onSort: (sorting: Sorting) => void,
): Card {
  const { suspects, found } = result;
  const { accept, reject, skip } = decisions.count(suspects);
  const rows = suspects.map((suspect) => {
    const { image, category, kind, score, selfConfidence } = suspect;
    const verdict = decisions.of(suspect);
    return {
      key: labelOf(suspect),
      cells: [image, category, kindWord(kind), score, selfConfidence, verdict ? verdictWord(verdict) : t('not decided')],
    };
  });
  return {
    name: 'suspects',
    title: t('Suspect Labels'),
    wide: true,
    more: html`<p class="quiet">
      ${t(
        'Labels that models which have not seen the image contradict, the most doubtful first: {0} were found; {1} accepted, {2} rejected, {3} skipped.',
        ...[found, accept, reject, skip].map(count),
      )}
    </p>`,
    table: {
      caption: t('Suspect Labels'),
      columns: [
        { title: t('Image') },
        { title: t('Category') },
        { title: t('Label') },
        { title: t('Out-of-fold score'), numeric: true, digits: 3 },
        { title: t('Self-confidence'), numeric: true, digits: 3 },
        { title: t('Decided') },
      ],
      rows,
      empty: t('No label is suspect.'),
    },
    tableOptions: { onSort, ...(sorting && { sorting }) },
  };
}
