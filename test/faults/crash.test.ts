// The short form of the study of crashes; the whole of it is `npm run bench -- crashes` (docs/reliability.md).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNBUILT } from '../support/engine';
import { crashStudy } from './crash';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crash-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(UNBUILT || process.platform === 'win32')(`an engine that is killed at random moments${UNBUILT}`, () => {
  it('loses at most what was done since its last checkpoint, leaves no file half-written, and ends as one left alone', async () => {
    const report = await crashStudy({ folder, kills: 8, seed: 1, recipes: ['quick', 'matlab-example'] });
    expect(report.faults).toEqual([]);
    expect(report.mostLost).toBeLessThanOrEqual(report.interval);
    for (const phase of ['train', 'evaluate', 'export'] as const) expect(report.kills[phase]).toBeGreaterThan(0);
  });
});
