// Grad-CAM maps of the images that are in sight, asked for one after the other: the host computes each when it is wanted.
import type { ExplainedImage } from '../../src/protocol/windows';

export interface HeatKey {
  readonly file: string;
  readonly category: string;
}

export type Heat = ExplainedImage | { readonly error: string };

/** A map is 7 × 7 numbers. */
const MOST_KEPT = 2000;

const keyOf = ({ file, category }: HeatKey): string => JSON.stringify([file, category]);

export class HeatStore {
  private readonly known = new Map<string, Heat>();
  private wanted: readonly HeatKey[] = [];
  private isBusy = false;

  constructor(
    private readonly ask: (key: HeatKey) => Promise<ExplainedImage>,
    private readonly onChange: () => void,
  ) {}

  /** Undefined while it is not there yet. */
  get(key: HeatKey): Heat | undefined {
    return this.known.get(keyOf(key));
  }

  /** What is in sight, in order. What was asked for before and is not any more is given up, but for the one underway. */
  want(keys: readonly HeatKey[]): void {
    this.wanted = keys;
    void this.work();
  }

  /** Of another model. */
  clear(): void {
    this.known.clear();
  }

  private async work(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    for (let next = this.next(); next; next = this.next()) {
      const heat = await this.ask(next).catch((error: unknown) => ({ error: (error as Error).message }));
      if (this.known.size >= MOST_KEPT) this.known.delete(this.known.keys().next().value!);
      this.known.set(keyOf(next), heat);
      this.onChange();
    }
    this.isBusy = false;
  }

  private next(): HeatKey | undefined {
    return this.wanted.find((key) => !this.known.has(keyOf(key)));
  }
}
