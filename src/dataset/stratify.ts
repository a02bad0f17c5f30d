// Splits a labelled set so that every part shows each category about as often as its share says: for a validation part, and for folds.
import { createHash } from 'node:crypto';
import type { LabelledSet } from './types';

interface StratifyOptions {
  /** The parts' shares of the images; they add up to 1. */
  readonly shares: readonly number[];
  readonly seed: number;
  /** File names of images that stay on one side; those that the set does not have are passed over. */
  readonly together?: readonly (readonly string[])[] | undefined;
}

/** One image, or several that stay together. */
interface Unit {
  readonly rows: readonly number[];
  /** Columns and how many of its images show them. */
  readonly labels: readonly (readonly [number, number])[];
  /** From seed and file name alone, uniform in 0..1: the order among equals, */
  readonly order: number;
  /** and the choice among equal parts. */
  readonly draw: number;
  part: number;
}

/** What the parts still want: of each category, and of images. */
interface Wants {
  readonly labels: readonly Float64Array[];
  readonly images: Float64Array;
}

/**
 * The part (0, 1, …) of every row. Iterative stratification (Sechidis, Tsoumakas, Vlahavas, "On the stratification of
 * multi-label data", ECML PKDD 2011, algorithm 1): as long as images are left, those of the category with the fewest left go, one
 * by one, to the part that wants this category most, among equals to the one that wants most images, else by lot.
 *
 * Beyond the paper: images that stay together are one example with the labels of all, larger ones first; a part wants at least one
 * image of each category that has as many units as there are parts; no part stays empty where there are enough units. The lot is a hash of
 * seed and file name, so the result is the same on every machine and does not depend on the order of images or categories.
 */
export function stratify(set: LabelledSet, { shares, seed, together = [] }: StratifyOptions): Uint8Array {
  const units = unitsOf(set, seed, together);
  const members = membersOf(units, set.categories.length);
  const wants = wantsOf(members, set.images.length, shares);
  const left = members.map((own, label) => own.reduce((sum, unit) => sum + countOf(unit, label), 0));
  // Names, not columns, decide among categories with equally few images.
  const byName = Array.from(set.categories.keys()).sort((a, b) => (set.categories[a]! < set.categories[b]! ? -1 : 1));
  for (let label = rarest(left, byName); label >= 0; label = rarest(left, byName)) {
    for (const unit of members[label]!) {
      if (unit.part >= 0) continue;
      assign(unit, choose(unit, [wants.labels[label]!, wants.images]), wants);
      for (const [own, count] of unit.labels) left[own]! -= count;
    }
  }
  for (const unit of units) if (unit.part < 0) assign(unit, choose(unit, [wants.images]), wants);
  fillEmpty(units, shares.length);
  const parts = new Uint8Array(set.images.length);
  for (const { rows, part } of units) for (const row of rows) parts[row] = part;
  return parts;
}

function unitsOf(set: LabelledSet, seed: number, together: readonly (readonly string[])[]): Unit[] {
  const rowOf = new Map(set.images.map(({ fileName }, row) => [fileName, row]));
  const groups = together.map((names) => [...new Set(names)].flatMap((name) => rowOf.get(name) ?? []));
  const grouped = new Set(groups.flat());
  const alone = Array.from(set.images.keys()).filter((row) => !grouped.has(row));
  const units = [...groups.filter((rows) => rows.length > 0), ...alone.map((row) => [row])].map((rows) =>
    unitOf(set, rows, seed),
  );
  return units.sort((a, b) => b.rows.length - a.rows.length || a.order - b.order);
}

function unitOf(set: LabelledSet, rows: readonly number[], seed: number): Unit {
  const names = rows.map((row) => set.images[row]!.fileName).sort();
  const digest = createHash('sha256').update(`${seed}\n${names[0]!}`).digest();
  const width = set.categories.length;
  const counts = new Map<number, number>();
  for (const row of rows) {
    for (let label = 0; label < width; label++) {
      if (set.labels[row * width + label] === 1) counts.set(label, (counts.get(label) ?? 0) + 1);
    }
  }
  const [order, draw] = [digest.readUIntBE(0, 6) / 2 ** 48, digest.readUIntBE(6, 6) / 2 ** 48];
  return { rows, labels: [...counts], order, draw, part: -1 };
}

function membersOf(units: readonly Unit[], labels: number): Unit[][] {
  const members: Unit[][] = Array.from({ length: labels }, () => []);
  for (const unit of units) for (const [label] of unit.labels) members[label]!.push(unit);
  return members;
}

const countOf = (unit: Unit, label: number) => unit.labels.find(([own]) => own === label)![1];

function wantsOf(members: readonly (readonly Unit[])[], images: number, shares: readonly number[]): Wants {
  return {
    labels: members.map((units, label) => {
      const total = units.reduce((sum, unit) => sum + countOf(unit, label), 0);
      return atLeastOne(
        shares.map((share) => share * total),
        units.length,
      );
    }),
    images: Float64Array.from(shares, (share) => share * images),
  };
}

/** Where there are enough units, parts that want less than one get one, at the cost of the part that wants most. */
function atLeastOne(wanted: readonly number[], units: number): Float64Array {
  if (units < wanted.length) return Float64Array.from(wanted);
  const raised = Float64Array.from(wanted, (want) => Math.max(1, want));
  const most = raised.indexOf(Math.max(...raised));
  for (const want of wanted) raised[most]! -= Math.max(0, 1 - want);
  return raised;
}

/** The category with the fewest images left; -1 where none has any. */
function rarest(left: readonly number[], byName: readonly number[]): number {
  let best = -1;
  for (const label of byName) if (left[label]! > 0 && (best < 0 || left[label]! < left[best]!)) best = label;
  return best;
}

/** The part that wants most by the first list; equals by the next; the rest by lot. */
function choose(unit: Unit, wants: readonly Float64Array[]): number {
  let candidates = Array.from(wants[0]!.keys());
  for (const want of wants) {
    const most = Math.max(...candidates.map((part) => want[part]!));
    candidates = candidates.filter((part) => want[part] === most);
  }
  return candidates[Math.floor(unit.draw * candidates.length)]!;
}

function assign(unit: Unit, part: number, wants: Wants): void {
  unit.part = part;
  wants.images[part]! -= unit.rows.length;
  for (const [label, count] of unit.labels) wants.labels[label]![part]! -= count;
}

/** Gives every empty part the last unit of the part with most units. */
function fillEmpty(units: readonly Unit[], parts: number): void {
  const of = (part: number) => units.filter((unit) => unit.part === part);
  for (let part = 0; part < parts && units.length >= parts; part++) {
    if (of(part).length > 0) continue;
    const all = Array.from({ length: parts }, (_, k) => of(k));
    const fullest = all.reduce((best, own) => (own.length > best.length ? own : best));
    fullest.at(-1)!.part = part;
  }
}
