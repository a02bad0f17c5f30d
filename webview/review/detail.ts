// The suspect at hand: the image large enough to judge, with the category's boxes, what is asked, and what can be answered.
import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import type { BrowsedImage } from '../../src/protocol/browse';
import type { SuspectLabel } from '../../src/protocol/review';
import { drawBoxes } from '../kit/boxes';
import { fixed } from '../kit/format';
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
  readonly verdict: Verdict | undefined;
  readonly canUndo: boolean;
  readonly decide: (verdict: Verdict) => void;
  readonly undo: () => void;
  readonly open: (file: string) => void;
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

function figureOf({ suspect, image, picture, categories, open }: Detail): TemplateResult {
  const url = picture && 'url' in picture ? picture.url : undefined;
  const reason = picture && 'error' in picture ? picture.error : undefined;
  const draw = (svg: Element | undefined) => {
    if (svg && image && picture && 'url' in picture) drawOwn(svg as SVGSVGElement, suspect, image, picture, categories);
    else svg?.replaceChildren();
  };
  return html`<figure>
    <div class="frame">
      ${url ? html`<img src=${url} alt=${suspect.image} />` : nothing}
      <svg class="boxes" aria-hidden="true" ${ref(draw)}></svg>
      ${reason ? html`<div class="reason">${reason}</div>` : nothing}
    </div>
    <figcaption>
      ${
        image?.file
          ? html`<button class="plain" data-open @click=${() => open(image.file!)}>${suspect.image}</button>`
          : html`<span>${suspect.image}</span>`
      }
    </figcaption>
  </figure>`;
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
