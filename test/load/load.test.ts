// The short form of the study of load; the whole of it is `npm run bench -- load` (docs/reliability.md). Nothing is said about time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNBUILT } from '../support/engine';
import { dayStudy } from './day';
import { prepareTiny, type Prepared } from './prepare';
import { requestsStudy } from './requests';

/** What a leak of one decoded image a question would exceed by far. In MiB. */
const MOST_GROWTH = 48;

describe.skipIf(UNBUILT)(`an engine under load${UNBUILT}`, () => {
  let folder: string;
  let prepared: Prepared;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'load-'));
    prepared = await prepareTiny(join(folder, 'data'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('answers every question once and rightly, in a row and 64 at once, some given up, and leaves nothing behind', async () => {
    const { faults, inARow, atOnce } = await requestsStudy({ ...prepared, folder, requests: 400, atOnce: 64, seed: 1 });
    expect(faults).toEqual([]);
    expect([inARow.requests, inARow.cancelled, inARow.late]).toEqual([400, 0, 0]);
    expect(Math.min(atOnce.cancelled, atOnce.late)).toBeGreaterThan(10);
    for (const { memory } of [inARow, atOnce]) if (memory) expect(memory.late - memory.early).toBeLessThan(MOST_GROWTH);
  });

  it('trains for long: every point once in the history and to whoever looks on, nothing left half-written', async () => {
    const { annotations, backbone } = prepared;
    const { faults, visits } = await dayStudy({ folder, annotations, backbone, iterations: 600, checkpoints: 100, visits: 6 });
    expect(faults).toEqual([]);
    expect(visits).toBeGreaterThan(2);
  });
});
