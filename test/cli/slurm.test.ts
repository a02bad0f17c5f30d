// The verb `sweep --slurm` on a real cluster of one node: the same table as here, a task that Slurm interrupts, and what Slurm refuses.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, jsonResult, plainLines, runCli } from '../support/cli';
import { type TinyData, writeTinyData } from '../support/data';
import { historyOf, jsonOf, UNBUILT, until, writeTinyBackbone } from '../support/engine';
import { type Cluster, startCluster, withoutSlurm } from '../support/slurm';

const SKIPPED = UNBUILT || withoutSlurm();

let folder: string;
let data: TinyData;
let cluster: Cluster;

const at = (...parts: string[]) => join(folder, ...parts);
const settings = (...set: string[]) => ['batchSize=8', 'threads=1', ...set].flatMap((one) => ['--set', one]);
const cli = (...args: string[]): Promise<CliResult> => runCli(['sweep', ...args, '--json'], { cwd: folder, env: cluster.env });
const begin = (out: string, ...args: string[]): Promise<CliResult> =>
  cli(data.train, '--backbone', at('tiny.onnx'), '--device', 'cpu', '--out', at(out), ...args);

beforeAll(async () => {
  if (SKIPPED) return;
  // Quotes and blanks have to survive the batch script.
  folder = await mkdtemp(join(tmpdir(), "slurm's sweep-"));
  data = await writeTinyData(join(folder, 'data'), { train: 21, validation: 7 });
  await writeTinyBackbone(join(folder, 'tiny.onnx'));
  cluster = await startCluster(await mkdtemp(join(tmpdir(), 'slurm-')));
});
afterAll(async () => {
  if (SKIPPED) return;
  await cluster.stop();
  await rm(join(cluster.env.SLURM_CONF!, '..'), { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(SKIPPED)(`labelscope sweep --slurm${SKIPPED}`, () => {
  it('has the jobs run as an array, and ends in the table of a sweep that ran here', async () => {
    const args = ['--recipes', 'quick,best', '--folds', '2', ...settings('epochs=2')];
    const here = jsonResult(await begin('here', ...args));
    const ran = await begin('there', ...args, '--slurm', '--wait', '--slurm-option=--time=10');
    expect({ status: ran.status, stderr: ran.stderr }).toMatchObject({ status: 0 });
    expect(jsonResult(ran)).toMatchObject({ rows: here.rows, jobs: Array(4).fill({ state: 'done' }) });
    const { job } = await jsonOf<{ job: string }>(at('there', 'slurm', 'submitted.json'));
    expect(plainLines(ran).at(-1)).toContain(`Slurm job ${job}: 4 tasks`);
    expect(await readFile(at('there', 'slurm', '4.log'), 'utf8')).toMatch(/^best-seed0-fold2, job 4 of 4$/m);
    // Nothing is left to hand over.
    expect(jsonResult(await cli('--out', at('there'), '--slurm'))).toMatchObject({ rows: here.rows });
  });

  it('saves a task that is interrupted, and refuses a second one for a run that is at work', async () => {
    const long = settings('epochs=400', 'validationPatience=0', 'checkpointFrequency=20', 'checkpointSeconds=0');
    expect((await begin('undisturbed', ...long)).status).toBe(0);
    const { slurm } = jsonResult(await begin('interrupted', ...long, '--slurm')) as { slurm: { job: string; tasks: number[] } };
    expect(slurm.tasks).toEqual([1]);
    const run = at('interrupted', 'quick-seed0');
    await until(async () => (await historyOf(run).catch(() => [])).length > 20);
    const second = await cli('--out', at('interrupted'), '--slurm');
    expect([second.status, second.stdout]).toEqual([1, '']);
    expect(plainLines(second).at(-1)).toMatch(new RegExp(`Slurm job ${slurm.job} still works .* scancel ${slurm.job}`));
    // What --signal=B:INT@120 sends before the time of a task is over.
    await cluster.run('scancel', '--signal=INT', '--batch', slurm.job);
    await until(async () => (await cluster.run('squeue', '--noheader', `--jobs=${slurm.job}`).catch(() => '')) === '');
    expect(await jsonOf(join(run, 'run.json'))).toMatchObject({ state: 'stopped' });
    const compared = await cli('--out', at('interrupted'), '--compare');
    expect(compared.status).toBe(1);
    expect(jsonResult(compared)).toMatchObject({ jobs: [{ state: 'unfinished' }], rows: [] });
  });

  it('goes on when it is submitted again', async () => {
    expect(jsonResult(await cli('--out', at('interrupted'), '--slurm', '--wait'))).toMatchObject({ jobs: [{ state: 'done' }] });
    expect(await historyOf(at('interrupted', 'quick-seed0'))).toEqual(await historyOf(at('undisturbed', 'quick-seed0')));
  });

  it('says what Slurm does not like', async () => {
    const result = await begin('refused', ...settings('epochs=1'), '--slurm', '--slurm-option=--partition=none');
    expect([result.status, result.stdout]).toEqual([1, '']);
    expect(plainLines(result).at(-1)).toMatch(/^Slurm did not take the sweep: .*invalid partition/i);
  });
});
