// `npm run bench -- predict RUN IMAGE`: from asking for an image's labels to having them, with and without a running engine.
import { join, resolve } from 'node:path';
import { engineClient } from '../src/engine/client/engine';
import { UsageError } from './cases';

const ROUNDS = 5;
const WARM = 20;

/** Milliseconds, medians: a cold engine (start, model, image), then the same image again, then its first and its next Grad-CAM map. */
export async function benchPredict([model, image]: readonly string[]): Promise<string[]> {
  if (model === undefined || image === undefined)
    throw new UsageError('predict needs RUN and IMAGE: labelscope-runs/… and an image file.');
  const files = [resolve(image)];
  const times = { cold: [] as number[], warm: [] as number[], firstMap: [] as number[], nextMap: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const engine = engineClient({ script: join(__dirname, 'engine.js'), onLog: () => undefined });
    const predict = () => engine.request('predict', { model: resolve(model), files, device: 'cpu' });
    const explain = () =>
      engine.request('explain', { model: resolve(model), files, device: 'cpu', colormap: 'jet', opacity: 0.5 });
    times.cold.push(await took(predict));
    for (let k = 0; k < WARM; k++) times.warm.push(await took(predict));
    times.firstMap.push(await took(explain));
    for (let k = 0; k < WARM; k++) times.nextMap.push(await took(explain));
    await engine.stop();
  }
  const names = {
    cold: 'labels, engine not running',
    warm: 'labels, engine running',
    firstMap: 'first Grad-CAM map',
    nextMap: 'further Grad-CAM maps',
  };
  return Object.entries(names).map(
    ([key, name]) =>
      `${name.padEnd(28)} ${median(times[key as keyof typeof times])
        .toFixed(0)
        .padStart(6)} ms`,
  );
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
