// The verb `sweep` on this machine: every job once, the table from the jobs' own scores, interruption, failures, and what may not change.
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differenceOf, replicated } from '../../src/metrics/bootstrap';
import { finished } from '../../src/metrics/steps';
import { evaluate } from '../../src/metrics/evaluate';
import type { ScoredSet } from '../../src/metrics/types';
import type { RunRecord, ScoresFile } from '../../src/protocol/run';
import { type CliResult, jsonResult, plainLines, runCli, startCli } from '../support/cli';
import { type TinyData, writeTinyData } from '../support/data';
import { historyOf, jsonOf, UNBUILT, until, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;

const at = (...parts: string[]) => join(folder, ...parts);
const settings = (...set: string[]) => ['batchSize=8', 'threads=1', ...set].flatMap((one) => ['--set', one]);
const cli = (...args: string[]): Promise<CliResult> => runCli(['sweep', ...args, '--json'], { cwd: folder });

function begin(out: string, ...args: string[]): Promise<CliResult> {
  return cli(data.train, '--backbone', at('tiny.onnx'), '--device', 'cpu', '--out', at(out), ...args);
}

interface Spread {
  mean: number;
  deviation: number | null;
  values: number[];
  versusFirst: { difference: number; better: number; worse: number; notDistinguishable: number } | null;
}
interface Row {
  recipe: string;
  seeds: number[];
  micro: { f1: Spread };
  loss: Spread;
}
interface Result {
  jobs: {
    number: number;
    name: string;
    recipe: string;
    seed: number;
    fold: number | null;
    run: string;
    state: string;
    error?: string;
  }[];
  rows: Row[];
  images: Record<string, number>;
}
const resultOf = (result: CliResult) => jsonResult(result) as unknown as Result;

/** Straight from the folds' files. */
async function pooled(out: string, recipe: string, seed: number, folds: number): Promise<ScoredSet> {
  const files = await Promise.all(
    Array.from({ length: folds }, (_, k) =>
      jsonOf<ScoresFile>(at(out, `${recipe}-seed${seed}-fold${k + 1}`, 'scores.validation.json')),
    ),
  );
  const { categories } = files[0]!;
  const images = files.flatMap((file) => file.images);
  return {
    images: images.length,
    categories,
    labels: Uint8Array.from(images.flatMap(({ labels }) => categories.map((name) => Number(labels.includes(name))))),
    scores: Float64Array.from(images.flatMap(({ scores }) => scores)),
  };
}

/** What would change if a job were done again. */
async function stamps(out: string): Promise<Record<string, number>> {
  const runs = (await readdir(at(out))).filter((name) => name.includes('-seed'));
  return Object.fromEntries(
    await Promise.all(runs.map(async (run) => [run, (await stat(at(out, run, 'run.json'))).mtimeMs] as const)),
  );
}

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'sweep-'));
  data = await writeTinyData(join(folder, 'data'), { train: 28, validation: 7 });
  await writeTinyBackbone(join(folder, 'tiny.onnx'));
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

