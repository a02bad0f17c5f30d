// The reader against JSON.parse on any COCO file cut at every byte, and on files with damaged bytes: it fails exactly where that fails.
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCocoHandler, finishCoco } from '../../src/dataset/coco-handler';
import { LocatedError, DatasetError } from '../../src/dataset/errors';
import { createScanner, endOfBytes, pushBytes } from '../../src/dataset/json-scanner';
import { readAnnotations } from '../../src/dataset/reader';
import { anyCoco, cocoOf, type Coco, expectedIndex, isCoco, shown } from './any-coco';
import { temporaryFolder, writeTemporary } from './coco';
import { jsonText } from './json-text';

const folder = temporaryFolder();

/** What the reader makes of a text that arrives in these pieces. */
async function readPieces(pieces: readonly Buffer[]) {
  const handler = createCocoHandler(0, undefined);
  const scanner = createScanner(handler);
  handler.scanner = scanner;
  // The memory of a piece is used again for the next one.
  const memory = Buffer.alloc(Math.max(0, ...pieces.map((piece) => piece.length)));
  for (const piece of pieces) pushBytes(scanner, memory.subarray(0, piece.copy(memory)));
  endOfBytes(scanner);
  return shown({ path: '', bytes: 0, fingerprint: '', ...(await finishCoco(handler.state, 'a file')) });
}

const halves = (text: Buffer, at: number) => [text.subarray(0, at), text.subarray(at)].filter(({ length }) => length > 0);

function inPieces(text: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, k) => text.subarray(k * size, (k + 1) * size));
}

const isKnownError = (error: unknown) => error instanceof LocatedError || error instanceof DatasetError;

/** Written in any way, or as most files are. */
const textOf = (coco: fc.Arbitrary<Coco>) =>
  fc
    .tuple(coco, fc.option(fc.nat(), { freq: 1 }), fc.boolean())
    .map(([tree, seed, mark]) =>
      Buffer.from((mark ? '\ufeff' : '') + (seed === null ? JSON.stringify(tree) : jsonText(tree, seed))),
    );
const anyText = textOf(anyCoco);
const shortText = textOf(cocoOf(2, 3, 2));

/** The parsed tree, or undefined where the bytes are not UTF-8, not JSON or not a COCO file. */
function parse(text: Buffer): Coco | undefined {
  try {
    const tree: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
    return isCoco(tree) ? tree : undefined;
  } catch {
    return undefined;
  }
}

/** JSON.parse rounds integers beyond 2^53, to infinity in the end; the reader keeps them. */
function hasRoundedIds({ images, annotations, categories }: Coco): boolean {
  const ids = [...images, ...categories].map(({ id }) => id);
  const references = annotations.flatMap((row) => [row.id ?? 0, row.image_id, row.category_id]);
  return [...ids, ...references].some((id) => typeof id === 'number' && Math.abs(id) > Number.MAX_SAFE_INTEGER);
}

describe('any COCO file', () => {
  it('is the same, cut in two at every byte and in pieces of every size', async () => {
    await fc.assert(
      fc.asyncProperty(shortText, async (text) => {
        fc.pre(text.length < 2000);
        const expected = expectedIndex(parse(text)!);
        // Comparing with `expect` alone takes ten times as long as reading.
        const check = async (pieces: Buffer[]) => {
          const found = await readPieces(pieces);
          if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected);
        };
        for (let at = 0; at <= text.length; at++) await check(halves(text, at));
        for (let size = 1; size <= 9; size++) await check(inPieces(text, size));
      }),
      { numRuns: 30 },
    );
  });
});

/** Of pieces, in bytes: small ones, or all at once. */
const anySize = fc.oneof(fc.integer({ min: 1, max: 80 }), fc.constant(1 << 20));

type Damage = (text: Buffer) => Buffer;

