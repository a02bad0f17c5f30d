// Jobs of a sweep on this machine: one after the other, or several at once, each in an engine process of its own.
import type { EngineClient } from '../../engine/client/engine';
import { toWireError } from '../../protocol/errors';
import { duration } from '../../protocol/pace';
import { counted, type Io } from '../io';
import type { Session } from '../verb';
import { teller } from '../verbs/train';
import { runJob } from './jobs';
import type { Sweep, SweepJob } from './plan';

/** Why jobs failed, by their names. One that fails stops none of the others. */
export type Failures = ReadonlyMap<string, string>;

export async function runLocally(sweep: Sweep, jobs: readonly SweepJob[], atOnce: number, session: Session): Promise<Failures> {
  const { io, signal, another, engine } = session;
  const queue = [...jobs];
  const failures = new Map<string, string>();
  const isAlone = atOnce === 1;
  const tellEnded = counted(io, 'Jobs', 'jobs');
  let ended = 0;
  if (!isAlone) tellEnded({ done: ended, total: jobs.length });
  const work = async (own: EngineClient): Promise<void> => {
    for (let job = queue.shift(); job !== undefined && !signal.aborted; job = queue.shift()) {
      io.note(`${job.name} begins, job ${job.number} of ${sweep.jobs.length}`);
      const failure = await runTold(sweep, job, { ...session, engine: own }, isAlone);
      if (failure !== undefined) failures.set(job.name, failure);
      ended++;
      if (!isAlone) tellEnded({ done: ended, total: jobs.length });
    }
  };
  const engines = [engine, ...Array.from({ length: Math.min(atOnce, jobs.length) - 1 }, another)];
  await Promise.all(engines.map(work));
  return failures;
}

/** Why it failed, undefined where it did not. */
async function runTold(
  sweep: Sweep,
  job: SweepJob,
  { io, engine, signal }: Session,
  isAlone: boolean,
): Promise<string | undefined> {
  const started = performance.now();
  const [tellTraining, tellEvaluation] = [teller(quietly(io)), counted(io, 'Evaluating')];
  try {
    const isDone = await runJob(sweep, job, engine, {
      signal,
      onTrain: (event) => {
        // Of jobs side by side only what went wrong is told: their lines would mix.
        if (event.kind === 'warning') io.problem('warning', `${job.name}: ${event.message}`);
        else if (isAlone && event.kind !== 'stage') tellTraining(event);
      },
      onEvaluate: (progress) => isAlone && tellEvaluation(progress),
    });
    io.note(
      `${job.name} ${isDone ? `is done after ${duration((performance.now() - started) / 1000)}` : 'was stopped; everything so far is kept'}`,
    );
    return undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    const { message } = toWireError(error);
    io.note(`${job.name} failed: ${message}`);
    return message;
  }
}

/** A progress bar, without a line for each validation. */
const quietly = (io: Io): Io => ({ ...io, note: () => undefined });
