// Other programs, run for what they do: what they say of their failure, and that nothing of them goes on when they are stopped.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTool } from '../../src/engine/tool';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tool-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (script: string, signal = new AbortController().signal) =>
  runTool(process.execPath, ['-e', script], { cwd: folder, signal });

/** A program that starts another one, which has the same streams and writes the file as long as it runs. */
const PARENT = `
require('node:child_process').spawn(process.execPath, ['-e', \`
  setInterval(() => require('node:fs').appendFileSync('beats', '.'), 20);
\`], { stdio: 'inherit' });
setInterval(() => undefined, 1000);
`;

describe('another program', () => {
  it('answers nothing where all is well, else what it says of the error', async () => {
    expect(await run('')).toBeUndefined();
    expect(await run("console.log('begun'); console.error('an error: full'); process.exit(3)")).toBe('an error: full');
    expect(await run('process.exit(3)')).toBe('it gave no reason');
    expect(await runTool('no-such-tool', [], { signal: new AbortController().signal })).toMatch(/no-such-tool ENOENT/);
  });

  it('is not started when it was stopped before', async () => {
    const reason = new Error('stopped');
    await expect(run("require('node:fs').writeFileSync('begun', '')", AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(existsSync(join(folder, 'begun'))).toBe(false);
  });

  // Tools are run on Linux alone; Windows knows no such groups.
  it.skipIf(process.platform === 'win32')('has ended with all that it started when its stop is told', async () => {
    const [stop, reason, beats] = [new AbortController(), new Error('stopped'), join(folder, 'beats')];
    const running = expect(run(PARENT, stop.signal)).rejects.toBe(reason);
    await expect.poll(() => existsSync(beats), { timeout: 20_000 }).toBe(true);
    stop.abort(reason);
    await running;
    const left = (await readFile(beats)).length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await readFile(beats)).length).toBe(left);
  });
});
