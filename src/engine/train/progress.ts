// How training is told: points as they come, a few times a second, with speed and time left; the history file gains the same lines.
import type { HistoryPoint, TrainEvent } from '../../protocol/messages';
import type { Schedule, StepTime } from './loop';

export interface ProgressTeller {
  add(point: HistoryPoint): void;
  /** Told how long a step took. */
  took(time: StepTime): void;
  /** Points of an earlier session, for whoever draws curves. */
  replay(points: readonly HistoryPoint[]): void;
  /** Waits until the history file has every point. */
  flush(): Promise<void>;
  /** Images a second of the training steps alone, with the wait for their images, without validation and checkpoints. */
  speed(): number;
  /** Share of the same time in which steps waited for their images, 0..1. */
  idleShare(): number;
}

const INTERVAL_MS = 200;

export function progressTeller(
  { batchSize, total }: Schedule,
  emit: (event: TrainEvent) => void,
  append: (points: readonly HistoryPoint[]) => Promise<void>,
): ProgressTeller {
  let waiting: HistoryPoint[] = [];
  let written = Promise.resolve();
  let told = 0;
  let steps = 0;
  let milliseconds = 0;
  let waited = 0;
  const speed = () => (steps === 0 ? 0 : (1000 * steps * batchSize) / milliseconds);
  const idleShare = () => (steps === 0 ? 0 : waited / milliseconds);

  const tell = (points: readonly HistoryPoint[]) => {
    const last = points.at(-1);
    if (!last) return;
    const imagesPerSecond = speed();
    const secondsLeft = imagesPerSecond > 0 ? ((total - last.iteration) * batchSize) / imagesPerSecond : 0;
    emit({ kind: 'points', points, totalIterations: total, imagesPerSecond, idleShare: idleShare(), secondsLeft });
    told = performance.now();
  };
  const flush = (): Promise<void> => {
    const points = waiting;
    waiting = [];
    if (points.length > 0) {
      tell(points);
      written = written.then(() => append(points));
      written.catch(() => undefined);
    }
    return written;
  };
  return {
    took: (time) => {
      steps++;
      milliseconds += time.whole;
      waited += time.waited;
    },
    add: (point) => {
      waiting.push(point);
      if (performance.now() - told >= INTERVAL_MS) void flush();
    },
    replay: tell,
    flush,
    speed,
    idleShare,
  };
}
