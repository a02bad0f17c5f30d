// Repairs an annotation file where a repair is certain: everything else in it stays as it stands, byte by byte.
import { readChunks, withFile } from './chunks';
import type { Fault } from './faults';
import { writeNewFiles } from './new-files';
import type { RecordPlace } from './records';
import { rewriter } from './rewrite';
import type { CocoIndex } from './types';

const FIELDS: ReadonlySet<string> = new Set(['id', 'category_id', 'width', 'height']);

interface Repaired {
  /** To be fed with the file's bytes, as a `Rewriter`; answers the repaired text piece by piece. */
  readonly push: (bytes: Buffer) => Buffer;
  readonly end: () => void;
}

/**
 * Carries out the repairs of `faults`. A category that is merged into another goes, and its annotations get the other's id.
 *
 * @param idTexts by row of `index.categories`, its id as it is written (`categoryIdTexts`)
 */
function repairs(index: CocoIndex, faults: readonly Fault[], idTexts: readonly string[]): Repaired {
  const removed = new Set<string>();
  const values = new Map<string, Record<string, string>>();
  const merged = new Map<number, number>();
  for (const { section, row, repair } of faults) {
    const key = `${section} ${row}`;
    if (repair?.kind === 'set') values.set(key, { ...values.get(key), ...repair.values });
    else if (repair) removed.add(key);
    if (repair?.kind === 'merge') merged.set(row, repair.into);
  }
  const valuesOf = ({ section, row }: RecordPlace) => {
    const into = section === 'annotations' ? merged.get(index.annotations.category[row]!) : undefined;
    const own = values.get(`${section} ${row}`);
    return into === undefined ? own : { ...own, category_id: idTexts[into]! };
  };
  const { push, end } = rewriter(1, FIELDS, (record, text) => {
    if (removed.has(`${record.section} ${record.row}`)) return { outputs: [] };
    const changes = valuesOf(record);
    return { outputs: [0], ...(changes && { text: withValues(record, text, changes) }) };
  });
  return { push: (bytes) => push(bytes)[0]!, end };
}

/** The record with other texts in the places of some values. Values whose place is not known stay. */
function withValues({ start, fields }: RecordPlace, text: Buffer, values: Readonly<Record<string, string>>): Buffer {
  const edits = Object.entries(values)
    .flatMap(([name, value]) => {
      const place = fields.get(name);
      return place?.start === undefined || place.end === undefined
        ? []
        : [{ from: place.start - start, to: place.end - start, value }];
    })
    .sort((a, b) => a.from - b.from);
  const pieces: Buffer[] = [];
  let done = 0;
  for (const { from, to, value } of edits) {
    pieces.push(text.subarray(done, from), Buffer.from(value));
    done = to;
  }
  return Buffer.concat([...pieces, text.subarray(done)]);
}

/** By row of the categories, the id as it is written: `18`, `"18"`. */
async function categoryIdTexts(index: CocoIndex, signal: AbortSignal): Promise<string[]> {
  const texts: string[] = [];
  // A rewriter for its window over the text: a record's bytes are whole there, wherever the file's pieces end.
  const { push, end } = rewriter(0, new Set(['id']), ({ section, row, start, fields }, text) => {
    const place = fields.get('id');
    if (section === 'categories' && place?.start !== undefined && place.end !== undefined)
      texts[row] = text.toString('utf8', place.start - start, place.end - start);
    return { outputs: [] };
  });
  await withFile(index.path, async (source, size) => {
    for await (const chunk of readChunks(index.path, source, size, { signal })) push(chunk);
  });
  end();
  return texts;
}

/**
 * Writes the repaired file to `out`, a new file.
 * Throws the signal's reason and DatasetError (file-exists, file-unwritable, and what `readAnnotations` throws).
 */
export async function writeRepaired(
  index: CocoIndex,
  faults: readonly Fault[],
  out: string,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (bytes: number, totalBytes: number) => void },
): Promise<void> {
  const merges = faults.some(({ repair }) => repair?.kind === 'merge');
  const { push, end } = repairs(index, faults, merges ? await categoryIdTexts(index, signal) : []);
  await writeNewFiles([out], async ([repaired]) => {
    await withFile(index.path, async (source, size) => {
      for await (const chunk of readChunks(index.path, source, size, { signal, onProgress })) await repaired!.append(push(chunk));
    });
    end();
  });
}
