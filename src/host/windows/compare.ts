// Runs side by side: what their folders tell, and what the engine finds when it judges them on the images that they share.
import { join } from 'node:path';
import * as vscode from 'vscode';
import { EVALUATION, IMPORT_RECORD, RECORD } from '../../engine/client/folder';
import { differingSettings, readSideBySide } from '../../engine/client/side-by-side';
import type { CompareResult } from '../../protocol/compare';
import { LabelscopeError, toWireError } from '../../protocol/errors';
import type { CountProgress } from '../../protocol/messages';
import type { ComparisonChoice, ComparisonData } from '../../protocol/windows';
import type { Supervisor } from '../engine';
import { exportComparison } from '../flows/files';
import { isCancelled, tellProblem, wordsOf } from '../problems';
import { onNewStamps, stampOf } from '../runs';
import type { Services } from '../services';
import { sharedWork } from '../shared-work';
import type { PanelKind, Panels } from './panels';

/** A panel is found again by its resource: of this one the folders of its runs. */
export async function showComparison(panels: Panels, folders: readonly string[]): Promise<void> {
  await panels.show(JSON.stringify(folders));
}

type Needed = Pick<Services, 'context' | 'engine' | 'log' | 'runs'>;

export function comparePanel(services: Needed): PanelKind<'compare'> {
  const { engine, log, runs } = services;
  const judges = new Map<string, Judge>();
  return {
    name: 'compare',
    title: () => vscode.l10n.t('Runs side by side'),
    open: async (resource) => {
      const folders = foldersOf(resource);
      let known = await dataOf(folders);
      // Of a run that is deleted meanwhile the page keeps what it was told; its question is answered with what is wrong.
      const data = async () => (known = await dataOf(folders).catch(() => known));
      const judge = judging(engine, folders, () => known);
      judges.set(resource, judge);
      const calls = {
        compare: judge.compare,
        stop: () => {
          judge.stop();
          return Promise.resolve(null);
        },
        openEvaluation: async ({ folder }: { readonly folder: string }) => {
          // The command tells what goes wrong.
          await vscode.commands.executeCommand('labelscope.openEvaluation', vscode.Uri.file(checked(folders, folder)));
          return null;
        },
        report: async ({ first, threshold }: ComparisonChoice) => {
          await exportComparison(services, inOrder(folders, first), threshold).catch((error: unknown) => tellProblem(error, log));
          return null;
        },
      };
      return { roots: [], calls, data };
    },
    // Also where the command line has evaluated one of them.
    attach: (resource, window) => {
      const folders = foldersOf(resource);
      const judge = judges.get(resource)!;
      judge.tell = (comparing) => window.tell({ comparing });
      const following = onNewStamps(
        runs,
        () => stampsOf(folders),
        () => window.update(),
      );
      return {
        dispose: () => {
          following.dispose();
          judge.stop();
          if (judges.get(resource) === judge) judges.delete(resource);
        },
      };
    },
  };
}

/** @throws LabelscopeError 'runs-too-few' where it is no list of folders */
function foldersOf(resource: string): readonly string[] {
  const folders: unknown = JSON.parse(resource);
  if (Array.isArray(folders) && folders.every((folder) => typeof folder === 'string')) return folders;
  throw new LabelscopeError('runs-too-few', vscode.l10n.t('Choose two or more runs to compare.'));
}

async function dataOf(folders: readonly string[]): Promise<ComparisonData> {
  const found = await readSideBySide(folders);
  return {
    runs: found.map(({ folder, name, history }) => ({ folder, name, points: history })),
    settings: differingSettings(found),
    result: null,
  };
}

async function stampsOf(folders: readonly string[]): Promise<string> {
  const files = folders.flatMap((folder) => [EVALUATION, RECORD, IMPORT_RECORD].map((name) => join(folder, name)));
  return (await Promise.all(files.map(stampOf))).join();
}

function checked(folders: readonly string[], folder: string): string {
  if (folders.includes(folder)) return folder;
  throw new LabelscopeError('run-unknown', vscode.l10n.t('{0} is no run of this comparison.', folder));
}

function inOrder(folders: readonly string[], first: string): readonly string[] {
  return [checked(folders, first), ...folders.filter((folder) => folder !== first)];
}

interface Judge {
  readonly compare: (choice: ComparisonChoice) => Promise<CompareResult>;
  /** Gives up the question that is asked. */
  readonly stop: () => void;
  /** Hears how far it is. */
  tell: (progress: CountProgress) => void;
}

/** The last question counts. An answer is kept as long as the files that it comes from stay as they are: a page that is shown again asks again. */
function judging(engine: Supervisor, folders: readonly string[], told: () => ComparisonData): Judge {
  let asking = new AbortController();
  let known: { readonly key: string; readonly result: CompareResult } | undefined;
  // A page that is shown again asks again, too.
  const share = sharedWork<CompareResult>();
  const compare = async (choice: ComparisonChoice): Promise<CompareResult> => {
    const before = asking;
    const { signal } = (asking = new AbortController());
    const key = JSON.stringify([choice.first, choice.threshold, await stampsOf(folders)]);
    const asked = known?.key === key ? known.result : share(key, signal, (own) => judged(choice, own));
    before.abort();
    known = { key, result: await asked };
    return known.result;
  };
  const judged = ({ first, threshold }: ComparisonChoice, signal: AbortSignal): Promise<CompareResult> => {
    const onProgress = (progress: CountProgress) => !signal.aborted && judge.tell(progress);
    const params = { runs: inOrder(folders, first), ...(threshold !== null && { threshold }) };
    return engine.request('compare', params, { signal, onProgress }).catch(async (error: unknown) => {
      if (isCancelled(error)) throw error;
      const wire = toWireError(error);
      const gone = wire.code === 'run-missing' ? await missing(told()) : [];
      throw new LabelscopeError(wire.code, gone.length > 0 ? goneWords(gone) : wordsOf(wire));
    });
  };
  const judge: Judge = { compare, stop: () => asking.abort(), tell: () => undefined };
  return judge;
}

/** Names of the runs that are not there any more. */
async function missing({ runs }: ComparisonData): Promise<readonly string[]> {
  const stamps = ({ folder }: ComparisonData['runs'][number]) =>
    Promise.all([RECORD, IMPORT_RECORD].map((name) => stampOf(join(folder, name))));
  const found = await Promise.all(runs.map(async (run) => (await stamps(run)).some(Boolean)));
  return runs.filter((_, k) => !found[k]).map(({ name }) => name);
}

function goneWords(names: readonly string[]): string {
  return vscode.l10n.t('Deleted or moved since: {0}. Bring it back, or choose the runs to compare anew.', names.join(', '));
}
