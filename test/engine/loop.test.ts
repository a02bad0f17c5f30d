// The training loop by itself, on a learner whose arithmetic is known: order, patience, checkpoints, stopping and going on.
import { describe, expect, it, vi } from 'vitest';
import type { Batch, Examples } from '../../src/engine/examples';
import { recipeWith } from '../../src/engine/recipes';
import { lastTold, type Progress, START } from '../../src/engine/train/checkpoint';
import type { Learner } from '../../src/engine/train/learner';
import { type LoopOptions, type LoopResult, scheduleOf, type StepTime, trainLoop } from '../../src/engine/train/loop';
import type { HistoryPoint } from '../../src/protocol/messages';
import type { Recipe } from '../../src/protocol/recipe';
import { float32 } from '../support/graphs';

const IMAGES = 10;

interface Trial {
  readonly recipe?: Partial<Recipe>;
  /** Validation losses by evaluation; later ones repeat the last. */
  readonly losses?: readonly number[];
  readonly start?: Progress;
  readonly seed?: number;
  /** Called before each evaluation. */
  readonly beforeEvaluation?: (evaluation: number) => void;
  readonly onStep?: (iteration: number) => void;
  /** Steps that the learner takes at once. */
  readonly atOnce?: number;
  /** Called before each batch is drawn for training. */
  readonly onDraw?: () => void;
  readonly signal?: AbortSignal;
}

interface Outcome extends LoopResult {
  readonly points: HistoryPoint[];
  readonly drawn: (readonly number[])[];
  readonly bestAt: number[];
  readonly checkpoints: Progress[];
  readonly times: StepTime[];
  /** Steps of each call of the learner. */
  readonly calls: number[];
}

async function loop(trial: Trial = {}): Promise<Outcome> {
  const { losses = [1], start = START, beforeEvaluation = () => undefined, signal = new AbortController().signal } = trial;
  const recipe: Recipe = {
    ...recipeWith('matlab-example', {}),
    epochs: 3,
    batchSize: 4,
    validationFrequency: 2,
    ...trial.recipe,
  };
  const told: Omit<Outcome, keyof LoopResult> = { points: [], drawn: [], bestAt: [], checkpoints: [], times: [], calls: [] };
  let evaluations = 0;
  let steps = start.iteration;
  const learner: Learner = {
    atOnce: trial.atOnce ?? 1,
    steps: (given) => {
      told.calls.push(given.length);
      const losses = given.map(({ batch }) => {
        told.drawn.push([...batch.labels.data]);
        steps++;
        trial.onStep?.(steps);
        return 1 / steps;
      });
      return Promise.resolve(losses);
    },
    logits: () => Promise.reject(new Error('nobody asks the loop for logits')),
    evaluate: (_, stop) =>
      Promise.resolve().then(() => {
        beforeEvaluation(evaluations);
        stop.throwIfAborted();
        return losses[Math.min(evaluations++, losses.length - 1)]!;
      }),
    state: () => Promise.resolve({}),
    release: () => Promise.resolve(),
  };
  const options: LoopOptions = {
    recipe,
    seed: trial.seed ?? 5,
    start,
    signal,
    onStep: (time) => told.times.push(time),
    onPoint: (point) => told.points.push(point),
    onBest: () => Promise.resolve(void told.bestAt.push(steps)),
    onCheckpoint: (progress) => Promise.resolve(void told.checkpoints.push(progress)),
    gate: { closed: false, opened: () => Promise.resolve() },
    onPaused: () => Promise.resolve(),
  };
  return { ...(await trainLoop(learner, rowsAsLabels(trial.onDraw), rowsAsLabels(), options)), ...told };
}

/** Examples whose labels are their row numbers and whose epoch is their input. */
function rowsAsLabels(onDraw: () => void = () => undefined): Examples {
  const batch = ({ rows, epoch }: { rows: readonly number[]; epoch?: number }): Promise<Batch> => {
    onDraw();
    return Promise.resolve({ input: float32([1], [epoch ?? 0]), labels: float32([rows.length], rows) });
  };
  return { count: IMAGES, batch };
}

