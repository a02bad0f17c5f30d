// Grad-CAM maps of the images that are in sight, asked for one after the other: the host computes each when it is wanted.
import type { ExplainedImage } from '../../src/protocol/windows';

/** A map, or why there is none. */
export type Heat<M extends ExplainedImage = ExplainedImage> = M | { readonly error: string };

/** A map is 7 × 7 numbers. */
const MOST_KEPT = 2000;

/** `K`: what is asked for, always with its properties in the same order. */
export class HeatStore<K extends object, M extends ExplainedImage = ExplainedImage> {
  private known = new Map<string, Heat<M>>();
  private wanted: readonly K[] = [];
  private isBusy = false;

  constructor(
    private readonly ask: (key: K) => Promise<M>,
    private readonly onChange: () => void,
  ) {}

  /** Undefined while it is not there yet. */
  get(key: K): Heat<M> | undefined {
    return this.known.get(JSON.stringify(key));
  }

  /** What is in sight, in order. What was asked for before and is not any more is given up, but for the one underway. */
  want(keys: readonly K[]): void {
    this.wanted = keys;
    void this.work();
  }

  /** Other models have other maps, and the one underway is not theirs. */
  clear(): void {
    this.known = new Map();
  }

  private async work(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    for (let next = this.next(); next; next = this.next()) {
      const { known } = this;
      const heat = await this.ask(next).catch((error: unknown) => ({ error: (error as Error).message }));
      if (known.size >= MOST_KEPT) known.delete(known.keys().next().value!);
      known.set(JSON.stringify(next), heat);
      this.onChange();
    }
    this.isBusy = false;
  }

  private next(): K | undefined {
    return this.wanted.find((key) => !this.known.has(JSON.stringify(key)));
  }
}
