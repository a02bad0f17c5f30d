// What libraries do by themselves: ONNX Runtime's own builds send reports to their maker, through libcurl, past everything that Node can see. Not here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TinyData, writeTinyData } from '../support/data';
import { UNBUILT, writeTinyBackbone } from '../support/engine';

/** What tells ONNX Runtime to send nothing, so that it would say nothing of us. */
const SUPPRESSING =
  /^(ORT_|CI$|TF_BUILD|GITHUB_ACTIONS|JENKINS|GITLAB|TRAVIS|CIRCLECI|APPVEYOR|TEAMCITY|BUILDKITE|CODEBUILD|BUILD_)/;

let folder: string;
let data: TinyData;
let proxy: Server;
/** First lines of what came through the proxy that every program is told to use. */
const asked: string[] = [];

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'telemetry-'));
  data = await writeTinyData(join(folder, 'data'));
  await writeTinyBackbone(join(folder, 'tiny.onnx'));
  for (const name of ['home', 'temporary']) await mkdir(join(folder, name));
  proxy = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => {
      asked.push(bytes.toString('latin1').split('\r\n')[0]!);
      socket.destroy();
    });
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
});
afterAll(async () => {
  if (UNBUILT) return;
  proxy.close();
  await rm(folder, { recursive: true, force: true });
});

async function cli(...args: readonly string[]): Promise<number | null> {
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const own = Object.entries(process.env).filter(([name]) => !SUPPRESSING.test(name) && !/^XDG_/.test(name));
  const proxies = ['http_proxy', 'https_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);
  const env = {
    ...Object.fromEntries(own),
    ...Object.fromEntries(proxies.map((name) => [name, address])),
    ...Object.fromEntries(['HOME', 'USERPROFILE', 'LOCALAPPDATA'].map((name) => [name, join(folder, 'home')])),
    ...Object.fromEntries(['TMPDIR', 'TEMP', 'TMP'].map((name) => [name, join(folder, 'temporary')])),
    LABELSCOPE_CACHE: join(folder, 'cache'),
  };
  const child = spawn(process.execPath, [resolve('dist', 'cli.js'), ...args, '--device', 'cpu'], {
    stdio: 'ignore',
    env,
    cwd: folder,
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  return status;
}

describe.skipIf(UNBUILT)(`programs and their libraries${UNBUILT}`, () => {
  it('ask nobody, also where a proxy would let them, and keep no mark of the person or of their machine', async () => {
    const settings = ['--set', 'epochs=5', '--set', 'threads=1'];
    expect(await cli('train', data.train, '--backbone', 'tiny.onnx', '--run', 'run', ...settings)).toBe(0);
    expect(await cli('predict', 'run', join(data.validationImages, 'val-000.png'))).toBe(0);
    expect(await readdir(join(folder, 'home'), { recursive: true })).toEqual([]);
    expect(await readdir(join(folder, 'temporary'))).toEqual([]);
    expect(asked).toEqual([]);
  });
});
