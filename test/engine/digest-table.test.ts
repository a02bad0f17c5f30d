// A table of records found by a digest: the same answers as a list that is searched from end to end.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DigestTable, digestTable } from '../../src/engine/digest-table';
import { bytesAnItem } from '../support/memory';

const MOST = 40;
/** A number, then a digest of eight bytes. */
const LAYOUT = { size: 9, digestAt: 1, digestBytes: 8 };
const digestOf = (what: number) => createHash('sha256').update(`${what}`).digest().subarray(0, 8);
const recordOf = (number: number, what: number) => Buffer.concat([Buffer.from([number]), digestOf(what)]);

describe('digestTable', () => {
  it('finds every record by its number and by its digest, in whatever order they came', () => {
    const puts = fc.uniqueArray(fc.tuple(fc.nat(MOST - 1), fc.nat(12)), { selector: ([number]) => number });
    fc.assert(
      fc.property(puts, (records) => {
        const table = digestTable(MOST, LAYOUT);
        for (const [number, what] of records) table.put(number, recordOf(number, what));
        const numbers = Array.from({ length: MOST + 1 }, (_, number) => number);
        const known = new Map(records);
        expect(numbers.map((number) => table.at(number)?.toString('hex'))).toEqual(
          numbers.map((number) => (known.has(number) ? recordOf(number, known.get(number)!).toString('hex') : undefined)),
        );
        for (let what = 0; what <= 13; what++) {
          const wanted = records.flatMap(([number, own]) => (own === what ? [number] : []));
          expect(new Set(table.find(digestOf(what)))).toEqual(new Set(wanted));
        }
      }),
    );
  });

  it('tells digests apart that begin alike', () => {
    const table = digestTable(2, LAYOUT);
    const [one, other] = [Buffer.from('0aaaabbbb'), Buffer.from('1aaaacccc')];
    table.put(0, one);
    table.put(1, other);
    expect([table.find(one.subarray(1)), table.find(other.subarray(1)), table.find(Buffer.from('aaaadddd'))]).toEqual([
      [0],
      [1],
      [],
    ]);
  });

  it('may be empty', () => {
    const table = digestTable(0, LAYOUT);
    expect([table.bytes.length, table.at(0), table.find(digestOf(1))]).toEqual([0, undefined, []]);
  });

  it('takes some bytes a record beyond its own', () => {
    const bytes = bytesAnItem((count): DigestTable => digestTable(count, { size: 48, digestAt: 16, digestBytes: 32 }));
    expect(bytes).toBeLessThan(48 + 16);
  });
});
