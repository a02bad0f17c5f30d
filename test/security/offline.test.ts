// The command line and its engine where every socket fails: they work, try to reach nobody, and what the environment holds is written nowhere.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TinyData, writeTinyData } from '../support/data';
import { UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'offline-'));
  data = await writeTinyData(join(folder, 'data'));
  await writeTinyBackbone(join(folder, 'tiny.onnx'));
  await writeFile(join(folder, 'attempts.txt'), '');
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

const SECRET = 'ghp_thisStandsInNoFileAndNoLine0123456789';

/** Programs that cut what they start off from every network, where this machine has one. */
const CUT = ((): string[] => {
  try {
    execFileSync('unshare', ['--map-root-user', '--net', 'true'], { stdio: 'ignore' });
    return ['unshare', '--map-root-user', '--net'];
  } catch {
    return [];
  }
})();

function cli(...args: readonly string[]): { status: number | null; said: string } {
  const [program, ...words] = [...CUT, process.execPath, resolve('dist', 'cli.js'), ...args];
  const env = {
    ...process.env,
    NODE_OPTIONS: `--require ${JSON.stringify(resolve('test', 'security', 'no-network.cjs'))}`,
    LABELSCOPE_ATTEMPTS: join(folder, 'attempts.txt'),
    LABELSCOPE_CACHE: join(folder, 'cache'),
    GITHUB_TOKEN: SECRET,
    NPM_CONFIG__AUTH: SECRET,
    HTTPS_PROXY: `http://user:${SECRET}@proxy.test:8080`,
  };
  const { status, stdout, stderr } = spawnSync(program!, words, { encoding: 'utf8', env, cwd: folder });
  return { status, said: stdout + stderr };
}

async function filesIn(place: string): Promise<string[]> {
  const names = await readdir(place, { recursive: true });
  const paths = names.map((name) => join(place, name));
  return (await Promise.all(paths.map(async (path) => ((await stat(path)).isFile() ? [path] : [])))).flat();
}

describe.skipIf(UNBUILT)(`without any network${UNBUILT}`, () => {
  const image = () => join(data.validationImages, 'val-000.png');
  const verbs: readonly (readonly [string, () => string[]])[] = [
    ['inspect', () => [data.train]],
    ['doctor', () => ['--device', 'cpu']],
    ['sample', () => ['sample', '--images', '12']],
    [
      'train',
      () => [data.train, '--backbone', 'tiny.onnx', '--run', 'run', '--device', 'cpu', '--set', 'epochs=5', '--set', 'threads=1'],
    ],
    ['evaluate', () => ['run', '--device', 'cpu']],
    ['predict', () => ['run', image(), '--device', 'cpu']],
    ['explain', () => ['run', image(), '--device', 'cpu', '--out', 'maps']],
    ['export', () => ['run', '--out', 'exported.onnx']],
    ['report', () => ['run', '--out', 'report.html']],
    ['import', () => ['exported.onnx', '--out', 'imported']],
  ];

  it.each(verbs)('labelscope %s does its work', (verb, args) => {
    const { status, said } = cli(verb, ...args());
    expect({ status, said }).toEqual({ status: 0, said: expect.not.stringContaining(SECRET) as string });
  });

  it('is what they had: who tries is refused and written down', async () => {
    const attempts = join(folder, 'tried.txt');
    const hook = resolve('test', 'security', 'no-network.cjs');
    for (const code of [
      "require('node:net').connect(9, '127.0.0.1')",
      "fetch('http://127.0.0.1:9')",
      "require('node:dns').lookup('a.test')",
    ])
      expect(
        spawnSync(process.execPath, ['--require', hook, '-e', code], { env: { LABELSCOPE_ATTEMPTS: attempts } }).status,
      ).toBe(1);
    expect((await readFile(attempts, 'utf8')).trim().split('\n')).toHaveLength(3);
  });

  it('tried to reach nobody', async () => {
    expect(await readFile(join(folder, 'attempts.txt'), 'utf8')).toBe('');
  });

  it('wrote no secret of the environment into a file', async () => {
    const files = await filesIn(folder);
    for (const name of ['run/run.json', 'run/evaluation.json', 'report.html', 'exported.onnx'])
      expect(files).toContain(join(folder, ...name.split('/')));
    const told = await Promise.all(files.map(async (file) => ((await readFile(file)).includes(SECRET) ? [file] : [])));
    expect(told.flat()).toEqual([]);
  });
});
