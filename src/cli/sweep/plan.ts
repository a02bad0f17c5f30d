// What a sweep is: recipes × seeds × folds over one annotation file, kept in sweep.json of its folder, and the job of each combination.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isObject, parsed } from '../../engine/client/folder';
import { LabelscopeError } from '../../protocol/errors';
import type { DeviceChoice, RecipeName } from '../../protocol/recipe';
import { systemWords } from '../../system-errors';
import { writeAtomically } from '../../engine/client/atomic';
import { UsageError } from '../usage';

const PLAN = 'sweep.json';
const PLAN_FORMAT = 1;

/** What all jobs of a sweep have in common, and what they differ in. Paths are absolute. */
export interface SweepAsked {
  readonly annotations: string;
  readonly images?: string;
  /** Null: a share of the images. */
  readonly validation?: string | null;
  readonly validationImages?: string;
  readonly categories?: readonly string[];
  readonly recipes: readonly RecipeName[];
  readonly seeds: readonly number[];
  /** Absent where every job trains on the whole file. */
  readonly folds?: number;
  readonly set: Readonly<Record<string, string>>;
  readonly backbone?: string;
  readonly device: DeviceChoice;
}

/** sweep.json */
export interface SweepPlan extends SweepAsked {
  readonly format: number;
  /** SHA-256 of the annotation file's text. */
  readonly fingerprint: string;
}

/** One training and its evaluation. */
export interface SweepJob {
  /** From 1, in the order of recipes, seeds and folds: the task of a Slurm array. */
  readonly number: number;
  /** quick-seed0-fold1 */
  readonly name: string;
  readonly recipe: RecipeName;
  readonly seed: number;
  /** From 1; null without folds. */
  readonly fold: number | null;
  /** Its run folder. */
  readonly run: string;
}

export interface Sweep {
  readonly folder: string;
  readonly plan: SweepPlan;
  readonly jobs: readonly SweepJob[];
}

export function sweepOf(folder: string, plan: SweepPlan): Sweep {
  return { folder, plan, jobs: jobsOf(folder, plan) };
}

function jobsOf(folder: string, { recipes, seeds, folds }: SweepPlan): SweepJob[] {
  const parts = folds === undefined ? [null] : Array.from({ length: folds }, (_, k) => k + 1);
  const all = recipes.flatMap((recipe) => seeds.flatMap((seed) => parts.map((fold) => ({ recipe, seed, fold }))));
  return all.map(({ recipe, seed, fold }, k) => {
    const name = `${recipe}-seed${seed}${fold === null ? '' : `-fold${fold}`}`;
    return { number: k + 1, name, recipe, seed, fold, run: join(folder, name) };
  });
}

/** Undefined where the folder holds no sweep yet. @throws LabelscopeError 'sweep-unreadable', 'sweep-newer' */
export async function readPlan(folder: string): Promise<SweepPlan | undefined> {
  const path = join(folder, PLAN);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    const { reason, remedy } = systemWords(error);
    throw new LabelscopeError('sweep-unreadable', `${path} cannot be read: ${reason}. ${remedy}.`);
  });
  if (text === undefined) return undefined;
  const plan = parsed(text);
  if (!isPlan(plan))
    throw new LabelscopeError('sweep-unreadable', `${path} is damaged: it plans no sweep. Restore it, or choose another --out.`);
  if (plan.format > PLAN_FORMAT)
    throw new LabelscopeError(
      'sweep-newer',
      `${path} was written by a newer Labelscope (format ${plan.format}). Update Labelscope to use it.`,
    );
  return plan;
}

function isPlan(value: unknown): value is SweepPlan {
  if (!isObject(value) || typeof value.format !== 'number' || typeof value.annotations !== 'string') return false;
  const { recipes, seeds, folds } = value;
  const areRecipes = Array.isArray(recipes) && recipes.every((recipe) => typeof recipe === 'string' && /^[a-z-]+$/.test(recipe));
  const areSeeds = Array.isArray(seeds) && seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0);
  const areFolds = folds === undefined || (Number.isInteger(folds) && Number(folds) >= 2 && Number(folds) <= 100);
  return areRecipes && areSeeds && areFolds && isObject(value.set);
}

/** @throws LabelscopeError 'write-failed' */
export async function writePlan(folder: string, asked: SweepAsked, fingerprint: string): Promise<SweepPlan> {
  const plan: SweepPlan = { ...asked, format: PLAN_FORMAT, fingerprint };
  await writeAtomically(join(folder, PLAN), [JSON.stringify(plan, null, 2) + '\n']);
  return plan;
}

/** What may be asked anew of a sweep that has begun: its jobs are told apart by recipe and seed, and a device changes no result that counts. */
const FREE: ReadonlySet<keyof SweepAsked> = new Set(['recipes', 'seeds', 'device']);

/**
 * The plan with what is asked now: more or fewer recipes and seeds, another device.
 * @throws UsageError where a folder's sweep was begun with something else that its finished jobs cannot follow
 */
export function continued(folder: string, plan: SweepPlan, asked: Partial<SweepAsked>): SweepAsked {
  const keys = Object.keys(asked) as (keyof SweepAsked)[];
  const changed = keys.find((key) => !FREE.has(key) && !isDeepStrictEqual(asked[key], plan[key]));
  if (changed !== undefined)
    throw new UsageError(
      `The sweep in ${folder} was begun with ${OPTIONS[changed] ?? changed} ${worded(plan[changed])}, not ${worded(asked[changed])}. Leave it out to go on, or choose another --out.`,
    );
  return { ...plan, ...asked };
}

const OPTIONS: Readonly<Record<string, string>> = {
  annotations: 'the annotation file',
  images: '--images',
  validation: '--validation',
  validationImages: '--validation-images',
  categories: '--categories',
  folds: '--folds',
  set: '--set',
  backbone: '--backbone',
};

function worded(value: SweepAsked[keyof SweepAsked]): string {
  if (value === undefined || value === null) return 'none';
  if (typeof value !== 'object') return String(value);
  const words = Array.isArray(value) ? value : [Object.entries(value).map((pair) => pair.join('='))];
  return words.flat().join(' ') || 'none';
}

/** '0,1,5-7' → [0, 1, 5, 6, 7] @throws UsageError */
export function seedsIn(text: string): number[] {
  const seeds = text.split(',').flatMap((part) => {
    const [, first, last] = /^\s*(\d{1,15})(?:-(\d{1,15}))?\s*$/.exec(part) ?? [];
    if (first === undefined) throw new UsageError(`--seeds takes whole numbers such as 0,1,2 or 0-4, not '${text}'.`);
    const [from, to] = [Number(first), Number(last ?? first)];
    if (to < from || to - from >= MOST_JOBS)
      throw new UsageError(`--seeds: '${part}' is no range of at most ${MOST_JOBS} seeds.`);
    return Array.from({ length: to - from + 1 }, (_, k) => from + k);
  });
  return distinct('seeds', seeds);
}

/** More than anybody reads the comparison of. */
const MOST_JOBS = 10_000;

export function distinct<T>(option: string, values: readonly T[]): T[] {
  const twice = values.find((value, k) => values.indexOf(value) !== k);
  if (twice !== undefined) throw new UsageError(`--${option} names ${String(twice)} twice.`);
  return [...values];
}
