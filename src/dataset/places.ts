// From records to places in a text: what an editor underlines, and how ids are written.
import { recordScanner, type FieldPlace, type Place, type RecordPlace } from './records';
import type { Fault } from './faults';

/** Lines and characters from 0, characters in UTF-16 units, as editors count. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

const FIELDS: ReadonlySet<string> = new Set(['id', 'image_id', 'category_id', 'bbox', 'file_name', 'name', 'width', 'height']);

/** The value of each fault's field, or the opening bracket of its record where it has none. In the order of `faults`. */
export function rangesOf(text: Buffer, faults: readonly Fault[]): Range[] {
  const wanted = new Set(faults.map(({ section, row }) => `${section} ${row}`));
  const records = new Map<string, RecordPlace>();
  scan(text, (record) => {
    const key = `${record.section} ${record.row}`;
    if (wanted.has(key)) records.set(key, record);
  });
  const places = faults.map(({ section, row, field }): Place => {
    const { start, fields } = records.get(`${section} ${row}`)!;
    return whole(fields.get(field)) ?? { start, end: start + 1 };
  });
  const position = positionsOf(
    text,
    places.flatMap(({ start, end }) => [start, end]),
  );
  return places.map(({ start, end }) => ({ start: position.get(start)!, end: position.get(end)! }));
}

function whole(place: FieldPlace | undefined): Place | undefined {
  return place?.start === undefined || place.end === undefined ? undefined : { start: place.start, end: place.end };
}

function scan(text: Buffer, record: (record: RecordPlace) => void): void {
  const scanner = recordScanner({ fields: FIELDS, record });
  scanner.push(text);
  scanner.end();
}

/** A byte-order mark is no character: editors do not show it. */
export function positionsOf(text: Buffer, offsets: readonly number[]): Map<number, Position> {
  const found = new Map<number, Position>();
  let [line, character, at] = [0, 0, text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0];
  for (const offset of [...new Set(offsets)].sort((a, b) => a - b)) {
    for (; at < offset; at++) {
      const byte = text[at]!;
      if (byte === 0x0a) [line, character] = [line + 1, 0];
      else if ((byte & 0xc0) !== 0x80) character += byte >= 0xf0 ? 2 : 1;
    }
    found.set(offset, { line, character });
  }
  return found;
}
