// The tab of failures: slices of the images on which the model does worse, and pairs of categories that go wrong together.
import { html, nothing, type TemplateResult } from 'lit';
import { groupName, unslicedReason } from '../../../src/metrics/group-names';
import { isBeyondChance, type Pair, PAIR_KINDS, type PairKind } from '../../../src/metrics/pairs';
import { isUnlikeTheRest } from '../../../src/metrics/slices';
import type { Slicing } from '../../../src/metrics/slicings';
import { type Card, cardOf } from '../../kit/card';
import { t } from '../../kit/l10n';
import { rowsInSight } from '../../kit/rows-in-sight';
import type { Row } from '../../kit/table';
import { behindGroup, behindPair } from '../behind';
import { choice } from '../fitting';
import { MOST_DOTS, sliceChart } from '../slice-chart';
import { type FailureChoices, pairsView, type ShownSlice, slicesView, type SlicesView, slicings } from '../slices';
import { appliedThreshold, type Panel } from '../state';

export function failuresTab(panel: Panel): TemplateResult {
  const { prepared, state, actions, host } = panel;
  const category = state.failures.category < 0 ? undefined : state.failures.category;
  const known = slicings(prepared, category);
  const slicing = known.find(({ name }) => name === state.failures.by) ?? known[0]!;
  const draw = (card: Card) => cardOf(card, state.tables, actions.toggle, host);
  const slices = () => draw(slicesCard(slicesView(prepared, appliedThreshold(panel), slicing, category), panel, category));
  const cards = [slices, () => draw(pairsCard(panel))];
  return html`${controls(panel, known, slicing)} ${notices(panel)}
    <div class="grid">${rowsInSight(cards)}</div>`;
}

function change({ state, actions }: Panel, part: Partial<FailureChoices>): void {
  actions.change({ failures: { ...state.failures, ...part }, behind: undefined });
}

function controls(panel: Panel, known: readonly Slicing[], slicing: Slicing): TemplateResult {
  const { prepared, state } = panel;
  const categories = prepared.set.categories.map((words, value) => ({ value, words }));
  return html`<div class="row fitting">
    ${choice(
      t('Slices by'),
      known.map(({ name }) => ({ value: name, words: slicingName(name) })),
      slicing.name,
      (by) => change(panel, { by }),
    )}
    ${choice(t('Category'), [{ value: -1, words: t('all categories') }, ...categories], state.failures.category, (value) =>
      change(panel, { category: value }),
    )}
  </div>`;
}

function slicingName(name: string): string {
  const names: Readonly<Record<string, string>> = {
    area: t('object area'),
    size: t('image size'),
    labels: t('number of labels'),
    'co-occurrence': t('category that is there too'),
  };
  return Object.hasOwn(names, name) ? names[name]! : t('field {0}', name.slice('field:'.length));
}

function notices({ prepared: { data } }: Panel): TemplateResult | typeof nothing {
  const { facts } = data;
  if (!facts)
    return html`<p class="notice" data-notice="facts">
      ${t('Object area, image size and the fields of the images were not kept with this evaluation. Evaluate the model again to slice by them.')}
    </p>`;
  if (facts.leftOut.length === 0) return nothing;
  const fields = facts.leftOut.map(({ name, reason }) => `${name} (${unslicedReason(reason, t)})`).join(', ');
  return html`<p class="quiet">${t('Fields without slices: {0}', fields)}</p>`;
}

function slicesCard(view: SlicesView, panel: Panel, category: number | undefined): Card {
  const { categories } = panel.prepared.set;
  const { slicing, slices, measure, whole } = view;
  const isF1 = measure === 'f1';
  const nameOf = ({ key }: ShownSlice) => groupName(key, categories, t);
  const title = t('Slices by {0}', slicingName(slicing.name));
  const show = (slice: ShownSlice | undefined) => {
    if (slice) panel.actions.show(behindGroup(slice.group, `${slicingName(slicing.name)}: ${nameOf(slice)}`, category));
  };
  const dots = slices.map((slice) => ({ ...slice, name: nameOf(slice), value: slice[measure] }));
  const measureName = isF1 ? t('F1, micro') : t('recall, micro');
  return {
    name: 'slices',
    title,
    wide: true,
    more: html`<p class="quiet">${notes(isF1, slices.length)}</p>`,
    chart: sliceChart({ label: title, measure: measureName, whole: whole[measure], dots, choose: (k) => show(slices[k]) }),
    table: {
      caption: title,
      columns: sliceColumns(),
      rows: slices.map((slice, k) => ({ key: String(k), cells: [nameOf(slice), ...sliceCells(slice)] })),
    },
    tableOptions: { apart: true, onCell: (key) => show(slices[Number(key)]) },
  };
}

