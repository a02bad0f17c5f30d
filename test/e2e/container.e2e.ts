// The packaged extension in a dev container: started from the devcontainer.json that the documents show, with the program that VS Code starts there
// too, and used through a browser; and its command line, with the Node.js that such a container has of VS Code's server alone.
import { copyFile, mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readRecord } from '../../src/engine/client/folder';
import { EDITORS } from '../../src/editor/install';
import { type DevContainer, startDevContainer, withoutContainers } from '../support/container';
import { tidyAfter } from './hooks';
import {
  contextMenu,
  enterThrough,
  explorerItem,
  NO_BROWSER,
  type Person,
  ready,
  ROOT,
  runCommand,
  seeMap,
  visit,
  windowWith,
} from './person';
import { packagedExtension, prepareWorkspace, runFolder } from './workspace';

const EXAMPLE = join(ROOT, 'test', 'fixtures', 'devcontainer', 'devcontainer.json');
const WHY = NO_BROWSER || withoutContainers();
// Titles of what is skipped are not shown where something else of the file ran.
if (WHY !== '') process.stderr.write(`A dev container${WHY}\n`);

interface Settings {
  readonly customizations: { readonly vscode: { readonly extensions: readonly string[] } };
}

it('is documented as it is tested', async () => {
  const [example, document] = await Promise.all([
    readFile(EXAMPLE, 'utf8'),
    readFile(join(ROOT, 'docs', 'troubleshooting.md'), 'utf8'),
  ]);
  const indented = example.trimEnd().replaceAll(/^/gm, '    ');
  expect(document).toContain(indented);
});

/** Of this machine, which sees the container's processes too. */
async function engines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, i) => commands[i]!.includes('dist/engine.js'));
}

/** @param state where VS Code's server keeps what is installed */
async function installedCli(state: string): Promise<string> {
  const files = await readdir(state, { recursive: true });
  return join(
    state,
    files.find((path) => /extensions\/labelscope\.[^/]+\/dist\/cli\.js$/.test(path))!,
  );
}

describe.skipIf(WHY !== '')(`a dev container${WHY}`, () => {
  let folder: string;
  let project: string;
  let named: string;
  let person: Person;
  let container: DevContainer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-container-'));
    project = join(folder, 'project');
    await prepareWorkspace(project, [], 24);
    await mkdir(join(project, '.devcontainer'));
    await copyFile(EXAMPLE, join(project, '.devcontainer', 'devcontainer.json'));
    named = (JSON.parse(await readFile(EXAMPLE, 'utf8')) as Settings).customizations.vscode.extensions[0]!;
    const vsix = join(project, basename(named));
    await copyFile(packagedExtension(), vsix);
    // VS Code's server keeps its state there.
    vi.stubEnv('TMPDIR', join(folder, 'state'));
    await mkdir(join(folder, 'state'));
    container = startDevContainer(project, [EDITORS, process.execPath, join(folder, 'state')]);
    person = await visit({ folder: project, vsix, far: container });
    await ready(person);
  });
  tidyAfter(() => ({ folder, person }));
  afterAll(() => {
    vi.unstubAllEnvs();
    container?.stop();
  });

  it('is another system than this one, and has the package where its settings name it', () => {
    expect(basename(named)).toBe(basename(packagedExtension()));
    expect(container.run('sh', '-c', `. /etc/os-release; test -f '${named}' && echo "$ID $VERSION_ID"`).trim()).toBe('debian 12');
    expect(container.holds(String(process.pid))).toBe(false);
  });

  it('trains there after a right click, and evaluates', async () => {
    await contextMenu(person, await explorerItem(person, 'annotations', 'instances_train.json'), 'Train Multilabel Model');
    await enterThrough(person, ['Categories to train on', 'Which images judge', 'What learns', 'Where to compute']);
    const panel = await windowWith(person, '[data-card="history"]');
    await panel.locator('.badge', { hasText: 'finished' }).waitFor({ timeout: 180_000 });
    expect((await readRecord(await runFolder(project))).state).toBe('finished');
    expect((await engines()).map(container.holds)).toContain(true);
    await runCommand(person, 'Labelscope: Evaluate Model');
    await enterThrough(person, ['Which model', 'On which images']);
    await windowWith(person, '#threshold');
  });

  it('shows labels of an image with its maps', async () => {
    await seeMap(person);
    expect(person.complaints).toEqual([]);
  });

  it('trains and evaluates on its command line, in the folder of the installed extension', async () => {
    const cli = await installedCli(join(folder, 'state'));
    const labelscope = (...args: string[]) =>
      JSON.parse(container.run(process.execPath, cli, ...args, '--json')) as Record<string, unknown>;
    labelscope('sample', '/tmp/sample', '--images', '24');
    labelscope(
      'train',
      '/tmp/sample/annotations/instances_train.json',
      '--set',
      'epochs=4',
      '--device',
      'cpu',
      '--run',
      '/tmp/run',
    );
    expect(labelscope('evaluate', '/tmp/run')).toMatchObject({ images: 12 });
  });
});
