// From measured times to what is printed: medians, their spread, ratios, and whether the targets are met.
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { table } from '../src/cli/io';
import { type Case, nameOf, type Options } from './cases';
import { UNDISTURBED } from './quiet';

/** The middle of the numbers, and the quarter points below and above it. */
interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

interface Measured {
  readonly name: string;
  readonly version: string;
  /** Milliseconds of each step, turn by turn. */
  readonly turns: readonly (readonly number[])[];
  readonly peakMiB: number;
}

interface ContestantReport {
  readonly name: string;
  readonly version: string;
  readonly steps: number;
  readonly millisecondsPerStep: Spread;
  readonly millisecondsPerImage: number;
  readonly imagesPerSecond: number;
  readonly peakMiB: number;
  /** Labelscope's images a second over this contestant's, from the medians; the spread is that of the rounds. Absent for Labelscope. */
  readonly ratio?: Spread;
}

export interface CaseReport {
  readonly case: Case;
  readonly name: string;
  /** Share of the processor that other programs took in the worst of the rounds, 0..1. */
  readonly othersShare: number;
  readonly contestants: readonly ContestantReport[];
}

export interface MachineReport {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly threads: number;
  readonly rounds: number;
  /** Where Labelscope worked: the CPU, or a GPU's provider with what its driver says of it. */
  readonly device: string;
}

export interface Report extends MachineReport {
  readonly cases: readonly CaseReport[];
  /** What went wrong, of cases that are not among the others. */
  readonly failed: readonly string[];
}

/** Of a forward pass, against PyTorch in its default layout; of a step of all layers, against PyTorch's fastest form. */
const TARGETS = { forward: 1.3, step: { frozen: 1.2, batch: 1.1 } } as const;
/** Images a second of a step of the last stages. */
const LAST_STAGES_TARGET = 17;
/** Images a second on a GPU, of a forward pass and of a step of all layers. */
const GPU_TARGETS = { forward: 4000, step: 900 } as const;

export function reportMachine({ threads, rounds, device }: Options): MachineReport {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    threads,
    rounds,
    device: device === 'cpu' ? device : `${device}: ${graphicsCard()}`,
  };
}

/** Name, driver and memory, as NVIDIA's own tool tells them. */
function graphicsCard(): string {
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
  const { stdout, status } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  return status === 0 ? stdout.trim().split('\n').join('; ') : 'a card whose name is not known (there is no nvidia-smi)';
}

export function reportCase(one: Case, measured: readonly Measured[], othersShare: number): CaseReport {
  const contestants = measured.map((contestant, index) => {
    const { name, version, turns, peakMiB } = contestant;
    const millisecondsPerStep = spreadOf(turns.flat());
    const { median } = millisecondsPerStep;
    return {
      name,
      version,
      steps: turns.flat().length,
      millisecondsPerStep,
      millisecondsPerImage: median / one.batchSize,
      imagesPerSecond: (1000 * one.batchSize) / median,
      peakMiB,
      ...(index > 0 && { ratio: ratioOf(measured[0]!, contestant) }),
    };
  });
  return { case: one, name: nameOf(one), othersShare, contestants };
}

function ratioOf(ours: Measured, theirs: Measured): Spread {
  const rounds = ours.turns.map((turn, round) => spreadOf(theirs.turns[round]!).median / spreadOf(turn).median);
  return { ...spreadOf(rounds), median: spreadOf(theirs.turns.flat()).median / spreadOf(ours.turns.flat()).median };
}

/** Quantiles between two numbers are interpolated. */
function spreadOf(numbers: readonly number[]): Spread {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)]!;
    return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** The report for people. */
export function reportLines(report: Report): string[] {
  const { cpu, cores, memoryGiB, threads, rounds, date, device } = report;
  const versions = [...new Set(report.cases.flatMap(({ contestants }) => contestants.map(({ version }) => version)))];
  const head = ['case', 'program', 'images/s', 'ms/image', 'ms/step', 'quartiles', 'peak MiB', 'ours/theirs', 'rounds', 'others'];
  const rows = report.cases.flatMap(({ name, othersShare, contestants }) =>
    contestants.map((one, index) => [index === 0 ? name : '', ...cellsOf(one), index === 0 ? percent(othersShare) : '']),
  );
  return [
    `${date}, ${cpu}, ${cores} cores, ${memoryGiB} GiB; ${threads} threads, ${rounds} rounds`,
    ...(device === 'cpu' ? [] : [device]),
    versions.join('; '),
    '',
    ...table([head, ...rows]),
    '',
    ...targetLines(report),
    ...disturbanceLines(report),
    ...report.failed.map((reason) => `FAILED: ${reason}`),
  ];
}

function cellsOf({
  name,
  imagesPerSecond,
  millisecondsPerImage,
  millisecondsPerStep,
  peakMiB,
  ratio,
}: ContestantReport): string[] {
  const { median, low, high } = millisecondsPerStep;
  const speeds = [
    imagesPerSecond.toFixed(2),
    millisecondsPerImage.toFixed(1),
    median.toFixed(0),
    `${low.toFixed(0)}–${high.toFixed(0)}`,
  ];
  const ratios = ratio ? [ratio.median.toFixed(2), `${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}`] : ['', ''];
  return [name, ...speeds, peakMiB.toFixed(0), ...ratios];
}

function targetLines({ cases, device }: Report): string[] {
  return cases.flatMap((report) => {
    const target = device === 'cpu' ? targetOf(report) : gpuTargetOf(report);
    if (!target) return [];
    const { found, wanted } = target;
    const words = `${report.name}: ${target.words}, should be at least ${wanted}`;
    if (report.othersShare > UNDISTURBED) return [`target not judged, too much disturbed: ${words}`];
    return [`target ${found >= wanted ? 'met' : 'MISSED'}: ${words}`];
  });
}

interface Target {
  readonly found: number;
  readonly wanted: number;
  readonly words: string;
}

function gpuTargetOf({ case: { kind, layers }, contestants: [ours] }: CaseReport): Target | undefined {
  if (!ours || layers !== 'all') return undefined;
  return { found: ours.imagesPerSecond, wanted: GPU_TARGETS[kind], words: `${ours.imagesPerSecond.toFixed(0)} images/s` };
}

/** Undefined where there is no PyTorch to compare with. */
function targetOf({ case: { kind, layers, batchNorm }, contestants: [ours, ...others] }: CaseReport): Target | undefined {
  const peers = others.filter(({ version }) => version.startsWith('PyTorch')).slice(0, kind === 'forward' ? 1 : undefined);
  const fastest = peers.sort((a, b) => b.imagesPerSecond - a.imagesPerSecond)[0];
  if (!ours || !fastest?.ratio) return undefined;
  if (kind === 'step' && layers === 'last-stages') {
    const words = `${ours.imagesPerSecond.toFixed(2)} images/s beside ${fastest.name}'s ${fastest.imagesPerSecond.toFixed(2)}`;
    return { found: ours.imagesPerSecond, wanted: LAST_STAGES_TARGET, words };
  }
  const wanted = kind === 'forward' ? TARGETS.forward : TARGETS.step[batchNorm];
  return { found: fastest.ratio.median, wanted, words: `${fastest.ratio.median.toFixed(2)} times ${fastest.name}` };
}

function disturbanceLines({ cases }: Report): string[] {
  const disturbed = cases.filter(({ othersShare }) => othersShare > UNDISTURBED).map(({ name }) => name);
  if (disturbed.length === 0) return [];
  return [`Other programs took more than ${percent(UNDISTURBED)} of the processor, so measure again: ${disturbed.join('; ')}`];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)}%`;
}
