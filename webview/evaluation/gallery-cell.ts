// One image of the gallery: picture with its heat map, verdict, score and names. Elements are filled anew while scrolling.
import type { EvaluatedImage } from '../../src/protocol/windows';
import { fileName, fixed } from '../kit/format';
import { heatWords, layHeat, type ShownHeat } from '../kit/heat-layer';
import { t } from '../kit/l10n';
import { VERDICT_SIGNS, type Verdict, verdictWords } from '../kit/labels';
import type { BehindImage } from '../../src/metrics/behind';

/** Pixels, with gaps; the style sheet has the same. */
export const CELL = { picture: { width: 176, height: 186 }, name: { width: 260, height: 66 } } as const;

const HEAT_SIDE = 256;

export interface CellContent {
  readonly image: EvaluatedImage;
  readonly shown: BehindImage;
  readonly categories: readonly string[];
  /** At or above it a score is a prediction. */
  readonly limit: number;
  readonly heat: ShownHeat;
  /** A report names its images and shows none. */
  readonly withPicture: boolean;
}

interface Parts {
  readonly picture: HTMLImageElement;
  readonly heat: HTMLCanvasElement;
  readonly reason: HTMLElement;
  readonly verdict: HTMLElement;
  readonly labels: HTMLElement;
  readonly name: HTMLElement;
  content: CellContent | undefined;
}

const known = new WeakMap<HTMLElement, Parts>();

export function fillCell(cell: HTMLElement, content: CellContent): void {
  const parts = known.get(cell) ?? build(cell, content.withPicture);
  parts.content = content;
  describe(cell, parts, content);
  if (!content.withPicture) return;
  const { uri } = content.image;
  if (parts.picture.getAttribute('src') !== uri) {
    parts.picture.hidden = uri === '';
    if (uri === '') parts.picture.removeAttribute('src');
    else parts.picture.src = uri;
  }
  showHeat(parts);
}

function build(cell: HTMLElement, withPicture: boolean): Parts {
  const add = <K extends keyof HTMLElementTagNameMap>(parent: Element, name: K, className: string) => {
    const made = parent.appendChild(document.createElement(name));
    made.className = className;
    return made;
  };
  const frame = document.createElement('div');
  frame.className = 'picture';
  if (withPicture) cell.append(frame);
  const picture = add(frame, 'img', '');
  picture.alt = '';
  picture.decoding = 'async';
  const heat = add(frame, 'canvas', 'heat');
  heat.setAttribute('aria-hidden', 'true');
  const parts: Parts = {
    picture,
    heat,
    reason: add(frame, 'div', 'reason'),
    verdict: add(cell, 'div', 'caption verdict'),
    labels: add(cell, 'div', 'caption'),
    name: add(cell, 'div', 'caption quiet'),
    content: undefined,
  };
  // A map has the shape of its picture, which is known once that is there.
  picture.addEventListener('load', () => showHeat(parts));
  known.set(cell, parts);
  return parts;
}

function describe(cell: HTMLElement, { verdict, labels, name }: Parts, { image, shown, categories, limit }: CellContent): void {
  const word = verdictOf(image.labels.includes(shown.category), shown.score >= limit);
  const category = categories[shown.category] ?? '';
  say(verdict, `${VERDICT_SIGNS[word]} ${fixed(shown.score, 2)} ${category}`.trim());
  verdict.dataset.verdict = word;
  const words = image.labels.map((c) => categories[c]).join(', ') || t('no label');
  say(labels, words);
  say(name, fileName(image.file));
  cell.title = [image.file, `${category} ${fixed(shown.score, 3)} ${verdictWords(word)}`.trim(), words].join('\n');
}

/** What is said already is not laid out anew. */
function say(element: HTMLElement, words: string): void {
  if (element.textContent !== words) element.textContent = words;
}

function verdictOf(isTrue: boolean, isPredicted: boolean): Verdict {
  if (isTrue) return isPredicted ? 'hit' : 'miss';
  return isPredicted ? 'false alarm' : 'none';
}

function showHeat({ picture, heat: canvas, reason, content }: Parts): void {
  say(reason, heatWords(content?.heat));
  layHeat(picture, canvas, content?.heat, HEAT_SIDE);
}
