// Asks for labels before the person does: of the images beside the one in front, so that they stand there when one of them is opened.
import { setTimeout } from 'node:timers/promises';
import { imagesBeside } from './beside';
import type { Labels } from './labels';
import { setting } from './settings';

/** Until then VS Code still makes the editor of the image in front. */
const REST_MS = 300;

/** @param file an image whose own labels are known @param signal aborted once another one is in front, or none */
export async function askAhead(labels: Labels, file: string, signal: AbortSignal): Promise<void> {
  if (!setting('engine.startEarly')) return;
  await setTimeout(REST_MS, undefined, { signal }).catch(() => undefined);
  if (signal.aborted) return;
  for (const beside of await imagesBeside(file)) {
    if (!signal.aborted) await labels.of(beside, () => undefined, signal);
  }
}
