// labelscope sweep: recipes × seeds × folds as independent jobs, here or through Slurm, and one table that compares the recipes.
import { resolve } from 'node:path';
import { entryOf, type Metric } from '../../metrics/headline';
import type { CountProgress } from '../../protocol/messages';
import { NAMES } from '../comparison';
import { counted, decimal, table } from '../io';
import { type JobReport, reportOn, runJob } from '../sweep/jobs';
import { type Failures, runLocally } from '../sweep/local';
import { distinct, seedsIn, type Sweep, type SweepAsked, type SweepJob } from '../sweep/plan';
import { plannedSweep, prepareSweep } from '../sweep/prepare';
import { type Submitted, submit } from '../sweep/slurm';
import { type Spread, type SweepRow, type SweepTable, tableOf, type VersusFirst } from '../sweep/table';
import { type Arguments, UsageError } from '../usage';
import {
  BOOTSTRAP_OPTIONS,
  bootstrapOf,
  CATEGORIES,
  categoriesOf,
  defined,
  DEVICE,
  deviceOf,
  DONE,
  FAILED,
  foldsOf,
  IMAGES,
  type Session,
  STOPPED_BY_PERSON,
  THRESHOLD,
  thresholdOf,
  type Verb,
} from '../verb';
import { RECIPES, settings, teller, train, validationOf } from './train';

const { validation, backbone, set } = train.spec.options;

const LOOK_AGAIN_MS = 5000;

export const sweep: Verb = {
  spec: {
    positionals: '[ANNOTATIONS]',
    count: [0, 1],
    help: 'Recipes × seeds × folds as independent jobs, here or through Slurm, and one table that compares the recipes.',
    options: {
      out: {
        type: 'string',
        value: 'DIR',
        help: 'folder of the sweep: its plan, its folds and a run folder a job; called again, it goes on',
      },
      recipes: {
        type: 'string',
        value: RECIPES.join(','),
        help: 'the first is what the others are compared with (default: quick)',
      },
      seeds: { type: 'string', value: '0,1,2|0-4', help: 'seeds of each recipe (default: 0)' },
      folds: {
        type: 'string',
        value: 'K',
        help: 'train K times, each validated on the images that the others learn from (default: no folds)',
      },
      images: IMAGES,
      validation: validation!,
      'validation-share': train.spec.options['validation-share']!,
      'validation-images': train.spec.options['validation-images']!,
      categories: CATEGORIES,
      set: set!,
      backbone: backbone!,
      device: DEVICE,
      jobs: {
        type: 'string',
        value: 'N',
        help: 'so many jobs at the same time (default: 1; with --slurm: as many as the cluster lets)',
      },
      slurm: { type: 'boolean', help: 'hand the jobs that are not done to Slurm as an array' },
      'slurm-option': {
        type: 'string',
        multiple: true,
        value: 'OPTION',
        help: 'an option for sbatch, as in --slurm-option=--time=2:00:00; may be repeated',
      },
      wait: { type: 'boolean', help: 'with --slurm: wait until all jobs have ended' },
      job: { type: 'string', value: 'N', help: 'run this one job of the sweep in --out alone' },
      compare: { type: 'boolean', help: 'run nothing: only compare what is done of the sweep in --out' },
      threshold: THRESHOLD,
      bootstrap: BOOTSTRAP_OPTIONS.bootstrap,
    },
  },
  run: async (args, session) => {
    const out = args.text('out');
    if (out === undefined) throw new UsageError('sweep needs --out DIR: where shall the runs go?');
    const folder = resolve(out);
    const job = args.number('job', { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true });
    if (job !== undefined) return oneJob(await plannedSweep(folder), job, session);
    if (args.flag('compare')) return onlyCompared(await plannedSweep(folder), args, session);
    if (!args.flag('slurm') && (args.flag('wait') || args.texts('slurm-option').length > 0))
      throw new UsageError('--wait and --slurm-option belong to --slurm.');
    const planned = await prepareSweep(folder, askedFor(args), session);
    return args.flag('slurm') ? throughSlurm(planned, args, session) : here(planned, args, session);
  },
};

const ABSOLUTE = ['images', 'backbone'] as const;

