// Asks for labels before the person does: of the images around the one in front, so that they stand there when one of them is opened.
import { setTimeout } from 'node:timers/promises';
import { imagesBeside } from './beside';
import type { Labels } from './labels';

/** Until then VS Code still makes the editor of the image in front. */
const REST_MS = 300;
/** Images on either side: of what an Explorer shows at once, the half that is nearest. All of them are a second of two cores' work, once. */
const REACH = 8;

interface Ahead {
  /** Asks for those beside an image whose own labels are known, once it has been in front for a moment. */
  beside(file: string): Promise<void>;
  /** Another image is in front, or none: what was asked is given up, but the answer for that image itself, which is on its way. */
  leave(file: string | undefined): void;
}

export function asksAhead(labels: Pick<Labels, 'of'>, isWanted: () => boolean): Ahead {
  let round = new AbortController();
  let asked: { readonly file: string; readonly stop: AbortController } | undefined;
  return {
    beside: async (file) => {
      if (!isWanted()) return;
      round = new AbortController();
      const { signal } = round;
      await setTimeout(REST_MS, undefined, { signal }).catch(() => undefined);
      for (const beside of signal.aborted ? [] : await imagesBeside(file, REACH)) {
        if (signal.aborted) return;
        const stop = new AbortController();
        asked = { file: beside, stop };
        await labels.of(beside, () => undefined, stop.signal);
      }
    },
    leave: (file) => {
      round.abort();
      if (asked?.file !== file) asked?.stop.abort();
    },
  };
}