describe('scheduleOf', () => {
  it.each([
    [{ batchSize: 4, epochs: 3, maxIterations: 0 }, 10, { batchSize: 4, perEpoch: 2, total: 6 }],
    [{ batchSize: 32, epochs: 3, maxIterations: 0 }, 10, { batchSize: 10, perEpoch: 1, total: 3 }],
    [{ batchSize: 5, epochs: 3, maxIterations: 4 }, 10, { batchSize: 5, perEpoch: 2, total: 4 }],
    [{ batchSize: 5, epochs: 3, maxIterations: 99 }, 10, { batchSize: 5, perEpoch: 2, total: 6 }],
  ])('of %j with %i images', (settings, images, expected) => {
    expect(scheduleOf({ ...recipeWith('quick', {}), ...settings }, images)).toEqual(expected);
  });
});

describe('trainLoop', () => {
  it('keeps what it has by the time that has passed, also where the clock is set back', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    try {
      // Ten seconds a step; after the second one somebody sets the clock back by a day.
      const onStep = (iteration: number) => {
        vi.advanceTimersByTime(10_000);
        if (iteration === 2) vi.setSystemTime(Date.now() - 86_400_000);
      };
      const { checkpoints } = await loop({ recipe: { checkpointFrequency: 1, checkpointSeconds: 20 }, onStep });
      expect(checkpoints.map(({ iteration }) => iteration)).toEqual([2, 4, 6]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('sees every image at most once an epoch, in another order each', async () => {
    const { drawn } = await loop();
    expect(drawn).toHaveLength(6);
    const epochs = [0, 2, 4].map((k) => [...drawn[k]!, ...drawn[k + 1]!]);
    for (const rows of epochs) expect(new Set(rows).size).toBe(8);
    expect(new Set(epochs.map(String)).size).toBe(3);
    expect((await loop()).drawn).toEqual(drawn);
    expect((await loop({ seed: 6 })).drawn).not.toEqual(drawn);
  });

  it('draws the next batch while a step is on its way, and tells the time of each', async () => {
    const order: string[] = [];
    const { times } = await loop({ recipe: { epochs: 2 }, onDraw: () => order.push('draw'), onStep: () => order.push('step') });
    expect(order).toEqual(['draw', 'step', 'draw', 'step', 'draw', 'step', 'draw', 'step']);
    expect(times).toHaveLength(4);
    for (const { whole, waited } of times) expect(0 < waited && waited < whole).toBe(true);
  });

  it('gives a learner as many steps at once as it takes, but never past a validation, and tells the same', async () => {
    const recipe = { epochs: 8, validationFrequency: 6, checkpointFrequency: 1, checkpointSeconds: 0 };
    const singly = await loop({ recipe });
    const together = await loop({ recipe, atOnce: 4 });
    expect(together.calls).toEqual([4, 2, 4, 2, 4]);
    expect([together.points, together.drawn, together.progress]).toEqual([singly.points, singly.drawn, singly.progress]);
    expect(together.times).toHaveLength(16);
    expect(together.checkpoints.map(({ iteration }) => iteration)).toEqual([4, 6, 10, 12, 16]);
    const rest = await loop({ recipe, atOnce: 4, start: together.checkpoints[0]! });
    expect(rest.drawn).toEqual(singly.drawn.slice(4));
  });

  it('validates at the frequency and at the end, and tells every step once and in order', async () => {
    const { points, stopped, progress } = await loop({ recipe: { validationFrequency: 4 }, losses: [3, 2] });
    expect(points.map(({ iteration, epoch }) => [iteration, epoch])).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 2],
      [5, 3],
      [6, 3],
    ]);
    expect(points.map(({ validationLoss }) => validationLoss)).toEqual([undefined, undefined, undefined, 3, undefined, 2]);
    expect(stopped).toBe('epochs');
    expect(progress).toEqual({ iteration: 6, best: { iteration: 6, validationLoss: 2 }, evaluationsSinceBest: 0 });
  });

  it('stops when the validation loss has not improved in so many evaluations; an equal loss is no improvement', async () => {
    const trial = { recipe: { epochs: 50, validationPatience: 3 }, losses: [5, 4, 4, 6, 4] };
    const { stopped, progress, bestAt } = await loop(trial);
    expect(stopped).toBe('patience');
    expect(progress).toEqual({ iteration: 10, best: { iteration: 4, validationLoss: 4 }, evaluationsSinceBest: 3 });
    expect(bestAt).toEqual([2, 4]);
    expect((await loop({ ...trial, recipe: { epochs: 50, validationPatience: 0 } })).stopped).toBe('epochs');
  });

  it('stops after the iterations asked for', async () => {
    const { stopped, points } = await loop({ recipe: { maxIterations: 5 } });
    expect([stopped, points.length]).toEqual(['iterations', 5]);
    expect(points.at(-1)!.validationLoss).toBe(1);
  });

  it('rises in even steps while it warms up, then falls along the cosine', async () => {
    const rates = async (recipe: Partial<Recipe>) =>
      (await loop({ recipe: { learnRate: 1, epochs: 5, ...recipe } })).points.map(({ learnRate }) =>
        Number(learnRate.toFixed(6)),
      );
    expect((await rates({ warmup: 3 })).slice(0, 5)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    const cosine = await rates({ warmup: 4, learnRateSchedule: 'cosine' });
    const plain = await rates({ epochs: 3, learnRateSchedule: 'cosine' });
    expect(cosine).toEqual([0.2, 0.4, 0.6, 0.8, ...plain]);
  });

  it('keeps checkpoints by iterations, and none before their time', async () => {
    const often = await loop({ recipe: { checkpointFrequency: 2, checkpointSeconds: 0 } });
    expect(often.checkpoints.map(({ iteration }) => iteration)).toEqual([2, 4, 6]);
    expect((await loop({ recipe: { checkpointFrequency: 2, checkpointSeconds: 1e6 } })).checkpoints).toEqual([]);
  });

  it('goes on from any checkpoint as if it had never stopped', async () => {
    const recipe = { epochs: 6, checkpointFrequency: 1, checkpointSeconds: 0, validationPatience: 0 };
    const whole = await loop({ recipe });
    for (const start of whole.checkpoints) {
      const rest = await loop({ recipe, start });
      expect(rest.drawn).toEqual(whole.drawn.slice(start.iteration));
      expect(rest.points.map(({ iteration }) => iteration)).toEqual(whole.points.slice(start.iteration).map((p) => p.iteration));
      expect(rest.progress.iteration).toBe(whole.progress.iteration);
    }
  });

  it('stops after a step where a person asks, and has kept what it had', async () => {
    const stop = new AbortController();
    const found = await loop({ signal: stop.signal, onStep: (iteration) => iteration === 3 && stop.abort() });
    expect([found.stopped, found.progress.iteration, found.points.length]).toEqual(['person', 3, 3]);
    expect(found.checkpoints).toEqual([found.progress]);
  });

  it('stopped during a validation, it does that validation first when it goes on', async () => {
    const stop = new AbortController();
    const losses = [3, 2, 2.5];
    const whole = await loop({ losses });
    const first = await loop({ losses, signal: stop.signal, beforeEvaluation: (k) => k === 1 && stop.abort() });
    expect([first.stopped, first.progress.iteration, first.points.length]).toEqual(['person', 4, 3]);
    expect(first.progress.pending).toMatchObject({ iteration: 4 });
    expect(lastTold(first.progress)).toBe(3);
    const rest = await loop({ losses: losses.slice(1), start: first.progress });
    expect([...first.points, ...rest.points]).toEqual(whole.points);
    expect(rest.progress).toEqual(whole.progress);
    expect(lastTold(rest.progress)).toBe(6);
  });

  it.each([NaN, Infinity])('ends with training-diverged where the validation loss is %d', async (loss) => {
    await expect(loop({ losses: [1, loss] })).rejects.toMatchObject({
      code: 'training-diverged',
      message: expect.stringMatching(/iteration 4\. .*--set learnRate=/) as string,
    });
  });
});
