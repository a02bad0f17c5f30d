// `npm run bench -- crashes`: kills the engine at random moments, lets it go on, and compares with runs that were left alone (docs/reliability.md).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crashStudy } from '../test/faults/crash';
import { UsageError, wholeNumber } from './cases';

/** The report, as lines; the exit status is 1 where something was lost, half-written or different. */
export async function benchCrashes(args: string[], say: (line: string) => void): Promise<string[]> {
  const { kills, seed } = readOptions(args);
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-crashes-'));
  try {
    const report = await crashStudy({ folder, kills, seed, say });
    if (report.faults.length > 0) process.exitCode = 1;
    const { train, evaluate, export: exporting } = report.kills;
    return [
      `seed ${seed}: ${train + evaluate + exporting} kills (training ${train}, evaluating ${evaluate}, exporting ${exporting}) in ${report.runs} runs; ${report.late} moments came too late`,
      `lost at most ${report.mostLost} iterations (${report.interval} between two checkpoints)`,
      `${report.faults.length} faults`,
      ...report.faults,
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readOptions(args: string[]): { kills: number; seed: number } {
  try {
    const options = { kills: { type: 'string', default: '40' }, seed: { type: 'string', default: '1' } } as const;
    const { values } = parseArgs({ args, options });
    return { kills: wholeNumber('--kills', values.kills), seed: wholeNumber('--seed', values.seed) };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
