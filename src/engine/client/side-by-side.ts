// Runs and imported models side by side, as their folders tell: names that tell them apart, histories, and the settings that differ.
import { realpath } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { SettingRow } from '../../protocol/compare';
import { LabelscopeError } from '../../protocol/errors';
import type { HistoryPoint } from '../../protocol/messages';
import type { RunRecord } from '../../protocol/run';
import { readHistory, readImport, readRecord } from './folder';

export interface RunBeside {
  readonly folder: string;
  /** Each run's own. */
  readonly name: string;
  /** Undefined for an imported model. */
  readonly record: RunRecord | undefined;
  readonly history: readonly HistoryPoint[];
}

/** @throws LabelscopeError 'runs-too-few', 'run-repeated', 'run-missing', 'run-unreadable', 'run-newer' */
export async function readSideBySide(places: readonly string[]): Promise<readonly RunBeside[]> {
  const folders = places.map((place) => resolve(place));
  if (folders.length < 2)
    throw new LabelscopeError('runs-too-few', 'A comparison takes at least two runs. Give the folders of two or more.');
  await checkDistinct(folders);
  const runs = await Promise.all(folders.map(readOne));
  return runs.map((run) => ({ ...run, name: ownName(run, runs) }));
}

/** @throws LabelscopeError 'run-repeated' */
async function checkDistinct(folders: readonly string[]): Promise<void> {
  const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => folder)));
  const repeated = folders.find((_, k) => real.indexOf(real[k]!) !== k);
  if (repeated === undefined) return;
  throw new LabelscopeError('run-repeated', `${repeated} is given twice: a run is not compared with itself. Give each run once.`);
}

async function readOne(folder: string): Promise<RunBeside> {
  const imported = await readImport(folder);
  if (imported) return { folder, name: imported.name, record: undefined, history: [] };
  const record = await readRecord(folder);
  return {
    folder,
    name: typeof record.name === 'string' ? record.name : basename(folder),
    record,
    history: await readHistory(folder),
  };
}

/** People give many runs one name, and parents of runs one name as well. */
function ownName(run: RunBeside, runs: readonly RunBeside[]): string {
  const same = runs.filter(({ name }) => name === run.name);
  if (same.length === 1) return run.name;
  const place = basename(run.folder);
  const isOwn = same.filter(({ folder }) => basename(folder) === place).length === 1;
  return `${run.name} (${isOwn ? place : run.folder})`;
}

type Setting = SettingRow['values'][number];

/** In the order in which they are first met. */
export function differingSettings(runs: readonly RunBeside[]): readonly SettingRow[] {
  const all = runs.map(({ record }) => (record ? settingsOf(record) : new Map<string, Setting>()));
  const names = [...new Set(all.flatMap((settings) => [...settings.keys()]))];
  return names
    .map((setting) => ({ setting, values: all.map((settings) => settings.get(setting) ?? null) }))
    .filter(({ values }) => new Set(values).size > 1);
}

/** What the reader of a record does not look at may be missing in one that somebody wrote. */
type Loose<T> = { readonly [K in keyof T]?: T[K] extends object ? Partial<T[K]> : T[K] };

function settingsOf(record: RunRecord): Map<string, Setting> {
  const { recipe, seed, train, validation, categories } = record;
  const { backbone, device, labelscope, form }: Loose<RunRecord> = record;
  const values: readonly (readonly [string, unknown])[] = [
    ...Object.entries(recipe),
    ['seed', seed],
    ['training data', train.annotations],
    ['training data SHA-256', train.fingerprint],
    ['training images', train.count],
    ['validation data', validation.annotations],
    ['validation data SHA-256', validation.fingerprint],
    ['validation images', validation.count],
    ['categories', categories.join(', ')],
    ['backbone', typeof backbone?.path === 'string' ? basename(backbone.path) : undefined],
    ['backbone SHA-256', backbone?.sha256],
    ['device', device?.device],
    ['form of a step', form?.form ?? 'plain'],
    ['Labelscope', labelscope],
  ];
  return new Map(values.map(([name, value]) => [name, settingOf(value)]));
}

/** Values are compared as such: of what is none there is the text. */
function settingOf(value: unknown): Setting {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return value === undefined || value === null ? null : JSON.stringify(value);
}
