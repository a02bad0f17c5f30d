// The suspect at hand: the image large enough to judge, with the category's boxes, what is asked, and what can be answered.
import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import type { BrowsedImage } from '../../src/protocol/browse';
import type { SuspectLabel } from '../../src/protocol/review';
import type { ModelsMap } from '../../src/protocol/windows';
import { drawBoxes } from '../kit/boxes';
import { fixed } from '../kit/format';
import { heatWords, layHeat } from '../kit/heat-layer';
import type { Heat } from '../kit/heat-store';
import { t } from '../kit/l10n';
import type { Picture } from '../kit/thumbnails';
import type { Verdict } from './state';

export interface Detail {
  readonly suspect: SuspectLabel;
  /** Undefined while they are on their way. */
  readonly image: BrowsedImage | null | undefined;
  readonly picture: Picture | undefined;
  /** Names by the column that images name them by. */
  readonly categories: readonly string[];
  /** Undefined where no map is asked for. */
  readonly heat: Heat<ModelsMap> | 'awaited' | undefined;
  readonly verdict: Verdict | undefined;
  readonly canUndo: boolean;
  readonly decide: (verdict: Verdict) => void;
  readonly undo: () => void;
  readonly open: (file: string) => void;
  readonly explain: () => void;
}

export function detailOf(detail: Detail): TemplateResult {
  const { suspect } = detail;
  return html`<section class="detail" aria-label=${t('Suspect label')}>
    ${figureOf(detail)}
    <p class="question" role="status" data-question>${questionOf(suspect)}</p>
    ${answers(detail)} ${facts(detail)}
  </section>`;
}

function questionOf({ kind, category, score }: SuspectLabel): string {
  return kind === 'missing'
    ? t('Is the label “{0}” missing? Models that have not seen this image give it {1}.', category, fixed(score, 2))
    : t('Is the label “{0}” wrong? Models that have not seen this image give it {1}.', category, fixed(score, 2));
}

/** Longer side of a painted map, in pixels. */
const HEAT_SIDE = 768;

function figureOf(detail: Detail): TemplateResult {
  const { suspect, image, picture, categories } = detail;
  const shown = picture && 'url' in picture ? picture : undefined;
  const reason = picture && 'error' in picture ? picture.error : undefined;
  const draw = (svg: Element | undefined) => {
    if (svg && image && shown) drawOwn(svg as SVGSVGElement, suspect, image, shown, categories);
    else svg?.replaceChildren();
  };
  const lay = (canvas: Element | undefined) => {
    const img = canvas?.parentElement?.querySelector('img');
    if (!img) return;
    // Networks see an image upright: over its stored pixels the map would lie wrong.
    const put = () => layHeat(img, canvas as HTMLCanvasElement, shown?.isTurned ? undefined : detail.heat, HEAT_SIDE);
    img.onload = put;
    put();
  };
  return html`<figure>
    <div class="frame">
      ${shown ? html`<img src=${shown.url} alt=${suspect.image} />` : nothing}
      <canvas class="heat" aria-hidden="true" hidden ${ref(lay)}></canvas>
      <svg class="boxes" aria-hidden="true" ${ref(draw)}></svg>
      ${reason ? html`<div class="reason">${reason}</div>` : nothing}
    </div>
    <figcaption class="row">${nameOf(detail)} ${explaining(detail, shown?.isTurned ?? false)}</figcaption>
  </figure>`;
}

function nameOf({ suspect, image, open }: Detail): TemplateResult {
  const { file } = image ?? {};
  if (!file) return html`<span>${suspect.image}</span>`;
  return html`<button class="plain" data-open @click=${() => open(file)}>${suspect.image}</button>`;
}

function explaining({ heat, explain }: Detail, isTurned: boolean): TemplateResult {
  const button = html`<button aria-pressed=${heat !== undefined} aria-keyshortcuts="G" data-explain @click=${explain}>
    Grad-CAM <kbd>G</kbd>
  </button>`;
  return html`${button}<span class="quiet" role="status" data-heat>${heatNote(heat, isTurned)}</span>`;
}

function heatNote(heat: Detail['heat'], isTurned: boolean): string {
  const words = heatWords(heat);
  if (heat === undefined || heat === 'awaited' || 'error' in heat) return words;
  const shown = isTurned ? t('this picture is turned: open it to see the map') : words;
  return [t('by the model {0}', heat.model), shown].filter(Boolean).join('; ');
}

/** The boxes of the category alone: the others would hide what is to be judged. */
function drawOwn(
  svg: SVGSVGElement,
  { category }: SuspectLabel,
  image: BrowsedImage,
  { width, height }: Extract<Picture, { url: string }>,
  categories: readonly string[],
): void {
  const column = categories.indexOf(category);
  const boxes = Array.from({ length: image.boxes.length / 6 }, (_, k) => image.boxes.slice(6 * k, 6 * k + 6));
  const own = { ...image, boxes: boxes.filter((box) => box[4] === column).flat() };
  const { clientWidth, clientHeight } = svg;
  const scale = Math.max(width / Math.max(1, clientWidth), height / Math.max(1, clientHeight));
  drawBoxes(svg, own, categories, { width, height, scale });
}

function answers({ suspect: { kind }, verdict, canUndo, decide, undo }: Detail): TemplateResult {
  const words: Record<Verdict, string> = {
    accept: kind === 'missing' ? t('Yes, add it') : t('Yes, remove it'),
    reject: t('No, leave it'),
    skip: t('Skip'),
  };
  const keys: Record<Verdict, string> = { accept: 'A', reject: 'R', skip: 'S' };
  return html`<div class="row answers" role="group" aria-label=${t('Answers')}>
    ${(Object.keys(words) as Verdict[]).map(
      (name) =>
        html`<button
          class=${name === 'accept' ? 'primary' : ''}
          data-answer=${name}
          aria-pressed=${verdict === name}
          aria-keyshortcuts=${keys[name]}
          @click=${() => decide(name)}
        >
          ${words[name]} <kbd>${keys[name]}</kbd>
        </button>`,
    )}
    <button data-answer="undo" aria-keyshortcuts="U" ?disabled=${!canUndo} @click=${undo}>${t('Undo')} <kbd>U</kbd></button>
  </div>`;
}

function facts({ suspect, image, categories }: Detail): TemplateResult | typeof nothing {
  if (!image) return nothing;
  const labels = image.labels.map((column) => categories[column] ?? '');
  const others = labels.filter((name) => name !== suspect.category);
  const words = others.length === 0 ? t('none') : others.join(', ');
  const label = labels.includes(suspect.category) ? t('given') : t('not given');
  return html`<dl class="facts">
    <dt>${t('The label now')}</dt>
    <dd>${label}</dd>
    <dt>${t('Out-of-fold score')}</dt>
    <dd>${fixed(suspect.score, 3)}</dd>
    <dt>${t('Other labels')}</dt>
    <dd data-others>${words}</dd>
  </dl>`;
}
