// What the review panel shows of its list: the filters, the suspect at hand, and what was decided, with the way back.
import { type Decision, labelOf, type SuspectLabel } from '../../src/protocol/review';
import type { Host } from '../kit/host';

export type Verdict = Decision['decision'];

export const STATES = ['open', 'all', 'accept', 'reject', 'skip'] as const;
export const KINDS = ['all', 'missing', 'wrong'] as const;

export interface Filters {
  /** Name of a category; '' for all. */
  readonly category: string;
  readonly kind: (typeof KINDS)[number];
  /** 'open': not decided yet. */
  readonly state: (typeof STATES)[number];
}

export interface ViewState extends Filters {
  page: 'suspects' | 'categories';
  includeUnlabeled: boolean;
}

const FIRST: ViewState = { page: 'suspects', includeUnlabeled: false, category: '', kind: 'all', state: 'open' };

/** What was kept is the window's own: an older version's that lacks something gets that as at first. */
export function firstState({ kept }: Pick<Host<'review'>, 'kept'>): ViewState {
  return { ...FIRST, ...(kept as Partial<ViewState> | undefined) };
}

/** What was decided, label by label. */
export class Decisions {
  private readonly known = new Map<string, Decision>();
  /** The labels in the order in which they were decided here, each with what was decided before. */
  private readonly steps: { readonly suspect: SuspectLabel; readonly before: Decision | undefined }[] = [];

  reset(decisions: readonly Decision[]): void {
    this.known.clear();
    this.steps.length = 0;
    for (const decision of decisions) this.known.set(labelOf(decision), decision);
  }

  of(suspect: SuspectLabel): Verdict | undefined {
    return this.known.get(labelOf(suspect))?.decision;
  }

  /** Answers what is to be kept. */
  decide(suspect: SuspectLabel, decision: Verdict): Decision {
    const { image, category, kind, score } = suspect;
    const made = { image, category, kind, score, decision, date: new Date().toISOString() };
    this.steps.push({ suspect, before: this.known.get(labelOf(suspect)) });
    this.known.set(labelOf(suspect), made);
    return made;
  }

  get canUndo(): boolean {
    return this.steps.length > 0;
  }

  /** Takes the last decision back. Answers its label and what is to be kept of it. */
  undo(): { readonly suspect: SuspectLabel; readonly before: Decision | undefined } | undefined {
    const step = this.steps.pop();
    if (!step) return undefined;
    if (step.before) this.known.set(labelOf(step.suspect), step.before);
    else this.known.delete(labelOf(step.suspect));
    return step;
  }

  /** How many of these suspects were decided, by verdict. */
  count(suspects: readonly SuspectLabel[]): Record<Verdict, number> {
    const counts = { accept: 0, reject: 0, skip: 0 };
    for (const suspect of suspects) {
      const verdict = this.of(suspect);
      if (verdict) counts[verdict]++;
    }
    return counts;
  }
}

/** Those that the filters let through, in the order of the list. */
export function filtered(suspects: readonly SuspectLabel[], filters: Filters, decisions: Decisions): readonly SuspectLabel[] {
  const { category, kind, state } = filters;
  return suspects.filter((suspect) => {
    if (category !== '' && suspect.category !== category) return false;
    if (kind !== 'all' && suspect.kind !== kind) return false;
    if (state === 'all') return true;
    return state === (decisions.of(suspect) ?? 'open');
  });
}
