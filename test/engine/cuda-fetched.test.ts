// ONNX Runtime's CUDA provider as its installer fetches it, from a feed on this machine: what is told meanwhile, what is compared, and what stays.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import { whyNoCuda } from '../../src/platform';
import type { InstallProgress, InstallResult } from '../../src/protocol/install';
import { jsonResult, runCli } from '../support/cli';
import { startEngine, UNBUILT } from '../support/engine';
import { catalogOf, type Feed, type FeedOptions, startFeed, zipOf } from '../support/feed';

const NAMES = ['cuda', 'shared', 'tensorrt'].map((name) => `libonnxruntime_providers_${name}.so`);
const MB = 1_000_000;

function whyNot(): string {
  if (UNBUILT) return UNBUILT;
  if (whyNoCuda() !== undefined) return ' (skipped: there is no CUDA provider for this platform)';
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return '';
  } catch {
    return ' (skipped: openssl, which makes the certificate of the feed, is missing)';
  }
}
const WHY = whyNot();

describe.skipIf(WHY)(`CUDA support that is fetched${WHY}`, () => {
  const libraries = Object.fromEntries(NAMES.map((name) => [`runtimes/linux-x64/native/${name}`, randomBytes(MB)]));
  const content = zipOf(libraries);
  let folder: string;
  let cache: string;
  let feed: Feed;
  let engine: EngineClient | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fetched-'));
    cache = join(folder, 'cache');
    await mkdir(cache);
  });
  afterEach(async () => {
    await engine?.stop();
    feed.close();
    vi.unstubAllEnvs();
    await rm(join(cache, 'runtime'), { recursive: true, force: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function serve(options: Partial<FeedOptions> = {}): Promise<Feed['env']> {
    feed = await startFeed(folder, { package: content, ...options });
    return { ...feed.env, LABELSCOPE_CACHE: cache };
  }

  /** Adds it, and answers what was told. @param stopAt ends it once so many bytes are there */
  async function install(
    options?: Partial<FeedOptions>,
    stopAt = Infinity,
  ): Promise<{ told: InstallProgress[]; result: InstallResult }> {
    for (const [name, value] of Object.entries(await serve(options))) vi.stubEnv(name, value);
    const [told, stop]: [InstallProgress[], AbortController] = [[], new AbortController()];
    engine = startEngine();
    const onProgress = (progress: InstallProgress) => {
      told.push(progress);
      if (progress.bytes >= stopAt) stop.abort();
    };
    const result = await engine.request('install', { what: 'cuda' }, { signal: stop.signal, onProgress });
    return { told, result };
  }

  const left = () => (existsSync(join(cache, 'runtime')) ? readdir(join(cache, 'runtime')) : []);
  const sum = (algorithm: string, of: Buffer) => createHash(algorithm).update(of).digest('hex');

  it('says how much has come of how much, and installs what its feed lists', async () => {
    const { told, result } = await install();
    const fetching = told.filter(({ stage }) => stage === 'fetching');
    expect(fetching[0]!.bytes).toBeLessThan(content.length);
    expect(new Set(fetching.map(({ total }) => total))).toEqual(new Set([content.length]));
    expect(fetching.at(-1)!.bytes).toBe(content.length);
    expect([...new Set(told.map(({ stage }) => stage))]).toEqual(['fetching', 'unpacking', 'checking']);
    expect(result.package).toEqual({
      url: expect.stringMatching(/^https:.*microsoft\.ml\.onnxruntime\.gpu\.linux\.[\d.]+\.nupkg$/) as string,
      bytes: content.length,
      sha512: sum('sha512', content),
      listed: true,
    });
    for (const { name, sha256 } of result.files) {
      expect(sha256).toBe(sum('sha256', libraries[`runtimes/linux-x64/native/${name}`]!));
      expect(await readFile(join(result.folder, 'bin', 'napi-v6', process.platform, process.arch, name))).toHaveLength(MB);
    }
  });

  it.each(['none named', 'excepted'] as const)('comes without a proxy too: %s', async (way) => {
    const { told, result } = await install({ way });
    expect(told.filter(({ stage }) => stage === 'fetching').at(-1)!.bytes).toBe(content.length);
    expect(result.package).toMatchObject({ sha512: sum('sha512', content), listed: true });
  });

  it('takes the size that the feed lists where the answer does not say it', async () => {
    const { told } = await install({ tellsLength: false });
    const fetching = told.filter(({ stage }) => stage === 'fetching');
    expect(fetching[0]).not.toHaveProperty('total');
    expect(fetching.at(-1)).toEqual({ stage: 'fetching', bytes: content.length, total: content.length });
  });

  it('installs what its feed lists no checksum of, and says so', async () => {
    const env = await serve({ tellsLength: false, catalog: false });
    const json = jsonResult(await runCli(['doctor', '--install', 'cuda', '--yes', '--json'], { cwd: folder, env }));
    expect(json.package).toMatchObject({ bytes: content.length, listed: false });
    const { stdout } = await runCli(['doctor', '--install', 'cuda', '--yes'], { cwd: folder, env });
    expect(stdout).toMatch(/^Fetched https:.*SHA-512 [0-9a-f]{128} \(not compared: its feed lists no checksum/);
  });

  it('throws away what has another checksum than its feed lists, and keeps what was there', async () => {
    const { result } = await install();
    await engine!.stop();
    feed.close();
    const other = { ...catalogOf(content), packageHash: catalogOf(content.subarray(1)).packageHash };
    await expect(install({ catalog: other })).rejects.toMatchObject({
      code: 'install-failed',
      message: expect.stringMatching(new RegExp(`SHA-512 ${sum('sha512', content)}, and its feed lists [0-9a-f]{128}`)) as string,
    });
    expect(await left()).toEqual([result.folder.split('/').at(-1)]);
  });

  it('says where the connection broke off, and leaves nothing', async () => {
    await expect(install({ sent: MB, breaks: true })).rejects.toMatchObject({
      code: 'install-failed',
      message: expect.stringMatching(`\\(the connection broke off after \\d+ bytes of ${content.length}\\)`) as string,
    });
    expect(await left()).toEqual([]);
  });

  it('can be stopped while it is fetched, and leaves nothing', async () => {
    await expect(install({ sent: MB }, 1)).rejects.toMatchObject({ code: 'cancelled' });
    expect(await left()).toEqual([]);
  });
});
