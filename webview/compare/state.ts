// What the comparison keeps of itself, and what its cards are drawn from.
import type { CompareResult, ComparedRun } from '../../src/protocol/compare';
import type { ComparisonData } from '../../src/protocol/windows';
import type { Host } from '../kit/host';
import type { Sorting } from '../kit/table';

export const SWEPT = ['f1', 'precision', 'recall', 'jaccard'] as const;
export const LOSSES = ['validation', 'training'] as const;

export interface ViewState {
  /** Folder of the run that the others are compared with; '' for the window's first. */
  first: string;
  /** For all runs; null for each one's own. */
  threshold: number | null;
  /** Folder of the run whose categories are shown; '' for the first that is compared. */
  shown: string;
  measure: 'ap' | 'f1';
  sorting: Sorting;
  search: string;
  /** Only categories whose difference can be told from chance. */
  certain: boolean;
  swept: (typeof SWEPT)[number];
  loss: (typeof LOSSES)[number];
  readonly tables: Set<string>;
}

/** The column of the differences in the table of categories. */
export const DIFFERENCE = 4;

const FIRST: Omit<ViewState, 'tables'> = {
  first: '',
  threshold: null,
  shown: '',
  measure: 'ap',
  sorting: { column: DIFFERENCE, descending: true },
  search: '',
  certain: false,
  swept: 'f1',
  loss: 'validation',
};

/** What was kept is the window's own: an older version's that lacks something gets that as at first. */
export function firstState({ kept }: Pick<Host<'compare'>, 'kept'>): ViewState {
  return { ...FIRST, ...(kept as Partial<ViewState> | undefined), tables: new Set() };
}

/** Which tables are open is not kept, as in the other panels. */
export function keptOf(state: ViewState): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(state).filter(([name]) => name !== 'tables'));
}

export interface Panel {
  readonly data: ComparisonData;
  readonly state: ViewState;
  readonly change: (change: Partial<ViewState>) => void;
  readonly toggle: (name: string) => void;
  readonly host: Host<'compare'>;
}

/** What a card of numbers is drawn from. Runs stand in the order of the window, so that each keeps its colour whatever it is compared with. */
export interface Judged extends Panel {
  readonly result: CompareResult;
  readonly runs: readonly ComparedRun[];
}

export function judgedOf(panel: Panel, result: CompareResult): Judged {
  const runs = panel.data.runs.flatMap(({ folder }) => result.runs.find(({ run }) => run === folder) ?? []);
  return { ...panel, result, runs };
}

export const isFirst = ({ result }: Judged, { run }: ComparedRun): boolean => run === result.runs[0]!.run;

/** What a legend has room for, of `many` names; of long ones beginning and end, by which names with dates differ. */
export function shortName(name: string, many: number): string {
  const most = Math.min(40, Math.floor((750 / many - 42) / 6.5));
  if (name.length <= most) return name;
  const head = Math.floor((most - 1) / 3);
  return `${name.slice(0, head)}…${name.slice(name.length - (most - 1 - head))}`;
}
