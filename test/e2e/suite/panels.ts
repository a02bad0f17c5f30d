// Panels that are opened and closed again, some before they are filled: no window, process, handle or file stays behind.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import v8 from 'node:v8';
import Mocha, { before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { RunRecord } from '../../../src/protocol/run';
import { api, inWorkspace, jsonOf } from './support';

/** The whole study is `npm run bench -- load panels`. */
const CYCLES = Number(process.env.LABELSCOPE_PANEL_CYCLES ?? 24);
const MINUTES = 60_000;
/** Longest time that a panel is open, in milliseconds. */
const LONGEST = 400;

const { executeCommand } = vscode.commands;

/** Objects of a class that are alive after a garbage collection. In Node since 20.13; not in the types of the oldest Node that we work with. */
const { queryObjects } = v8 as unknown as { queryObjects: (type: unknown, options: { format: 'count' }) => number };
const alive = (type: unknown): number => queryObjects(type, { format: 'count' });

describe('panels', () => {
  let openers: readonly (() => Thenable<unknown>)[];
  let webviewType: unknown;

  before(async () => {
    const [run, other, annotations] = await twoRuns();
    const { train } = await jsonOf<RunRecord>(join(run, 'run.json'));
    const [image] = (await readdir(train.images)).sort();
    const labelscope = await api();
    const compared = (await labelscope.runs()).filter(({ folder }) => folder === run || folder === other);
    equal(compared.length, 2);
    const file = vscode.Uri.file(annotations);
    openers = [
      () => executeCommand('labelscope.showDatasetReport', file),
      () => executeCommand('labelscope.openTraining', vscode.Uri.file(run)),
      () => executeCommand('labelscope.openEvaluation', vscode.Uri.file(run)),
      () => executeCommand('labelscope.reviewLabels', file),
      () => executeCommand('labelscope.compareRuns', undefined, compared),
      () => executeCommand('vscode.openWith', vscode.Uri.file(join(train.images, image!)), 'labelscope.image'),
    ];
    const probe = vscode.window.createWebviewPanel('labelscope.probe', '', vscode.ViewColumn.Active);
    webviewType = probe.webview.constructor;
    ok(alive(webviewType) > 0);
    probe.dispose();
  });

  it(`leave nothing behind, opened and closed ${CYCLES} times`, async function () {
    this.timeout(60 * MINUTES);
    await cycle(2 * openers.length);
    const earlier = await held();
    await cycle(CYCLES);
    let later = await held();
    // VS Code's own searches are processes of this host too, and one may just be ending: what stays is what counts.
    for (let trial = 0; trial < 10 && !isDeepStrictEqual(later.handles, earlier.handles); trial++) later = await held();
    for (const [when, { files, ...numbers }] of Object.entries({ before: earlier, after: later }))
      Mocha.reporters.Base.consoleLog(`${when}: ${JSON.stringify(numbers)}, ${files.length} temporary files`);
    const { webviews, children, handles, files } = later;
    // A listener that stayed would keep every window of its kind, a sixth of all. See docs/reliability.md for those that are closed while they are made.
    ok(webviews - earlier.webviews <= 1 + CYCLES / 40, `${webviews} windows are still held`);
    deepEqual({ children, handles, files }, { children: earlier.children, handles: earlier.handles, files: earlier.files });
  });

  async function cycle(times: number): Promise<void> {
    for (let k = 0; k < times; k++) {
      const opened = openers[k % openers.length]!();
      // Some are closed while they are made: what that brings is no error to tell.
      if (k % 3 > 0) {
        await opened;
        await wait((LONGEST * (k % 7)) / 7);
      } else {
        await Promise.race([opened, untilTab()]);
      }
      await closeAll();
      await opened;
      await closeAll();
    }
  }

  /** What this process holds when it has come to rest. */
  async function held() {
    await closeAll();
    await wait(2000);
    // What was asked for a panel that is closed is answered by and by.
    for (let trial = 0; trial < 20 && alive(webviewType) > 0; trial++) await wait(1000);
    return {
      webviews: alive(webviewType),
      heapMiB: Math.round((10 * process.memoryUsage().heapUsed) / 2 ** 20) / 10,
      children: childrenOf(process.pid)
        .map(({ name }) => name)
        .sort(),
      engineMiB: childrenOf(process.pid).map(({ pid }) => residentMiB(pid)),
      handles: handlesByKind(),
      files: readdirSync(tmpdir())
        .filter((name) => name.startsWith('labelscope'))
        .sort(),
    };
  }
});

async function closeAll(): Promise<void> {
  await vscode.window.tabGroups.close(vscode.window.tabGroups.all.flatMap((group) => group.tabs));
}

async function untilTab(): Promise<void> {
  while (vscode.window.tabGroups.all.every(({ tabs }) => tabs.length === 0)) await wait(5);
}

/** A run that was evaluated, its copy, and the annotations that it learned from. */
async function twoRuns(): Promise<readonly [run: string, other: string, annotations: string]> {
  const labelscope = await api();
  const sample = await labelscope.createSample(inWorkspace('panels'), 24);
  const validation = sample.validationAnnotations;
  const { run, done } = labelscope.train(sample.trainAnnotations, { validation, settings: { epochs: 20 } });
  await done;
  await labelscope.evaluate(run);
  const other = join(dirname(run), 'panels-copy');
  await cp(run, other, { recursive: true });
  await executeCommand('labelscope.refreshRuns');
  return [run, other, sample.trainAnnotations];
}

/** Handles that keep a process in touch with the world; timers are VS Code's own and come and go. */
function handlesByKind(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (!/Timeout|Immediate|FSReqPromise|FSReqCallback/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** None where the system does not tell. */
function childrenOf(pid: number): { readonly pid: number; readonly name: string }[] {
  if (!existsSync(`/proc/${pid}/task/${pid}/children`)) return [];
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.map((child) => ({
    pid: child,
    name: readFileSync(`/proc/${child}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
  }));
}

function residentMiB(pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
}
