// The fields of a COCO file's image records beyond those that every program reads: a second pass over its images, made only where somebody asks.
import { readChunks, withFile } from '../dataset/chunks';
import { type FieldPlace, recordScanner, type RecordPlace, type Section } from '../dataset/records';
import type { CocoIndex } from '../dataset/types';
import type { FieldElements, FieldValue, ImageField } from '../metrics/facts';

/** They make no slices, or slices of their own. */
const KNOWN = new Set(['id', 'width', 'height']);
const NAME = 'file_name';

/** Limits for files that mean harm: nobody looks at so many fields, or reads such long values. */
const MOST_FIELDS = 64;
const LONGEST = 200;
/** With more different elements in its lists a field makes no slices (metrics/groups.ts), and what else is in them is not kept. */
const MOST_ELEMENTS = 256;

/**
 * Every field that is a number, a text, a boolean or a list of these in some record, for `count` rows; other values count as missing.
 *
 * @param rowOfRecord by row of `index.images`, -1 for records that are not wanted; of several records of one row the first counts
 * @returns no field at all where the file is not the one that the index was made from. Throws the signal's reason, and DatasetError as
 * `readAnnotations`
 */
export async function readImageFields(
  index: CocoIndex,
  rowOfRecord: Int32Array,
  count: number,
  signal: AbortSignal,
): Promise<ImageField[]> {
  const table = fieldTable(index, rowOfRecord, count);
  let section: Section | undefined;
  const scanner = recordScanner({
    fields: { has: (name) => section === 'images' && !KNOWN.has(name) },
    listStart: (found) => {
      section = found;
      // Where the list comes twice the last one counts.
      if (found === 'images') table.begin();
    },
    record: (record) => {
      if (record.section === 'images') table.add(record);
    },
    listEnd: () => (section = undefined),
  });
  await withFile(index.path, async (handle, size) => {
    for await (const chunk of readChunks(index.path, handle, size, { signal })) {
      scanner.push(chunk);
      if (table.isComplete()) break;
    }
  });
  return table.isComplete() ? table.fields() : [];
}

type Column = (FieldValue | FieldElements)[];

function fieldTable({ images }: CocoIndex, rowOfRecord: Int32Array, count: number) {
  const columns = new Map<string, Column>();
  const elements = new Map<string, Set<FieldValue>>();
  let seen = new Uint8Array(count);
  let matching = 0;
  const columnOf = (name: string): Column | undefined => {
    if (!columns.has(name) && columns.size < MOST_FIELDS) columns.set(name, Array<Column[number]>(count).fill(null));
    return columns.get(name);
  };
  const isRoomFor = (name: string, list: FieldElements): boolean => {
    const known = elements.get(name) ?? new Set();
    elements.set(name, known);
    if (known.size <= MOST_ELEMENTS) for (const element of list) known.add(element);
    return known.size <= MOST_ELEMENTS;
  };
  return {
    begin: () => {
      columns.clear();
      elements.clear();
      seen = new Uint8Array(count);
      matching = 0;
    },
    add: ({ row: record, fields }: RecordPlace) => {
      if (String(fields.get(NAME)?.value) === images[record]?.fileName) matching++;
      const row = rowOfRecord[record] ?? -1;
      if (row < 0 || seen[row] === 1) return;
      seen[row] = 1;
      for (const [name, place] of fields) {
        const kept = keptOf(place);
        const column = name === NAME || kept === null ? undefined : columnOf(name);
        if (column && (!Array.isArray(kept) || isRoomFor(name, kept))) column[row] = kept;
      }
    },
    isComplete: () => matching === images.length,
    fields: () => [...columns].map(([name, values]): ImageField => ({ name, values })),
  };
}

function keptOf({ value, elements }: FieldPlace): Column[number] {
  if (elements === undefined) return scalarOf(value);
  const kept = new Set(elements.map(scalarOf).filter((element) => element !== null));
  return kept.size > 0 ? [...kept] : null;
}

function scalarOf(value: FieldValue | undefined): FieldValue {
  if (typeof value === 'string') return value.slice(0, LONGEST);
  return typeof value === 'number' && !Number.isFinite(value) ? null : (value ?? null);
}
