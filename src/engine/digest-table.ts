// Records with a digest in them, such as hashes of files, in little memory: their bytes, and eight more to find one by its digest.

export interface DigestTable {
  /** The records one after the other, zeros where none was put. */
  readonly bytes: Buffer;
  /** Puts a record at a number that has none yet. */
  put(number: number, record: Uint8Array): void;
  /** Undefined where none was put. Good as long as the table is. */
  at(number: number): Buffer | undefined;
  /** The numbers of all records with this digest. */
  find(digest: Uint8Array): number[];
}

interface Layout {
  /** Bytes of a record. */
  readonly size: number;
  /** Where its digest begins, and of how many bytes it is, at least four. */
  readonly digestAt: number;
  readonly digestBytes: number;
}

/**
 * Digests are random numbers, so their first bytes spread them evenly over as many chains as there may be records.
 *
 * @param most how many records there may be
 */
export function digestTable(most: number, { size, digestAt, digestBytes }: Layout): DigestTable {
  const bytes = Buffer.alloc(most * size);
  const chains = 2 ** Math.ceil(Math.log2(most + 1));
  // Numbers count from 1 here: a typed array begins with zeros.
  const first = new Int32Array(chains);
  const next = new Int32Array(most);
  const isThere = new Uint8Array(most);
  const record = (number: number) => bytes.subarray(number * size, (number + 1) * size);
  const digestOf = (number: number) => bytes.subarray(number * size + digestAt, number * size + digestAt + digestBytes);
  const chainOf = (digest: Uint8Array) =>
    (digest[0]! | (digest[1]! << 8) | (digest[2]! << 16) | (digest[3]! << 24)) & (chains - 1);
  return {
    bytes,
    put: (number, values) => {
      bytes.set(values, number * size);
      isThere[number] = 1;
      const chain = chainOf(digestOf(number));
      next[number] = first[chain]!;
      first[chain] = number + 1;
    },
    at: (number) => (isThere[number] === 1 ? record(number) : undefined),
    find: (digest) => {
      const found: number[] = [];
      for (let number = first[chainOf(digest)]! - 1; number >= 0; number = next[number]! - 1)
        if (digestOf(number).equals(digest)) found.push(number);
      return found;
    },
  };
}
