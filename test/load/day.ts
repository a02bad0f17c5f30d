// The study of a day: a run with the iterations, validations, checkpoints and onlookers of 24 hours, at the speed that a small network allows.
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineClient } from '../../src/engine/client/engine';
import { joinRun } from '../../src/engine/client/run';
import { TEMPORARY } from '../../src/engine/client/atomic';
import { readCheckpoint } from '../../src/engine/train/checkpoint';
import { readModel } from '../../src/onnx/files';
import type { HistoryPoint, TrainEvent } from '../../src/protocol/messages';
import { isAlive } from '../support/process';
import { ENGINE, trainParams } from '../support/tiny';
import { memoryOf, type Trend, trendOf } from './memory';

export interface DayOptions {
  /** Holds the run. */
  readonly folder: string;
  readonly annotations: string;
  readonly backbone: string;
  readonly iterations: number;
  /** A day has 2880, one each half minute. */
  readonly checkpoints: number;
  /** Windows that come, look at all that was told so far, and go. */
  readonly visits: number;
  readonly say?: (line: string) => void;
}

export interface DayReport {
  readonly iterations: number;
  /** Iterations from one checkpoint to the next. */
  readonly interval: number;
  readonly visits: number;
  readonly milliseconds: number;
  /** Of the engine, in MiB; undefined where the system does not tell. */
  readonly memory: Trend | undefined;
  readonly historyBytes: number;
  readonly faults: readonly string[];
}

export async function dayStudy(options: DayOptions): Promise<DayReport> {
  const { folder, annotations, backbone, iterations, checkpoints, visits, say } = options;
  const run = join(folder, 'day');
  const faults: string[] = [];
  await mkdir(folder, { recursive: true });
  const engine = engineClient({ script: ENGINE, onLog: () => undefined });
  const told: number[] = [];
  const readings: (number | undefined)[] = [];
  let visited = 0;
  let visiting: Promise<unknown> = Promise.resolve();
  const onProgress = (event: TrainEvent) => {
    if (event.kind !== 'points') return;
    told.push(...event.points.map(({ iteration }) => iteration));
    readings.push(memoryOf(engine.pid!));
    if (told.length < (visited * iterations) / visits) return;
    say?.(`iteration ${told.length} of ${iterations}`);
    visited++;
    visiting = visiting.then(() => visit(run, faults));
  };
  const interval = Math.max(1, Math.floor(iterations / checkpoints));
  const set = {
    epochs: '100000',
    maxIterations: String(iterations),
    batchSize: '8',
    validationFrequency: '100',
    validationPatience: '0',
    checkpointFrequency: String(interval),
    checkpointSeconds: '0',
  };
  const began = performance.now();
  const result = await engine.request('train', trainParams(annotations, backbone, run, { set }), { onProgress });
  const milliseconds = performance.now() - began;
  await visiting;
  const pid = engine.pid!;
  await engine.stop();
  if (isAlive(pid)) faults.push('the process did not end');
  if (result.iterations !== iterations) faults.push(`${result.iterations} iterations, not ${iterations}`);
  const history = await readFile(join(run, 'history.jsonl'), 'utf8');
  const written = history
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as HistoryPoint).iteration);
  if (!isWhole(written, iterations)) faults.push('the history has gaps or repetitions');
  if (!isWhole(told, iterations)) faults.push('points were told twice or not at all');
  const { progress } = await readCheckpoint(join(run, 'checkpoint', 'state.safetensors'));
  if (iterations - progress.iteration >= interval) faults.push(`the last checkpoint is that of iteration ${progress.iteration}`);
  await readModel(join(run, 'model.onnx'));
  const names = await readdir(run, { recursive: true });
  faults.push(...names.filter((name) => TEMPORARY.test(name)).map((name) => `left behind: ${name}`));
  const known = readings.filter((reading) => reading !== undefined);
  return {
    iterations,
    interval,
    visits: visited,
    milliseconds,
    memory: known.length < 10 ? undefined : trendOf(known),
    historyBytes: history.length,
    faults,
  };
}

const isWhole = (iterations: readonly number[], count: number) =>
  iterations.length === count && iterations.every((iteration, k) => iteration === k + 1);

/** A window that is opened: it is told everything so far, in order and whole. */
async function visit(run: string, faults: string[]): Promise<void> {
  const nothing = () => undefined;
  const joined = await joinRun(run, { onEvent: nothing, onEnd: nothing, onGone: nothing });
  // The run may just have ended.
  if (!joined) return;
  const points = joined.snapshot().points?.points ?? [];
  if (
    !isWhole(
      points.map(({ iteration }) => iteration),
      points.length,
    )
  )
    faults.push(`a window was told ${points.length} points with gaps`);
  joined.leave();
}
