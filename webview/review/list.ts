// One suspect as a line of the list. Elements are filled anew while scrolling.
import type { SuspectLabel } from '../../src/protocol/review';
import { fixed } from '../kit/format';
import { t } from '../kit/l10n';
import type { Verdict } from './state';

/** Pixels. */
export const LINE_HEIGHT = 46;

const SIGNS: Readonly<Record<Verdict, string>> = { accept: '✓', reject: '✗', skip: '…' };

export function verdictWord(verdict: Verdict): string {
  const words: Record<Verdict, string> = { accept: t('accepted'), reject: t('rejected'), skip: t('skipped') };
  return words[verdict];
}

export function kindWord(kind: SuspectLabel['kind']): string {
  return kind === 'missing' ? t('missing?') : t('wrong?');
}

export function fillLine(cell: HTMLElement, suspect: SuspectLabel, verdict: Verdict | undefined, isChosen: boolean): void {
  const parts = partsOf(cell);
  cell.setAttribute('aria-selected', String(isChosen));
  cell.classList.toggle('chosen', isChosen);
  parts.sign.textContent = verdict ? SIGNS[verdict] : '';
  parts.sign.title = verdict ? verdictWord(verdict) : '';
  parts.name.textContent = suspect.category;
  parts.kind.textContent = kindWord(suspect.kind);
  parts.score.textContent = fixed(suspect.score, 2);
  parts.image.textContent = suspect.image;
  parts.verdict.textContent = verdict ? verdictWord(verdict) : '';
  cell.title = suspect.image;
}

type Part = 'sign' | 'name' | 'kind' | 'score' | 'image' | 'verdict';
const known = new WeakMap<HTMLElement, Readonly<Record<Part, HTMLElement>>>();

function partsOf(cell: HTMLElement): Readonly<Record<Part, HTMLElement>> {
  const before = known.get(cell);
  if (before) return before;
  cell.classList.add('line');
  const add = (name: Part) => {
    const made = cell.appendChild(document.createElement('span'));
    made.className = name;
    return made;
  };
  const parts = {
    ...{ sign: add('sign'), name: add('name'), kind: add('kind'), score: add('score'), image: add('image') },
    verdict: add('verdict'),
  };
  parts.sign.setAttribute('aria-hidden', 'true');
  parts.verdict.classList.add('hidden-text');
  known.set(cell, parts);
  return parts;
}
