// The benchmark `step`: ResNet-50 at 224 px, forward inference and whole training steps, in turns with the peers.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultBackbonePath } from '../src/engine/backbone/locate';
import type { Device } from '../src/engine/runtime/messages';
import { tensorFlowPlaces } from '../src/engine/runtime/tensorflow/find';
import { type Case, nameOf, type Options } from './cases';
import { type Contestant, ContestantEnded, startContestant } from './contestant';
import { installedPeers, type Peer } from './peers';
import { quietMoment, UNDISTURBED, watchProcessor } from './quiet';
import { type CaseReport, type Report, reportCase, reportMachine } from './report';
import { OPTIMISER, writeBatch, writeWorkFiles, type WorkFiles } from './workload';

const OURS = { command: process.execPath, args: [__filename, 'ours'] };

/** The form that comes first is the one that others are compared with. A processor without the blocked form has the plain one alone. */
function oursOf(kind: Case['kind'], device: Device): Peer[] {
  const plain = { ...OURS, name: 'Labelscope plain', job: { form: 'plain' } };
  const blocked = { ...OURS, name: 'Labelscope', job: { form: 'blocked' }, optional: true };
  const own = kind === 'step' && device === 'cpu' ? [blocked, plain] : [{ ...plain, name: 'Labelscope' }];
  return hasTensorFlow() ? [...own, SECOND_ENGINE] : own;
}

const SECOND_ENGINE: Peer = {
  ...OURS,
  name: 'Labelscope, TensorFlow.js',
  job: { form: 'plain', engine: 'tensorflow' },
  // It may be for another device than the one that is measured.
  optional: true,
};

/** Where the second engine is set up: labelscope doctor --install tensorflow, or a folder of one's own. */
function hasTensorFlow(): boolean {
  const native = ['tfjs-node', 'tfjs-node-gpu'].map((name) => join('node_modules', '@tensorflow', name));
  return tensorFlowPlaces().some((place) => native.some((folder) => existsSync(join(place, folder))));
}

/** Relative difference of losses up to which two programs count as doing the same work. */
const SAME_WORK = 0.01;

interface Bench {
  readonly options: Options;
  readonly onNote: (text: string) => void;
  readonly backbone: string;
  readonly folder: string;
  readonly files: WorkFiles;
}

export async function runBenchmark(options: Options, onNote: (text: string) => void): Promise<Report> {
  const backbone = defaultBackbonePath();
  if (installedPeers('step', options).length === 0)
    onNote('No peer is set up (bench/peers/README.md): Labelscope is measured alone.');
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-bench-'));
  const machine = reportMachine(options);
  try {
    const bench = { options, onNote, backbone, folder, files: await writeWorkFiles(backbone, folder) };
    const cases: CaseReport[] = [];
    const failed: string[] = [];
    for (const [index, one] of options.cases.entries()) {
      onNote(`${index + 1}/${options.cases.length}: ${nameOf(one)}`);
      try {
        const found = await runCase(bench, one);
        cases.push(found);
        onNote(
          found.contestants.map(({ name, imagesPerSecond }) => `  ${name} ${imagesPerSecond.toFixed(1)} images/s`).join(','),
        );
      } catch (error) {
        failed.push(`${nameOf(one)}: ${(error as Error).message}`);
      }
    }
    return { ...machine, cases, failed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runCase(bench: Bench, one: Case): Promise<CaseReport> {
  const contestants: Contestant[] = [];
  try {
    await startAll(bench, one, contestants);
    assertSameWork(contestants);
    return await measureRemaining(bench, one, contestants);
  } finally {
    for (const contestant of contestants) contestant.stop();
  }
}

/** Begins anew without a contestant that has to be there no longer than it can. */
async function measureRemaining(bench: Bench, one: Case, contestants: Contestant[]): Promise<CaseReport> {
  try {
    return await measureCase(bench.options, one, contestants);
  } catch (error) {
    const gone = error instanceof ContestantEnded ? contestants.findIndex(({ name }) => name === error.contestant) : -1;
    if (!contestants[gone]?.optional) throw error;
    bench.onNote(`${contestants[gone].name} is left out: ${(error as Error).message}`);
    contestants.splice(gone, 1);
    return measureRemaining(bench, one, contestants);
  }
}

async function measureCase(options: Options, one: Case, contestants: readonly Contestant[]): Promise<CaseReport> {
  const rounds = await measureRounds(contestants, options);
  const results = [];
  for (const [index, contestant] of contestants.entries()) {
    const { name, ready } = contestant;
    results.push({
      name,
      version: ready.version,
      turns: rounds.map(({ turns }) => turns[index]!),
      peakMiB: await contestant.end(),
    });
  }
  return reportCase(one, results, Math.max(...rounds.map(({ othersShare }) => othersShare)));
}

/** One turn of each contestant. */
interface Round {
  readonly turns: readonly (readonly number[])[];
  readonly othersShare: number;
}

/** Repeats disturbed rounds, but measures no more than three times as many as asked for; keeps the least disturbed. */
async function measureRounds(
  contestants: readonly Contestant[],
  { rounds: wanted, patience, turnSeconds }: Options,
): Promise<Round[]> {
  const rounds: Round[] = [];
  const undisturbed = () => rounds.filter(({ othersShare }) => othersShare <= UNDISTURBED).length;
  while (undisturbed() < wanted && rounds.length < 3 * wanted) {
    await quietMoment(patience);
    rounds.push(await measureRound(contestants, turnSeconds));
  }
  return rounds.sort((a, b) => a.othersShare - b.othersShare).slice(0, wanted);
}

async function measureRound(contestants: readonly Contestant[], turnSeconds: number): Promise<Round> {
  const turns: (readonly number[])[] = [];
  let othersShare = 0;
  for (const contestant of contestants) {
    const interval = watchProcessor();
    const { milliseconds, cpuMilliseconds } = await contestant.turn(turnSeconds);
    othersShare = Math.max(othersShare, interval.othersShare(cpuMilliseconds));
    turns.push(milliseconds);
  }
  return { turns, othersShare };
}

/** One after the other, so that nobody's setting up takes another's time or memory. */
async function startAll(
  { options, onNote, backbone, folder, files }: Bench,
  one: Case,
  contestants: Contestant[],
): Promise<void> {
  const peers = installedPeers(one.kind, options);
  const batch = peers.length > 0 ? await writeBatch(one.batchSize, folder) : undefined;
  const { threads, device } = options;
  const job = { ...one, ...OPTIMISER, ...files, threads, device, backbone, batch };
  for (const peer of [...oursOf(one.kind, device), ...peers]) {
    try {
      contestants.push(await startContestant(peer, { ...job, ...peer.job }));
    } catch (error) {
      if (peer.optional !== true) throw error;
      onNote(`${peer.name} is left out: ${(error as Error).message}`);
    }
  }
}

/** @throws Error where a contestant's first losses differ: its time would say nothing */
function assertSameWork([ours, ...others]: readonly Contestant[]): void {
  for (const { name, ready } of others) {
    const same = ours!.ready.checks.every((check, step) => Math.abs(ready.checks[step]! / check - 1) <= SAME_WORK);
    if (!same) {
      const lists = `${ours!.ready.checks.join(', ')} and ${ready.checks.join(', ')}`;
      throw new Error(`${ours!.name} and ${name} do not compute the same (${lists}), so their times cannot be compared.`);
    }
  }
}
