// Jobs of a sweep as one array of the workload manager Slurm: a batch script beside the runs, and sbatch.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject, parsed } from '../../engine/client/folder';
import { LabelscopeError } from '../../protocol/errors';
import { makeFolder, writeAtomically } from '../../engine/client/atomic';
import type { SweepJob } from './plan';

export interface SlurmOptions {
  /** Handed to sbatch as they are. */
  readonly options: readonly string[];
  /** How many tasks run at the same time; as many as the cluster lets where it is undefined. */
  readonly atOnce: number | undefined;
  /** Until all tasks have ended. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
  readonly onSubmitted: (submitted: Submitted) => void;
}

export interface Submitted {
  /** Slurm's number of the array. */
  readonly job: string;
  readonly script: string;
  readonly tasks: readonly number[];
}

/** Seconds before the end of a task's time in which it writes its checkpoint. */
const SAVING_SECONDS = 120;

/** @throws LabelscopeError 'slurm-missing', 'slurm-refused', 'slurm-busy', 'write-failed' */
export async function submit(folder: string, jobs: readonly SweepJob[], options: SlurmOptions): Promise<Submitted> {
  const place = join(folder, 'slurm');
  await makeFolder(place);
  await refuseBusy(folder, join(place, SUBMITTED));
  const tasks = jobs.map(({ number }) => number);
  const script = join(place, 'jobs.sh');
  await writeAtomically(script, [scriptOf(folder, tasks, options.atOnce)]);
  const submitted = (job: string): Submitted => ({ job, script, tasks });
  const told = async (job: string): Promise<void> => {
    await writeAtomically(join(place, SUBMITTED), [JSON.stringify(submitted(job)) + '\n']);
    options.onSubmitted(submitted(job));
  };
  return submitted(await sbatch(place, script, options, told));
}

const SUBMITTED = 'submitted.json';

/** A lock of a run folder holds on one machine alone: two tasks for one run on two of them would spoil it. */
async function refuseBusy(folder: string, note: string): Promise<void> {
  const before = parsed(await readFile(note, 'utf8').catch(() => ''));
  if (!isObject(before) || typeof before.job !== 'string' || !/^\d+$/.test(before.job)) return;
  // Of a job that Slurm has forgotten it says that the id is not valid.
  const { output } = await run('squeue', ['--noheader', `--jobs=${before.job}`, '--format=%T']);
  if (output.trim() === '') return;
  throw new LabelscopeError(
    'slurm-busy',
    `Slurm job ${before.job} still works on the sweep in ${folder}. Wait until it ends (squeue --jobs ${before.job}), or end it: scancel ${before.job}`,
  );
}

/** `exec` puts the job in the place of the shell, which is what Slurm sends the signal to. */
function scriptOf(folder: string, tasks: readonly number[], atOnce: number | undefined): string {
  const program = [process.execPath, join(__dirname, 'cli.js'), 'sweep', '--out', folder].map(quoted).join(' ');
  return `#!/bin/sh
#SBATCH --job-name=labelscope
#SBATCH --array=${tasks.join(',')}${atOnce === undefined ? '' : `%${atOnce}`}
#SBATCH --output=%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:INT@${SAVING_SECONDS}
exec ${program} --job "$SLURM_ARRAY_TASK_ID"
`;
}

/** A word of the shell, whatever is in it. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Answers the job's number. */
async function sbatch(
  cwd: string,
  script: string,
  { options, wait, signal }: SlurmOptions,
  onSubmitted: (job: string) => Promise<void>,
): Promise<string> {
  let job: string | undefined;
  let telling = Promise.resolve();
  const onOutput = (output: string) => {
    // --parsable: the number, and behind a semicolon the cluster's name where there are several.
    const number = /^(\d+)(;.*)?\n/.exec(output)?.[1];
    if (number === undefined || job !== undefined) return;
    job = number;
    telling = onSubmitted(number);
  };
  const args = ['--parsable', ...(wait ? ['--wait'] : []), ...options, script];
  const { said } = await run('sbatch', args, { cwd, signal, onOutput });
  await telling;
  if (job !== undefined) return job;
  throw new LabelscopeError('slurm-refused', `Slurm did not take the sweep: ${said.trim().replace(/\s*\n\s*/g, ' ')}`);
}

interface RunOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly onOutput?: (output: string) => void;
}

/** @throws LabelscopeError 'slurm-missing' */
function run(program: string, args: readonly string[], { onOutput, ...options }: RunOptions = {}) {
  return new Promise<{ readonly output: string; readonly said: string }>((done, fail) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, said] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      onOutput?.(output);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.name === 'AbortError') return;
      fail(
        new LabelscopeError(
          'slurm-missing',
          `${program} cannot be started (${error.message}). --slurm needs the programs of Slurm (Debian's package slurm-client) and a cluster that they reach; without --slurm the jobs run on this machine.`,
        ),
      );
    });
    child.once('close', () => done({ output, said }));
  });
}
