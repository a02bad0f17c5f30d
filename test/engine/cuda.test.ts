// ONNX Runtime's CUDA provider, added from a folder and taken away, by the command line: what is used then, what is told, and what stays.
// The libraries here are none, which is as far as a machine without an NVIDIA card gets with real ones too: they are there, and cannot be loaded.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNoCuda } from '../../src/platform';
import { type CliResult, jsonResult, runCli } from '../support/cli';
import { UNBUILT } from '../support/engine';

const NAMES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];
const WHY = UNBUILT || (whyNoCuda() === undefined ? '' : ' (skipped: there is no CUDA provider for this platform)');

describe.skipIf(WHY)(`CUDA support${WHY}`, () => {
  let folder: string;
  let provider: string;
  let place: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cuda-'));
    [provider, place] = [join(folder, 'provider'), join(folder, 'cache', 'runtime')];
    await mkdir(provider);
    for (const name of NAMES) await writeFile(join(provider, name), `no library, but ${name}`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Nothing leaves the machine: the only proxy is a port where nobody listens. */
  const cli = (line: string): Promise<CliResult> =>
    runCli(line.split(' '), { cwd: folder, env: { LABELSCOPE_CACHE: join(folder, 'cache'), HTTPS_PROXY: 'http://127.0.0.1:9' } });
  const installed = (): string[] => (existsSync(place) ? [place] : []);
  const left = async () => (await Promise.all(installed().map((at) => readdir(at)))).flat();

  it('is added after consent alone', async () => {
    const { status, stderr } = await cli('doctor --install cuda --from provider');
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(/cuda|CUDA.*--yes/) as string });
    expect(installed()).toEqual([]);
  });

  it('says which file is missing, and leaves nothing', async () => {
    const { status, stderr } = await cli('doctor --install cuda --yes --from .');
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(NAMES[0]!) as string });
    expect(await left()).toEqual([]);
  });

  it("says why ONNX Runtime's installer failed, and leaves nothing", async () => {
    const { status, stderr } = await cli('doctor --install cuda --yes');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(
        /installer could not fetch its CUDA provider \((?:.*127\.0\.0\.1:9|it ended early)\).*--from DIR/,
      ) as string,
    });
    expect(await left()).toEqual([]);
  });

  it('is a copy of ONNX Runtime that is used from then on, and is told of', async () => {
    const added = jsonResult(await cli(`doctor --install cuda --yes --from provider --json`)) as unknown as Added;
    expect(added).toMatchObject({
      available: false,
      files: NAMES.map((name) => ({ name, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string })),
    });
    expect(added.folder.startsWith(place)).toBe(true);
    // No longer that it is not installed: loading it was tried.
    expect(added.reason).toMatch(/^CUDA: /);
    expect(added.reason).not.toMatch(/not installed/);
    const said = await cli('doctor --device cpu');
    expect(said.stdout).toMatch(/added .*its files are those that were installed/);
  });

  it('tells when a file has changed, is put right by adding it anew, and is gone when it is removed', async () => {
    const { folder: copy } = jsonResult(await cli('doctor --device cpu --json')).cuda as Added;
    const file = join(copy, 'bin', 'napi-v6', process.platform, process.arch, NAMES[1]!);
    await writeFile(file, 'another');
    expect((await cli('doctor --device cpu')).stdout).toMatch(/its files have changed.*--install cuda/);
    expect((await cli('doctor --install cuda --yes --from provider')).status).toBe(0);
    expect(await readFile(file, 'utf8')).toBe(`no library, but ${NAMES[1]!}`);
    expect(jsonResult(await cli('doctor --remove cuda --yes --json'))).toEqual({ folder: copy, removed: true });
    expect(await left()).toEqual([]);
    const { cuda, devices } = jsonResult(await cli('doctor --device cpu --json')) as {
      cuda?: object;
      devices: { reason: string }[];
    };
    expect(cuda).toBeUndefined();
    expect(devices[0]!.reason).toMatch(/not installed.*--install cuda/);
    expect((await cli('doctor --remove cuda --yes')).stdout).toMatch(/Nothing was installed/);
  });
});

interface Added {
  readonly folder: string;
  readonly available: boolean;
  readonly reason: string;
  readonly files: readonly { readonly name: string }[];
}
