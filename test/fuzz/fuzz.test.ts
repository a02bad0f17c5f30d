// The short form of the fuzzer; the whole of it is `npm run bench -- fuzz` (docs/reliability.md). The test's time limit ends what hangs.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, targetOf } from './targets';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('hostile input', () => {
  it.each(KINDS)('%s: is read, or refused in words that name the file', async (kind) => {
    const target = await targetOf(kind, join(folder, kind));
    const outcomes = new Set<string>();
    for (let input = 0; input < 200; input++) {
      const outcome = await target(input).catch(
        (error: unknown) => `input ${input}: ${(error instanceof Error && error.stack) || String(error)}`,
      );
      outcomes.add(outcome);
    }
    expect([...outcomes].sort()).toEqual(['read', 'refused']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
