// Runs side by side: metrics and the settings that differ, as a page of Markdown that is never in need of saving.
import * as vscode from 'vscode';
import type { Closable } from '../closable';
import type { RunInfo, Runs } from '../runs';
import { statusWord } from './trees';

const SCHEME = 'labelscope-comparison';

/** Shows a preview of the page whose address names the runs: after a reload it is written anew, from what the runs say then. */
export async function compareRuns(runs: readonly RunInfo[]): Promise<void> {
  const query = JSON.stringify(runs.map(({ folder }) => folder));
  const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${vscode.l10n.t('Runs side by side')}.md`, query });
  await vscode.commands.executeCommand('markdown.showPreview', uri);
}

/** Writes the pages of `compareRuns`. */
export function comparisons(runs: Runs): Closable {
  const provideTextDocumentContent = async ({ query }: vscode.Uri) => {
    const folders: unknown = JSON.parse(query);
    const wanted = Array.isArray(folders) ? folders : [];
    return comparison((await runs.list()).filter(({ folder }) => wanted.includes(folder))).join('\n');
  };
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, { provideTextDocumentContent });
}

type Row = readonly [what: string, ...values: string[]];

function comparison(runs: readonly RunInfo[]): string[] {
  const { t } = vscode.l10n;
  const metrics: Row[] = [
    [t('State'), ...runs.map(({ status }) => statusWord(status))],
    [t('Best validation loss'), ...runs.map(({ record }) => number(record?.result?.best?.validationLoss))],
    [t('Micro F1'), ...runs.map(({ evaluation }) => number(evaluation?.micro.f1))],
    [t('Micro precision'), ...runs.map(({ evaluation }) => number(evaluation?.micro.precision))],
    [t('Micro recall'), ...runs.map(({ evaluation }) => number(evaluation?.micro.recall))],
    [t('Macro F1'), ...runs.map(({ evaluation }) => number(evaluation?.macro.f1))],
    [t('Jaccard index'), ...runs.map(({ evaluation }) => number(evaluation?.jaccard))],
    [t('mAP'), ...runs.map(({ evaluation }) => number(evaluation?.mAP))],
    [t('Evaluated images'), ...runs.map(({ evaluation }) => String(evaluation?.images ?? '–'))],
  ];
  const note = t('Metrics compare only where the runs were evaluated on the same images.');
  return [
    `# ${t('Runs side by side')}`,
    '',
    ...table(['', ...runs.map(({ name }) => name)], metrics),
    '',
    note,
    '',
    `## ${t('Settings that differ')}`,
    '',
    ...differences(runs),
    '',
    `## ${t('Average precision by category')}`,
    '',
    ...table([t('Category'), ...runs.map(({ name }) => name)], precisionRows(runs)),
  ];
}

function number(value: number | null | undefined): string {
  return typeof value === 'number' ? value.toFixed(3) : '–';
}

/** Names are strangers' text: nothing in them may become a link, a cell or HTML. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+!|<>&~\r\n-]/g, (character) => (/[\r\n]/.test(character) ? ' ' : `\\${character}`));
}

function table(head: readonly string[], rows: readonly Row[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(plain).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)];
}

function differences(runs: readonly RunInfo[]): string[] {
  const settings = runs.map(({ record }) => ({ ...record?.recipe, seed: record?.seed, data: record?.train.annotations }));
  const keys = [...new Set(settings.flatMap((values) => Object.keys(values)))];
  const textOf = (values: Readonly<Record<string, string | number | boolean | undefined>>, key: string) =>
    String(values[key] ?? '–');
  const rows = keys
    .map((key): Row => [key, ...settings.map((values) => textOf(values, key))])
    .filter(([, ...values]) => new Set(values).size > 1);
  return rows.length > 0 ? table(['', ...runs.map(({ name }) => name)], rows) : [vscode.l10n.t('None.')];
}

function precisionRows(runs: readonly RunInfo[]): Row[] {
  const names = [...new Set(runs.flatMap(({ evaluation }) => evaluation?.categories ?? []))];
  return names.map((name): Row => {
    const values = runs.map(({ evaluation }) => number(evaluation?.perCategory.find(({ category }) => category === name)?.ap));
    return [name, ...values];
  });
}
