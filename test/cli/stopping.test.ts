// Ctrl-C and kill -9 of the command line: what is kept, what is left running (nothing), and how --resume goes on.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/protocol/run';
import type { RecipeName } from '../../src/protocol/recipe';
import { jsonResult, plainLines, runCli, type RunningCli, startCli } from '../support/cli';
import { type TinyData, writeTinyData } from '../support/data';
import { expectSameModel, historyOf, isAlive, jsonOf, UNBUILT, until, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let tiny: string;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'stopping-'));
  data = await writeTinyData(join(folder, 'data'));
  tiny = join(folder, 'tiny.onnx');
  await writeTinyBackbone(tiny);
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

const SETTINGS: Readonly<Record<RecipeName, readonly string[]>> = {
  'matlab-example': ['epochs=50', 'batchSize=8', 'validationFrequency=5', 'validationPatience=0', 'threads=1'],
  balanced: [],
  quick: ['epochs=1500', 'validationPatience=0', 'threads=1'],
  best: [],
};

function command(recipe: RecipeName, run: string, ...more: string[]): string[] {
  const set = [...SETTINGS[recipe], 'checkpointFrequency=20', 'checkpointSeconds=0'].flatMap((setting) => ['--set', setting]);
  return [
    'train',
    data.train,
    '--recipe',
    recipe,
    '--backbone',
    tiny,
    '--run',
    run,
    '--device',
    'cpu',
    '--json',
    ...set,
    ...more,
  ];
}

const begun = (cli: RunningCli): Promise<void> =>
  until(() => /^Epoch \d+, iteration /m.test(cli.said()) || cli.process.exitCode !== null);

/** The engine's process, the only child of the command line. */
function engineOf(cli: RunningCli): number {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const children = rows.map((row) => row.trim().split(/\s+/).map(Number)).filter(([, parent]) => parent === cli.process.pid);
  return children[0]![0]!;
}

/** Resumes with the very same command line and expects the end of a run that was left alone. */
async function expectSameEnd(recipe: RecipeName, run: string, whole: string): Promise<void> {
  expect(jsonResult(await runCli(command(recipe, run, '--resume')))).toMatchObject({ stopped: 'epochs' });
  expect(await historyOf(run)).toEqual(await historyOf(whole));
  await expectSameModel(join(run, 'model.onnx'), join(whole, 'model.onnx'));
}

describe.skipIf(UNBUILT || process.platform === 'win32')(`labelscope train${UNBUILT}`, () => {
  describe.each(['matlab-example', 'quick'] as const)('%s', (recipe) => {
    let whole: string;
    beforeAll(async () => {
      whole = join(folder, `${recipe}-whole`);
      jsonResult(await runCli(command(recipe, whole)));
    });

    it('stops at Ctrl-C with everything kept, and goes on with --resume', async () => {
      const run = join(folder, `${recipe}-interrupted`);
      const cli = startCli(command(recipe, run));
      await begun(cli);
      const engine = engineOf(cli);
      cli.process.kill('SIGINT');
      const result = await cli.ended;
      expect([result.status, result.signal]).toEqual([130, null]);
      const { iterations, stopped } = jsonResult(result) as { iterations: number; stopped: string };
      expect(stopped).toBe('person');
      expect(isAlive(engine)).toBe(false);
      // A step whose validation was interrupted is told when the run goes on.
      expect([iterations, iterations - 1]).toContain((await historyOf(run)).length);
      expect((await jsonOf<RunRecord>(join(run, 'run.json'))).state).toBe('stopped');
      await expectSameEnd(recipe, run, whole);
    });

    it('goes on after kill -9 of the whole tree', async () => {
      const run = join(folder, `${recipe}-killed`);
      const cli = startCli(command(recipe, run));
      await begun(cli);
      const engine = engineOf(cli);
      process.kill(engine, 'SIGKILL');
      cli.process.kill('SIGKILL');
      await cli.ended;
      await until(() => !isAlive(engine));
      expect((await jsonOf<RunRecord>(join(run, 'run.json'))).state).toBe('running');
      await expectSameEnd(recipe, run, whole);
    });
  });

  it('says that the engine died, and how to go on', async () => {
    const cli = startCli(command('matlab-example', join(folder, 'died')));
    await begun(cli);
    process.kill(engineOf(cli), 'SIGKILL');
    const result = await cli.ended;
    expect([result.status, result.stdout]).toEqual([1, '']);
    expect(plainLines(result).at(-1)).toMatch(/^The engine process ended unexpectedly \(SIGKILL\)\..*--resume\.$/);
  });

  it('leaves no engine behind when it is killed, and the run is saved', async () => {
    const run = join(folder, 'orphan');
    const cli = startCli(command('matlab-example', run));
    await begun(cli);
    const engine = engineOf(cli);
    cli.process.kill('SIGKILL');
    await cli.ended;
    await until(() => !isAlive(engine));
    expect((await jsonOf<RunRecord>(join(run, 'run.json'))).state).toBe('stopped');
  });

  it('ends at once at the second Ctrl-C, and the run is saved all the same', async () => {
    const run = join(folder, 'twice');
    const cli = startCli(command('matlab-example', run));
    await begun(cli);
    const engine = engineOf(cli);
    cli.process.kill('SIGINT');
    await until(() => cli.said().includes('Ctrl-C again') || cli.process.exitCode !== null);
    cli.process.kill('SIGINT');
    expect((await cli.ended).status).toBe(130);
    await until(() => !isAlive(engine));
    expect((await jsonOf<RunRecord>(join(run, 'run.json'))).state).toBe('stopped');
  });

  it('stops other verbs with 130 and nothing on stdout', async () => {
    const cli = startCli(['sample', join(folder, 'sample'), '--images', '3000', '--json']);
    await until(() => existsSync(join(folder, 'sample')) || cli.process.exitCode !== null);
    cli.process.kill('SIGINT');
    const result = await cli.ended;
    expect([result.status, result.stdout]).toEqual([130, '']);
    expect(plainLines(result).at(-1)).toBe('Stopped.');
  });

  it('writes no report once it is stopped', async () => {
    const [pipe, out] = [join(folder, 'suspects.json'), join(folder, 'report.html')];
    execFileSync('mkfifo', [pipe]);
    const cli = startCli(['report', join('test', 'fixtures', 'run-format-2'), '--out', out, '--review', pipe, '--json']);
    // A pipe can be opened once somebody reads it: by then the work has begun, and it waits for what is written here.
    const suspects = await open(pipe, 'w');
    cli.process.kill('SIGINT');
    await until(() => cli.said().includes('Ctrl-C again') || cli.process.exitCode !== null);
    const numbers = { images: 0, folds: 0, found: 0 };
    await suspects.writeFile(JSON.stringify({ annotations: '', fingerprint: '', ...numbers, categories: [], suspects: [] }));
    await suspects.close();
    const { status, stdout } = await cli.ended;
    expect([status, stdout, cli.said().trim().split('\n').at(-1)]).toEqual([130, '', 'Stopped.']);
    expect(existsSync(out)).toBe(false);
  });

  it('does not mind that nobody reads its output to the end', () => {
    const script = `"${process.execPath}" dist/cli.js inspect "${data.train}" | true; echo "status \${PIPESTATUS[0]}"`;
    const output = execFileSync('bash', ['-c', `{ ${script}; } 2>&1`], { encoding: 'utf8' });
    expect(output).not.toMatch(/EPIPE|^\s+at /m);
    expect(output).toMatch(/status [01]$/m);
  });
});