/** What was typed, and nothing else: where a sweep goes on, the rest is as it was begun. */
function askedFor(args: Arguments): Partial<SweepAsked> {
  const folds = foldsOf(args);
  const check = validationOf(args);
  const checkImages = args.text('validation-images');
  if (folds !== undefined && (check !== undefined || checkImages !== undefined))
    throw new UsageError('--folds and --validation exclude each other: each fold is validated on its own images.');
  const [annotations] = args.positionals;
  const places = Object.fromEntries(ABSOLUTE.map((name) => [name, absolute(args.text(name))]));
  const seeds = args.text('seeds');
  return defined({
    ...places,
    annotations: absolute(annotations),
    validation: check === null ? null : absolute(check),
    validationImages: absolute(checkImages),
    categories: categoriesOf(args),
    recipes: recipesOf(args),
    seeds: seeds === undefined ? undefined : seedsIn(seeds),
    folds,
    set: args.texts('set').length > 0 ? settings(args) : undefined,
    device: args.text('device') === undefined ? undefined : deviceOf(args),
  });
}

const absolute = (place: string | undefined): string | undefined => (place === undefined ? undefined : resolve(place));

function recipesOf(args: Arguments) {
  const names = args
    .text('recipes')
    ?.split(',')
    .map((name) => name.trim());
  if (names === undefined) return undefined;
  const recipes = names.map((name) => {
    const recipe = RECIPES.find((one) => one === name);
    if (recipe === undefined) throw new UsageError(`--recipes takes some of ${RECIPES.join(', ')}, not '${name}'.`);
    return recipe;
  });
  return distinct('recipes', recipes);
}

const jobsAtOnce = (args: Arguments) => args.number('jobs', { min: 1, max: 1000, integer: true });

/** A task of a Slurm array: tells of the one job as `train` does. */
async function oneJob(planned: Sweep, number: number, session: Session): Promise<number> {
  const job = planned.jobs[number - 1];
  if (!job) throw new UsageError(`The sweep in ${planned.folder} has ${planned.jobs.length} jobs, and none is number ${number}.`);
  const { io, engine, signal } = session;
  io.note(`${job.name}, job ${number} of ${planned.jobs.length}`);
  const isDone = await runJob(planned, job, engine, { signal, onTrain: teller(io), onEvaluate: () => undefined });
  const report = await reportOn(job);
  io.result(report, () => [`${job.name} ${isDone ? 'is done' : 'was stopped; everything so far is kept'}: ${job.run}`]);
  return isDone ? DONE : STOPPED_BY_PERSON;
}

async function openJobs({ jobs }: Sweep): Promise<readonly JobReport[]> {
  const reports = await Promise.all(jobs.map(reportOn));
  return reports.filter(({ state }) => state !== 'done');
}

async function here(planned: Sweep, args: Arguments, session: Session): Promise<number> {
  const open = await openJobs(planned);
  const done = planned.jobs.length - open.length;
  session.io.note(`${planned.jobs.length} jobs${done > 0 ? `, ${done} of them done before` : ''}`);
  const failures = open.length > 0 ? await runLocally(planned, open, jobsAtOnce(args) ?? 1, session) : new Map<string, string>();
  const reports = await tellTable(planned, args, session, failures);
  return session.signal.aborted ? STOPPED_BY_PERSON : statusOf(reports);
}

/** What is not done yet is no failure of a comparison. */
async function onlyCompared(planned: Sweep, args: Arguments, session: Session): Promise<number> {
  const reports = await tellTable(planned, args, session);
  return reports.some(({ state }) => state === 'done') ? DONE : FAILED;
}

const statusOf = (reports: readonly JobReport[]): number => (reports.every(({ state }) => state === 'done') ? DONE : FAILED);

async function throughSlurm(planned: Sweep, args: Arguments, session: Session): Promise<number> {
  const { io, signal } = session;
  const open = await openJobs(planned);
  if (open.length === 0) return statusOf(await tellTable(planned, args, session));
  const wait = args.flag('wait');
  const onSubmitted = ({ job, tasks }: Submitted) =>
    io.note(
      `Slurm job ${job}: ${tasks.length} tasks. What each says: ${planned.folder}/slurm/TASK.log${wait ? '' : `; squeue --jobs ${job} shows how far they are`}`,
    );
  const submitting = submit(planned.folder, open, {
    ...{ wait, signal, onSubmitted },
    options: args.texts('slurm-option'),
    atOnce: jobsAtOnce(args),
  });
  const submitted = await (wait ? whileAtWork(open, counted(io, 'Jobs', 'jobs'), submitting) : submitting);
  if (signal.aborted) {
    io.note(`The tasks go on in Slurm; scancel ${submitted.job} ends them.`);
    return STOPPED_BY_PERSON;
  }
  if (wait) return statusOf(await tellTable(planned, args, session));
  io.result({ out: planned.folder, slurm: submitted }, () => [
    `Submitted  Slurm job ${submitted.job}, ${submitted.tasks.length} tasks`,
    `Next       labelscope sweep --out ${planned.folder} --compare`,
  ]);
  return DONE;
}

