// Rows, or other elements one under the other, that follow a slider: those in sight move at once, the others when the slider rests or they come into
// sight.
import type { TemplateResult } from 'lit';
import { AsyncDirective, directive } from 'lit/async-directive.js';
import type { ChildPart } from 'lit/directive.js';

/** What a row shows, made where it is drawn. */
export type LazyRow = () => TemplateResult;

/** Milliseconds without a change after which the slider rests. */
const REST = 120;

/** What has moved under the slider's own bar, which stays at the top of the window and is at least so high, is not in sight. */
const UNDER_BAR = '-40px 0px 0px 0px';

class RowsInSight extends AsyncDirective {
  private body: Element | undefined;
  private rows: readonly LazyRow[] = [];
  /** What each row shows. */
  private shown: TemplateResult[] = [];
  /** Whether rows out of sight show what was. */
  private isBehind = false;
  /** Elements of the rows that lie in their box and in the window, as far as is known: new ones do until they are seen not to. */
  private readonly inSight = new Set<Element>();
  private watched: readonly Element[] = [];
  private timer: number | undefined;
  private readonly observer = new IntersectionObserver((entries) => this.see(entries), { root: document, rootMargin: UNDER_BAR });

  override render(rows: readonly LazyRow[]): unknown {
    return rows.map((row) => row());
  }

  override update(part: ChildPart, [rows]: [readonly LazyRow[]]): unknown {
    this.body = part.parentNode as Element;
    this.rows = rows;
    this.drawInSight();
    // The elements are there when this is drawn.
    if (rows.length !== this.watched.length) queueMicrotask(this.watch);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(this.settle, REST);
    return this.shown;
  }

  override disconnected(): void {
    clearTimeout(this.timer);
    this.observer.disconnect();
    this.inSight.clear();
    this.watched = [];
  }

  override reconnected(): void {
    this.settle();
  }

  private drawInSight(): void {
    const { rows, shown, watched, inSight } = this;
    const isPassedOver = (k: number) => k < shown.length && k < watched.length && !inSight.has(watched[k]!);
    this.isBehind = rows.some((_, k) => isPassedOver(k));
    this.shown = rows.map((row, k) => (isPassedOver(k) ? shown[k]! : row()));
  }

  private see(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.inSight.add(target);
      else this.inSight.delete(target);
    }
    if (!this.isBehind || !this.isConnected || !entries.some(({ isIntersecting }) => isIntersecting)) return;
    this.drawInSight();
    this.setValue(this.shown);
  }

  /** Brings every row up to date. */
  private readonly settle = (): void => {
    if (!this.isConnected) return;
    if (this.isBehind) {
      this.isBehind = false;
      this.shown = this.rows.map((row) => row());
      this.setValue(this.shown);
    }
    this.watch();
  };

  private readonly watch = (): void => {
    if (!this.isConnected) return;
    const elements = [...(this.body?.children ?? [])];
    const before = new Set(this.watched);
    this.watched = elements;
    for (const element of elements) {
      if (before.delete(element)) continue;
      this.inSight.add(element);
      this.observer.observe(element);
    }
    for (const gone of before) {
      this.observer.unobserve(gone);
      this.inSight.delete(gone);
    }
  };
}

/** @param rows each one element, the only ones in theirs; as many as before keep their places */
export const rowsInSight = directive(RowsInSight);