function notes(isF1: boolean, slices: number): string {
  const said = [
    isF1 ? '' : t('A label that is missed has an object and so an area, a false alarm has none: recall alone is defined here.'),
    t('The farthest below all images come first, slices of fewer than 30 images last (drawn faint). Lines are 95 % intervals.'),
    slices > MOST_DOTS ? t('The table has all {0}.', slices) : '',
  ];
  return said.filter(Boolean).join(' ');
}

const DIGITS = { numeric: true, digits: 3 };
const sliceColumns = () => [
  { title: t('Slice') },
  { title: t('Images'), numeric: true, leads: true },
  { title: t('Labels'), numeric: true },
  { title: 'TP', numeric: true },
  { title: 'FP', numeric: true },
  { title: 'FN', numeric: true },
  { title: t('Precision'), ...DIGITS },
  { title: t('Recall'), ...DIGITS },
  { title: 'F1', ...DIGITS },
  { title: 'mAP', ...DIGITS },
  { title: t('from'), ...DIGITS },
  { title: t('to'), ...DIGITS },
  { title: t('Gap to all'), ...DIGITS },
  { title: t('Versus the rest') },
];

function sliceCells(slice: ShownSlice): (string | number | null)[] {
  const { images, positives, tp, fp, fn, precision, recall, f1, mAP, interval, gap, few } = slice;
  const verdict = few ? t('few images') : isUnlikeTheRest(slice) ? t('differs') : '';
  return [images, positives, tp, fp, fn, precision, recall, f1, mAP, interval?.low ?? null, interval?.high ?? null, gap, verdict];
}

function kindName(kind: PairKind): string {
  const names: Readonly<Record<PairKind, string>> = {
    confused: t('one missed, the other predicted'),
    lured: t('false alarm beside a category that is there'),
    'missed-together': t('missed together'),
    'false-together': t('false alarms together'),
  };
  return names[kind];
}

function pairHeads(kind: PairKind): readonly [string, string] {
  const heads: Readonly<Record<PairKind, readonly [string, string]>> = {
    confused: [t('Missed'), t('Predicted instead')],
    lured: [t('There'), t('Falsely predicted')],
    'missed-together': [t('Missed'), t('Missed too')],
    'false-together': [t('Falsely predicted'), t('Falsely predicted too')],
  };
  return heads[kind];
}

/** The pairs that go beyond chance come first; nobody reads so far, and the slider is to move them all. */
const MOST_PAIRS = 100;

function pairsCard(panel: Panel): Card {
  const { prepared, state, actions } = panel;
  const { kind } = state.failures;
  const { categories } = prepared.set;
  const found = pairsView(prepared, appliedThreshold(panel), state.failures);
  const pairs = found.first(MOST_PAIRS);
  const rowOf = (pair: Pair, k: number): Row => ({ key: String(k), cells: pairCells(pair, categories) });
  const [first, second] = pairHeads(kind);
  const words = ({ a, b }: Pair) => `${first}: ${categories[a]!} · ${second}: ${categories[b]!}`;
  return {
    name: 'pairs',
    title: t('Pairs of categories'),
    wide: true,
    more: html`<div class="row">
        ${choice(
          t('Pairs'),
          PAIR_KINDS.map((value) => ({ value, words: kindName(value) })),
          kind,
          (value) => change(panel, { kind: value }),
        )}
      </div>
      <p class="quiet">
        ${t('Expected: how many images it would be, had the two nothing to do with each other. Lift: images / expected. Log odds: how closely they go together, 0 for not at all.')}
      </p>`,
    table: {
      caption: t('Pairs of categories: {0}', kindName(kind)),
      columns: [
        { title: first },
        { title: second },
        { title: t('Images'), numeric: true, leads: true },
        { title: t('Expected'), numeric: true, digits: 1 },
        { title: t('Lift'), numeric: true, digits: 1 },
        { title: t('Log odds'), numeric: true, digits: 2 },
        { title: t('Verdict') },
      ],
      rows: pairs.map(rowOf),
      empty:
        categories.length < 2
          ? t('The model knows one category: there are no pairs.')
          : t('There are no such pairs at this threshold.'),
      whole: { count: found.count, rows: () => found.first(Infinity).map(rowOf) },
    },
    tableOptions: {
      apart: true,
      onCell: (key) => {
        const pair = pairs[Number(key)];
        if (pair) actions.show(behindPair(pair, words(pair)));
      },
    },
  };
}

function pairCells(pair: Pair, categories: readonly string[]): Row['cells'] {
  const { a, b, images, expected, lift, logOdds } = pair;
  const verdict = isBeyondChance(pair) ? t('more than chance') : '';
  return [categories[a]!, categories[b]!, images, expected, lift, logOdds.value, verdict];
}
