// Node's headers for the binding of TensorFlow.js: taken where the machine has them, else fetched into the folder that is being made. npm is played by a script.
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeHeaders, nodeOfPath } from '../../src/engine/node-headers';
import { compileBinding } from '../../src/engine/tensorflow';

const folders: string[] = [];
let folder: string;
beforeEach(async () => {
  folders.push((folder = await mkdtemp(join(tmpdir(), 'headers-'))));
  for (const name of ['npm_config_nodedir', 'npm_config_devdir', 'XDG_CACHE_HOME']) vi.stubEnv(name, undefined);
  vi.stubEnv('HOME', folder);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => Promise.all(folders.map((one) => rm(one, { recursive: true }))));

async function withHeaders(...place: string[]): Promise<string> {
  const at = join(folder, ...place);
  await mkdir(join(at, 'include', 'node'), { recursive: true });
  await writeFile(join(at, 'include', 'node', 'node.h'), '');
  return at;
}

// Bindings are compiled on Linux alone.
describe.skipIf(process.platform === 'win32')("Node's headers", () => {
  const found = () => nodeHeaders({ program: join(folder, 'node', 'bin', 'node'), version: '22.1.0' });

  it('are those of the folder that is named, else those beside Node.js, else those that node-gyp has kept', async () => {
    expect(found()).toBeUndefined();
    const kept = await withHeaders('.cache', 'node-gyp', '22.1.0');
    expect(found()).toBe(kept);
    const beside = await withHeaders('node');
    expect(found()).toBe(beside);
    vi.stubEnv('npm_config_nodedir', await withHeaders('named'));
    expect(found()).toBe(join(folder, 'named'));
  });

  it('are those of the Node.js that npm runs with', async () => {
    await mkdir(join(folder, 'bin'));
    const told = JSON.stringify({ program: '/opt/node/bin/node', version: '22.1.0' });
    await writeFile(join(folder, 'bin', 'node'), `#!/bin/sh\necho '${told}'\n`);
    await chmod(join(folder, 'bin', 'node'), 0o700);
    vi.stubEnv('PATH', `${join(folder, 'bin')}:${process.env.PATH ?? ''}`);
    expect(await nodeOfPath()).toEqual({ program: '/opt/node/bin/node', version: '22.1.0' });
  });
});

const PACKAGE = '@tensorflow/tfjs-node';

describe.skipIf(process.platform === 'win32')('the compiled binding', () => {
  beforeEach(() => mkdir(join(folder, 'node_modules', PACKAGE), { recursive: true }));

  /** @param script of a shell, in the package's folder */
  async function compileWith(script: string, headers?: string): Promise<void> {
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin', 'npm'), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'bin', 'npm'), 0o700);
    vi.stubEnv('PATH', `${join(folder, 'bin')}:${process.env.PATH ?? ''}`);
    await compileBinding(folder, PACKAGE, headers, new AbortController().signal);
  }

  const TELL = `echo "$npm_config_nodedir|$npm_config_devdir" > '../../../told'`;
  const told = () => readFile(join(folder, 'told'), 'utf8');

  it("is compiled with this machine's headers, where it has them, and none are fetched", async () => {
    await compileWith(TELL, '/usr');
    expect(await told()).toBe('/usr|\n');
  });

  it('is compiled with headers that are fetched into the folder that is made, and go afterwards', async () => {
    await compileWith(`${TELL}; mkdir -p "$npm_config_devdir/20.1.0"`);
    expect(await told()).toBe(`|${join(folder, 'headers')}\n`);
    expect(existsSync(join(folder, 'headers'))).toBe(false);
  });

  it('says what to do where they cannot be fetched, and not where the compiler fails', async () => {
    const failing = 'echo "gyp ERR! stack Error: getaddrinfo ENOTFOUND nodejs.org" >&2; exit 1';
    await expect(compileWith(`mkdir -p "$npm_config_devdir"; ${failing}`)).rejects.toMatchObject({
      code: 'install-failed',
      message: expect.stringMatching(
        /headers.*ENOTFOUND nodejs\.org.*HTTPS_PROXY.*npm_config_nodedir.*Nothing was changed/,
      ) as string,
    });
    await rm(join(folder, 'bin'), { recursive: true });
    await expect(compileWith('mkdir -p "$npm_config_devdir/20.1.0"; echo "error: no room" >&2; exit 1')).rejects.toThrow(
      'The binding of TensorFlow.js could not be compiled (error: no room). Nothing was changed.',
    );
  });
});
