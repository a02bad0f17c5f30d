// Writes COCO files out of one: its text as it stands, with some records left out or changed. In one pass, whatever the size.
import { recordScanner, type RecordPlace, type Section } from './records';

/** What becomes of a record. */
interface Rewritten {
  /** Which of the texts it goes into. */
  readonly outputs: readonly number[];
  /** Its text; without, as it stands. */
  readonly text?: Buffer;
}

export interface Rewriter {
  /** The bytes that each text gains. `bytes` may be used again afterwards. */
  readonly push: (bytes: Buffer) => Buffer[];
  /** Throws LocatedError where the text is not complete. */
  readonly end: () => void;
}

type Event =
  | { readonly at: number; readonly kind: 'start' | 'end'; readonly section: Section }
  | (RecordPlace & { readonly kind: 'record' });

/**
 * Everything outside the three lists goes into every text. Of a list's records each text has those that `decide` gives it, with the space before
 * them, and with commas between them.
 *
 * @param fields keys whose places `decide` needs
 * @param decide `text`: the bytes of the record
 * @param append records that every text gains at the end of a list
 */
export function rewriter(
  count: number,
  fields: ReadonlySet<string> | undefined,
  decide: (record: RecordPlace, text: Buffer) => Rewritten,
  append: (section: Section) => readonly Buffer[] = () => [],
): Rewriter {
  const outputs = Array.from({ length: count }, (_, k) => k);
  const events: Event[] = [];
  const scanner = recordScanner({
    ...(fields && { fields }),
    listStart: (section: Section, at: number) => events.push({ kind: 'start', at, section }),
    record: (record) => events.push({ ...record, kind: 'record' }),
    listEnd: (section: Section, at: number) => events.push({ kind: 'end', at, section }),
  });
  let carry: Buffer = Buffer.alloc(0);
  /** Offset in the text of the first byte of `carry`: all before is written. */
  let written = 0;
  let inList = false;
  let begun = outputs.map(() => false);
  /** Where the last record went. */
  let last: readonly number[] = [];
  /** The space before the last record. */
  let space: Buffer = Buffer.alloc(0);

  const push = (bytes: Buffer): Buffer[] => {
    scanner.push(bytes);
    const window = carry.length === 0 ? bytes : Buffer.concat([carry, bytes]);
    const base = written;
    const pieces: Buffer[][] = outputs.map(() => []);
    const take = (end: number) => {
      const piece = window.subarray(written - base, end - base);
      written = end;
      return piece;
    };
    const toAll = (piece: Buffer) => pieces.forEach((own) => own.push(piece));
    for (const event of events.splice(0)) {
      if (event.kind === 'record') {
        const before = take(event.start);
        const lead = before.subarray(before.indexOf(COMMA) + 1);
        space = lead;
        const text = take(event.end);
        const { outputs: chosen, text: changed = text } = decide(event, text);
        for (const k of chosen) {
          // Neighbours stay as they stand, with the space before their comma.
          if (last.includes(k)) pieces[k]!.push(before, changed);
          else pieces[k]!.push(...(begun[k] ? [SEPARATOR] : []), lead, changed);
          begun[k] = true;
        }
        last = chosen;
      } else {
        if (event.kind === 'end') pieces.forEach((own, k) => own.push(...separated(append(event.section), space, begun[k]!)));
        toAll(take(event.kind === 'start' ? event.at + 1 : event.at));
        inList = event.kind === 'start';
        begun = outputs.map(() => false);
        last = [];
        space = Buffer.alloc(0);
      }
    }
    if (!inList) toAll(take(base + window.length));
    carry = Buffer.from(window.subarray(written - base));
    space = Buffer.from(space);
    // Copied, because the bytes of the chunk are used again.
    return pieces.map((own) => Buffer.concat(own));
  };
  return { push, end: () => scanner.end() };
}

function separated(records: readonly Buffer[], space: Buffer, begun: boolean): Buffer[] {
  return records.flatMap((record, k) => [...(begun || k > 0 ? [SEPARATOR] : []), space, record]);
}

const COMMA = 0x2c;
const SEPARATOR = Buffer.from(',');
