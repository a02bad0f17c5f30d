// What the dataset panel keeps of itself: which page, which images in which order, and how the charts are set.
import type { ImageOrder } from '../../src/protocol/browse';
import type { BrowseQuery } from '../../src/protocol/windows';
import type { Host } from '../kit/host';
import type { Sorting } from '../kit/table';
import type { Measure } from './measures';

export type CategoryOrder = 'images' | 'annotations' | 'file' | 'name';
export type Severity = 'all' | 'error' | 'warning' | 'info';

export interface ViewState {
  page: 'report' | 'images';
  query: BrowseQuery;
  withBoxes: boolean;
  /** First image in sight. */
  first: number;
  unit: 'images' | 'annotations';
  categoryOrder: CategoryOrder;
  /** A part of the names of the categories that are shown. */
  search: string;
  measure: Measure;
  severity: Severity;
  pairSorting: Sorting;
  readonly tables: Set<string>;
}

export interface Actions {
  readonly change: (change: Partial<ViewState>) => void;
  readonly toggle: (table: string) => void;
  /** Shows the images that a query lets through; what it does not say is as at first. */
  readonly show: (query: Partial<BrowseQuery>) => void;
}

export const EVERYTHING: BrowseQuery = { filter: {}, finding: null, order: 'file', descending: false };

export const ORDERS: readonly ImageOrder[] = ['file', 'name', 'labels', 'boxes', 'size'];

const FIRST: Omit<ViewState, 'tables'> = {
  page: 'report',
  query: EVERYTHING,
  withBoxes: true,
  first: 0,
  unit: 'images',
  categoryOrder: 'images',
  search: '',
  measure: 'count',
  severity: 'all',
  pairSorting: { column: 1, descending: true },
};

/** What was kept is the window's own: an older version's that lacks something gets that as at first. */
export function firstState({ kept }: Host<'dataset'>): ViewState {
  return { ...FIRST, ...(kept as Partial<ViewState> | undefined), tables: new Set() };
}

/** Which tables are open is not kept, as in the other panels. */
export function keptOf(state: ViewState): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(state).filter(([name]) => name !== 'tables'));
}