describe.skipIf(UNBUILT)(`labelscope sweep${UNBUILT}`, () => {
  const SWEEP = ['--recipes', 'quick,best', '--seeds', '0,4', '--folds', '2', ...settings('epochs=2')];

  it('runs every combination once, and compares the recipes over the pooled folds of each seed', async () => {
    const ran = await begin('whole', ...SWEEP);
    expect({ status: ran.status, stderr: ran.stderr }).toMatchObject({ status: 0 });
    const result = resultOf(ran);
    const combinations = ['quick', 'best'].flatMap((recipe) =>
      [0, 4].flatMap((seed) => [1, 2].map((fold) => ({ recipe, seed, fold }))),
    );
    expect(result.jobs.map(({ recipe, seed, fold }) => ({ recipe, seed, fold }))).toEqual(combinations);
    for (const { run, recipe, seed, state } of result.jobs) {
      expect(state).toBe('done');
      expect(await jsonOf<RunRecord>(join(run, 'run.json'))).toMatchObject({
        state: 'finished',
        seed,
        recipe: { recipe, epochs: 2 },
      });
    }
    // Each image is judged once: by the fold that has not learned from it.
    expect(result.images).toEqual({ 0: 28, 4: 28 });
    const sets = await Promise.all(
      ['quick', 'best'].map((recipe) => Promise.all([0, 4].map((seed) => pooled('whole', recipe, seed, 2)))),
    );
    const f1 = sets.map((seeds) => seeds.map((set) => evaluate(set, { threshold: 0.5 }).micro.f1));
    expect(result.rows.map(({ recipe, seeds }) => [recipe, seeds])).toEqual([
      ['quick', [0, 4]],
      ['best', [0, 4]],
    ]);
    for (const [k, { micro }] of result.rows.entries()) {
      const [a, b] = f1[k] as [number, number];
      expect(micro.f1.values).toEqual([a, b]);
      expect(micro.f1.mean).toBeCloseTo((a + b) / 2, 12);
      expect(micro.f1.deviation).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 12);
    }
    const verdicts = [0, 1].map((s) => {
      const samples = sets.map((seeds) => finished(replicated(seeds[s]!, 0.5, { replicates: 1000, seed: 0 })).values.loss);
      const losses = sets.map((seeds) => evaluate(seeds[s]!, { threshold: 0.5 }).loss!);
      return differenceOf([losses[0]!, losses[1]!], [samples[0]!, samples[1]!], true);
    });
    expect(result.rows[0]!.loss.versusFirst).toBeNull();
    const versus = result.rows[1]!.loss.versusFirst!;
    expect(versus.difference).toBeCloseTo((verdicts[0]!.difference! + verdicts[1]!.difference!) / 2, 12);
    const count = (verdict: string) => verdicts.filter((found) => found.verdict === verdict).length;
    expect(versus).toMatchObject({
      better: count('better'),
      worse: count('worse'),
      notDistinguishable: count('not distinguishable'),
    });
  });

  it('repeats nothing that is done, and does only what is asked for in addition', async () => {
    const before = await stamps('whole');
    expect((await cli('--out', at('whole'))).status).toBe(0);
    expect(await stamps('whole')).toEqual(before);
    const more = resultOf(await cli('--out', at('whole'), '--seeds', '0,4,5', '--recipes', 'quick'));
    expect(more.rows).toMatchObject([{ recipe: 'quick', seeds: [0, 4, 5] }]);
    const after = await stamps('whole');
    expect(Object.keys(after).filter((run) => before[run] !== after[run])).toEqual(['quick-seed5-fold1', 'quick-seed5-fold2']);
  });

  it('finds the same with several jobs at once', async () => {
    const alone = resultOf(await cli('--out', at('whole'), '--recipes', 'quick,best', '--seeds', '0,4'));
    const together = resultOf(await begin('together', ...SWEEP, '--jobs', '3'));
    expect(together.rows).toEqual(alone.rows);
  });

  it('writes a table for people, also of what is done so far', async () => {
    const { status, stdout } = await runCli(['sweep', '--out', at('whole'), '--compare', '--bootstrap', '50'], { cwd: folder });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^recipe {2}seeds {2}micro F1 .*\n─.*\nquick {3}0 4 .* ± .*\nbest {4}0 4 /m);
    expect(stdout).toMatch(/^best compared with quick {2}difference {2}better/m);
    expect(stdout).toContain('All 8 jobs are done.');
    await rm(at('whole', 'best-seed4-fold2'), { recursive: true });
    const part = resultOf(await cli('--out', at('whole'), '--compare'));
    expect(part.rows.map(({ recipe, seeds }) => [recipe, seeds])).toEqual([
      ['quick', [0, 4]],
      ['best', [0]],
    ]);
    expect(part.jobs.filter(({ state }) => state !== 'done')).toMatchObject([{ name: 'best-seed4-fold2', state: 'open' }]);
  });

  it('stops at Ctrl-C with everything kept, and goes on where it was', async () => {
    const long = settings('epochs=400', 'validationPatience=0', 'checkpointFrequency=20', 'checkpointSeconds=0');
    const args = [data.train, '--backbone', at('tiny.onnx'), '--device', 'cpu', '--seeds', '0-1', ...long];
    expect((await cli(...args, '--out', at('undisturbed'))).status).toBe(0);
    const running = startCli(['sweep', ...args, '--out', at('interrupted'), '--json'], { cwd: folder });
    const first = at('interrupted', 'quick-seed0');
    await until(async () => running.process.exitCode !== null || (await historyOf(first).catch(() => [])).length > 20);
    running.process.kill('SIGINT');
    const stopped = await running.ended;
    expect(stopped.status).toBe(130);
    expect(resultOf(stopped).jobs.map(({ state }) => state)).toEqual(['unfinished', 'open']);
    const resumed = resultOf(await cli('--out', at('interrupted')));
    expect(resumed.jobs.map(({ state }) => state)).toEqual(['done', 'done']);
    for (const run of ['quick-seed0', 'quick-seed1'])
      expect(await historyOf(at('interrupted', run))).toEqual(await historyOf(at('undisturbed', run)));
  });

  it('goes on with the others where a job fails, and says which', async () => {
    await cp(at('together'), at('damaged'), { recursive: true });
    await writeFile(at('damaged', 'quick-seed0-fold1', 'run.json'), '{');
    await rm(at('damaged', 'best-seed0-fold1'), { recursive: true });
    const result = await cli('--out', at('damaged'));
    expect(result.status).toBe(1);
    expect(resultOf(result).jobs.filter(({ state }) => state !== 'done')).toMatchObject([
      { name: 'quick-seed0-fold1', state: 'failed' },
    ]);
    expect(plainLines(result).at(-1)).toMatch(/^quick-seed0-fold1 failed: .*run\.json is damaged/);
  });

  it('refuses what its finished jobs cannot follow', async () => {
    const refused = async (words: RegExp, ...args: string[]) => {
      const result = await cli('--out', at('together'), ...args);
      expect([result.status, result.stdout]).toEqual([2, '']);
      expect(plainLines(result).at(-1)).toMatch(words);
    };
    await refused(/--set batchSize=8 threads=1 epochs=2, not epochs=3/, '--set', 'epochs=3');
    await refused(/--folds 2, not 3/, '--folds', '3');
    await refused(/--folds and --validation exclude each other/, '--folds', '2', '--validation-share');
    await refused(/--recipes takes some of/, '--recipes', 'quick,better');
    await refused(/--seeds names 1 twice/, '--seeds', '0-2,1');
    await refused(/belong to --slurm/, '--wait');
    const text = await readFile(data.train, 'utf8');
    await writeFile(data.train, text + '\n');
    const changed = await cli('--out', at('together'));
    await writeFile(data.train, text);
    expect(changed.status).toBe(1);
    expect(plainLines(changed).at(-1)).toMatch(/is no longer the file that the sweep in .* was begun with/);
    const alone = await runCli(['sweep', data.train, '--out', at('alone'), '--slurm'], { cwd: folder, env: { PATH: folder } });
    expect([alone.status, alone.stdout]).toEqual([1, '']);
    expect(plainLines(alone).at(-1)).toMatch(/^sbatch cannot be started .*without --slurm the jobs run on this machine\.$/);
    const none = await cli('--out', at('nowhere'));
    expect(none.status).toBe(2);
    expect(plainLines(none).at(-1)).toMatch(/holds no sweep yet: name the annotation file/);
  });
});
