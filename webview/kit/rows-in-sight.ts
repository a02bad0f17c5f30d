// Rows that follow a slider, in a box that scrolls: those in sight move at once, the others when the slider rests or they come into sight.
import type { TemplateResult } from 'lit';
import { AsyncDirective, directive } from 'lit/async-directive.js';
import type { ChildPart } from 'lit/directive.js';

/** What a row shows, made where it is drawn. */
export type LazyRow = () => TemplateResult;

/** Milliseconds without a change after which the slider rests. */
const REST = 120;

class RowsInSight extends AsyncDirective {
  private body: Element | undefined;
  private rows: readonly LazyRow[] = [];
  /** What each row shows. */
  private shown: TemplateResult[] = [];
  /** Whether rows out of sight show what was. */
  private isBehind = false;
  /** Elements of the rows that lie in their box and in the window. Others are not known to be in sight before they are watched. */
  private readonly inSight = new Set<Element>();
  private watched: readonly Element[] = [];
  private timer: number | undefined;
  private readonly observer = new IntersectionObserver((entries) => this.see(entries));

  override render(rows: readonly LazyRow[]): unknown {
    return rows.map((row) => row());
  }

  override update(part: ChildPart, [rows]: [readonly LazyRow[]]): unknown {
    this.body = part.parentNode as Element;
    this.rows = rows;
    const { watched, shown } = this;
    const isWatched = watched.length === rows.length && shown.length === rows.length;
    this.shown = rows.map((row, k) => (!isWatched || this.inSight.has(watched[k]!) ? row() : shown[k]!));
    this.isBehind = isWatched;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(this.settle, REST);
    return this.shown;
  }

  override disconnected(): void {
    clearTimeout(this.timer);
    this.observer.disconnect();
    this.watched = [];
  }

  override reconnected(): void {
    this.settle();
  }

  private see(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.inSight.add(target);
      else this.inSight.delete(target);
    }
    if (entries.some(({ isIntersecting }) => isIntersecting)) this.settle();
  }

  /** Brings every row up to date, and watches them all. */
  private readonly settle = (): void => {
    if (!this.isConnected) return;
    if (this.isBehind) {
      this.isBehind = false;
      this.shown = this.rows.map((row) => row());
      this.setValue(this.shown);
    }
    const elements = [...(this.body?.children ?? [])];
    if (elements.length === this.watched.length && elements.every((one, k) => one === this.watched[k])) return;
    this.observer.disconnect();
    this.inSight.clear();
    this.watched = elements;
    for (const element of elements) this.observer.observe(element);
  };
}

/** @param rows of one table's body; as many as before keep their places */
export const rowsInSight = directive(RowsInSight);
