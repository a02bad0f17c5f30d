// The packaged extension on a far side: VS Code's server, which Remote-SSH starts there too, is started by ssh, and its window reached through it.
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecord } from '../../src/engine/client/folder';
import { type SshServer, startSshd, withoutSshd } from '../support/sshd';
import { tidyAfter } from './hooks';
import {
  contextMenu,
  enterThrough,
  explorerItem,
  NO_BROWSER,
  type Person,
  ready,
  runCommand,
  seeMap,
  visit,
  windowWith,
} from './person';
import { packagedExtension, prepareWorkspace, runFolder } from './workspace';

const WHY = NO_BROWSER || withoutSshd();

/** What a process was started with. */
async function environmentsOf(program: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = (pid: string, what: string) => readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '');
  const found = await Promise.all(pids.map(async (pid) => [await read(pid, 'cmdline'), await read(pid, 'environ')] as const));
  return found.flatMap(([command, environment]) => (command.includes(program) ? [environment] : []));
}

describe.skipIf(WHY !== '')(`a far side behind SSH${WHY}`, () => {
  let folder: string;
  let person: Person;
  let sshd: SshServer;

  const open = async () => {
    const settings = { 'labelscope.recipeSettings': { epochs: 3000, validationPatience: 0, learnRate: 0.0001 } };
    person = await visit({ folder, settings, vsix: packagedExtension(), far: sshd });
    await ready(person);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-far-'));
    await prepareWorkspace(folder, [], 24);
    sshd = await startSshd(join(folder, '.ssh'), { LABELSCOPE_CACHE: join(folder, '.cache') });
    await open();
  });
  tidyAfter(() => ({ folder, person }));
  afterAll(() => sshd?.stop());

  it('trains there, goes on when the connection is cut, and is found again', async () => {
    await contextMenu(person, await explorerItem(person, 'annotations', 'instances_train.json'), 'Train Multilabel Model');
    await enterThrough(person, ['Categories to train on', 'Which images judge', 'What learns', 'Where to compute']);
    const panel = await windowWith(person, '[data-command="pauseRun"]');
    await panel.locator('.badge', { hasText: 'training' }).waitFor();
    const engines = await environmentsOf('dist/engine.js');
    expect(engines.filter((environment) => environment.includes('SSH_CONNECTION='))).not.toEqual([]);
    await person.close();
    const run = await runFolder(folder);
    expect((await readRecord(run)).state).toBe('running');
    await expect.poll(async () => (await readRecord(run)).state, { timeout: 120_000, interval: 500 }).toBe('finished');
    await open();
    await runCommand(person, 'Labelscope: Evaluate Model');
    await enterThrough(person, ['Which model', 'On which images']);
    await windowWith(person, '#threshold');
  });

  it('shows images of there with their labels and maps', async () => {
    await seeMap(person);
    expect(person.complaints).toEqual([]);
  });
});
