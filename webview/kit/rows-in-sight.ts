// Rows that follow a slider, in a box that scrolls: those in sight move at once, the others when the slider rests or the box is scrolled.
import type { TemplateResult } from 'lit';
import { AsyncDirective, directive } from 'lit/async-directive.js';
import type { ChildPart } from 'lit/directive.js';

/** Rows above and below those in sight that move as well. */
const MARGIN = 2;

/** Milliseconds without a change after which the slider rests. */
const REST = 120;

class RowsInSight extends AsyncDirective {
  private box: HTMLElement | undefined;
  private rows: readonly TemplateResult[] = [];
  /** What each row shows. */
  private shown: TemplateResult[] = [];
  /** [first, last]; null until it was measured. */
  private inSight: readonly [number, number] | null = null;
  private timer: number | undefined;

  override render(rows: readonly TemplateResult[]): unknown {
    return rows;
  }

  override update(part: ChildPart, [rows]: [readonly TemplateResult[]]): unknown {
    this.watch(part.parentNode as Element);
    this.rows = rows;
    const range = this.shown.length === rows.length ? this.inSight : null;
    this.shown = rows.map((row, k) => (range === null || (k >= range[0] && k <= range[1]) ? row : this.shown[k]!));
    clearTimeout(this.timer);
    this.timer = window.setTimeout(this.settle, REST);
    return this.shown;
  }

  override disconnected(): void {
    clearTimeout(this.timer);
    this.box?.removeEventListener('scroll', this.settle);
    this.box = undefined;
  }

  override reconnected(): void {
    this.settle();
  }

  private watch(body: Element): void {
    if (this.box) return;
    this.box = body.closest<HTMLElement>('.scroll') ?? undefined;
    this.box?.addEventListener('scroll', this.settle, { passive: true });
  }

  /** Brings every row up to date and looks which ones are in sight: to measure in the middle of a change would lay out the page twice. */
  private readonly settle = (): void => {
    if (!this.isConnected) return;
    if (this.rows.some((row, k) => row !== this.shown[k])) {
      this.shown = [...this.rows];
      this.setValue(this.shown);
    }
    const { scrollTop = 0, clientHeight = 0, scrollHeight = 0 } = this.box ?? {};
    const perRow = scrollHeight / Math.max(1, this.rows.length);
    // A box without a height is out of sight: it is measured when it is next seen.
    this.inSight =
      perRow > 0 ? [Math.floor(scrollTop / perRow) - MARGIN, Math.ceil((scrollTop + clientHeight) / perRow) + MARGIN] : null;
  };
}

/** @param rows of one table's body; as many as before keep their places */
export const rowsInSight = directive(RowsInSight);