const INTERESTING = Array.from('{}[]",:.-+eE0123456789\\/utrfalsn \n\r\t\u0000\u0001xX', (c) => c.charCodeAt(0));
const anyByte = fc.oneof(fc.constantFrom(...INTERESTING), fc.nat(255), fc.constantFrom(0xc3, 0xe2, 0x82, 0xac, 0xf0, 0xed, 0xff));
const splice = (text: Buffer, at: number, drop: number, bytes: readonly number[]) =>
  Buffer.concat([text.subarray(0, at), Buffer.from(bytes), text.subarray(at + drop)]);

/** One byte changed, removed or put in; a few put in; the rest cut off; a part said twice or taken out. */
const anyDamage: fc.Arbitrary<Damage> = fc
  .tuple(
    fc.constantFrom('change', 'remove', 'insert', 'insert', 'cut', 'repeat', 'leave out'),
    fc.nat(),
    fc.nat(12),
    fc.array(anyByte, { minLength: 1, maxLength: 4 }),
  )
  .map(([kind, place, length, bytes]): Damage => (text) => {
    const at = place % Math.max(text.length, 1);
    if (kind === 'change') return splice(text, at, 1, bytes.slice(0, 1));
    if (kind === 'remove') return splice(text, at, 1, []);
    if (kind === 'insert') return splice(text, at, 0, bytes);
    if (kind === 'cut') return text.subarray(0, at);
    if (kind === 'repeat') return splice(text, at, 0, [...text.subarray(at, at + length)]);
    return splice(text, at, length, []);
  });

const damaged = (text: Buffer, damages: readonly Damage[]) => damages.reduce<Buffer>((bytes, damage) => damage(bytes), text);
const anyDamages = fc.array(anyDamage, { minLength: 1, maxLength: 2 });

describe('a damaged file', () => {
  it('is refused exactly where JSON.parse refuses it or it is no COCO file any more', async () => {
    let [refused, read] = [0, 0];
    const check = async (text: Buffer, size: number) => {
      const tree = parse(text);
      if (tree === undefined) {
        await expect(readPieces(inPieces(text, size))).rejects.toSatisfy(isKnownError);
        refused++;
      } else {
        const found = await readPieces(inPieces(text, size));
        const expected = expectedIndex(tree);
        if (!isDeepStrictEqual(found, expected) && !hasRoundedIds(tree)) expect(found).toEqual(expected);
        read++;
      }
    };
    const manyDamages = fc.array(fc.tuple(anyDamages, anySize), { minLength: 20, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(anyText, manyDamages, async (text, many) => {
        for (const [damages, size] of many) await check(damaged(text, damages), size);
      }),
      { numRuns: 200 },
    );
    // Both were met, often.
    expect(Math.min(refused, read)).toBeGreaterThan(200);
  });

  it('is refused with a code and a place, plain and packed alike', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyDamages, fc.integer({ min: 1, max: 80 }), async (whole, damages, chunkSize) => {
        const text = damaged(whole, damages);
        const [plain, packed] = [writeTemporary(folder, text), writeTemporary(folder, gzipSync(text), '.json.gz')];
        const outcomes = await Promise.all([plain, packed].map((path) => outcomeOf(path, chunkSize)));
        expect(outcomes[0]).toEqual(outcomes[1]);
        expect(typeof outcomes[0] === 'string').toBe(parse(text) === undefined);
      }),
      { numRuns: 120 },
    );
  });

  it('is refused where the packed bytes are damaged', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyDamage, async (text, damage) => {
        const packed = damage(gzipSync(text));
        const path = writeTemporary(folder, packed, '.json.gz');
        if (unpacked(packed)?.equals(text)) await readAnnotations(path);
        else await expect(readAnnotations(path)).rejects.toBeInstanceOf(DatasetError);
      }),
      { numRuns: 120 },
    );
  });
});

/** The error's code and words without the path, or what was read. */
async function outcomeOf(path: string, chunkSize: number) {
  try {
    return await shown(await readAnnotations(path, { chunkSize }));
  } catch (error) {
    expect(error).toBeInstanceOf(DatasetError);
    const { code, message } = error as DatasetError;
    return `${code}: ${message.replace(path, '')}`;
  }
}

function unpacked(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes);
  } catch {
    return undefined;
  }
}