/** Looks into the run folders of jobs that others do, and tells how many have ended. */
async function whileAtWork<T>(jobs: readonly SweepJob[], tell: (progress: CountProgress) => void, work: Promise<T>): Promise<T> {
  let atWork = jobs;
  let [isLooking, isOver] = [false, false];
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    const reports = await Promise.all(atWork.map(reportOn));
    isLooking = false;
    // What was seen too late would be told in the middle of what comes next.
    if (isOver) return;
    atWork = reports.filter(({ state }) => state !== 'done' && state !== 'failed');
    tell({ done: jobs.length - atWork.length, total: jobs.length });
  };
  const watching = setInterval(() => void look(), LOOK_AGAIN_MS);
  return work.finally(() => {
    isOver = true;
    clearInterval(watching);
  });
}

async function tellTable(
  planned: Sweep,
  args: Arguments,
  { io }: Session,
  failures: Failures = new Map(),
): Promise<readonly JobReport[]> {
  const reports = (await Promise.all(planned.jobs.map(reportOn))).map((report): JobReport => {
    const error = failures.get(report.name);
    return error === undefined ? report : { ...report, state: 'failed', error };
  });
  const found = await tableOf(planned.plan, reports, { threshold: thresholdOf(args) ?? 0.5, bootstrap: bootstrapOf(args) });
  io.result({ out: planned.folder, jobs: reports, ...found }, () => [...tableLines(found), ...jobLines(reports)]);
  for (const { name, error } of reports) if (error !== undefined) io.note(`${name} failed: ${error}`);
  return reports;
}

const SHOWN: readonly Metric[] = ['micro.f1', 'macro.f1', 'mAP', 'jaccard', 'loss'];

function tableLines({ rows, images, threshold, replicates }: SweepTable): string[] {
  if (rows.length === 0) return ['Nothing can be compared yet: no recipe has all folds of a seed done.'];
  const counts = [...new Set(Object.values(images))].join(' or ');
  const head = ['recipe', 'seeds', ...SHOWN.map((metric) => NAMES[metric])];
  const cells = rows.map((row) => [
    row.recipe,
    row.seeds.join(' '),
    ...SHOWN.map((metric) => spread(entryOf<Spread>(row, metric))),
  ]);
  return [
    `Each seed's recipes judged on ${counts} images at threshold ${threshold}; mean ± standard deviation over seeds`,
    '',
    ...table([head, ...cells]),
    ...rows.slice(1).flatMap((row) => versusLines(row, rows[0]!)),
    ...(rows.length > 1 && replicates > 0
      ? [
          '',
          `Better and worse by the paired bootstrap: in how many seeds ${replicates} resamples of the images tell the recipes apart.`,
        ]
      : []),
  ];
}

function spread({ mean, deviation }: Spread): string {
  return decimal(mean) + (deviation === null ? '' : ` ± ${decimal(deviation)}`);
}

function versusLines(row: SweepRow, first: SweepRow): string[] {
  const lines = SHOWN.flatMap((metric) => {
    const { versusFirst } = entryOf<Spread>(row, metric);
    return versusFirst === null ? [] : [versusCells(NAMES[metric], versusFirst)];
  });
  if (lines.length === 0) return [];
  return [
    '',
    ...table([[`${row.recipe} compared with ${first.recipe}`, 'difference', 'better', 'worse', 'not distinguishable'], ...lines]),
  ];
}

function versusCells(name: string, { difference, better, worse, notDistinguishable }: VersusFirst): (string | number)[] {
  const sign = difference !== null && difference >= 0 ? '+' : '';
  return [name, sign + decimal(difference), better, worse, notDistinguishable];
}

function jobLines(reports: readonly JobReport[]): string[] {
  const open = reports.filter(({ state }) => state !== 'done');
  const done = reports.length - open.length;
  if (open.length === 0) return ['', `All ${done} jobs are done.`];
  return [
    '',
    `${done} of ${reports.length} jobs are done.`,
    ...table([['job', 'state', 'run'], ...open.map(({ name, state, run }) => [name, state, run])]),
  ];
}
