// An engine process to which something happens: it is killed at an operation on a file or after a time, or the disk is full from then on.
import { join, resolve } from 'node:path';
import { type EngineClient, engineClient } from '../../src/engine/client/engine';
import { ENGINE } from '../support/tiny';

export interface Fault {
  /** Before, in the middle of or after one of the operations on files, counted from 1. */
  readonly kill?: { readonly operation: number; readonly how: 'before' | 'half' | 'after' };
  /** In milliseconds after the process was started. */
  readonly killAfter?: number;
  /** Every write from this operation on fails as on a full disk. */
  readonly full?: { readonly from: number };
  /** What the clock jumps by, in milliseconds, two seconds after the start. */
  readonly clock?: number;
  /** The file that takes the number of operations when the process ends by itself. */
  readonly count?: string;
}

interface Surroundings {
  /** LABELSCOPE_CACHE */
  readonly cache: string;
}

const HOOK = resolve('test', 'faults', 'hook.cjs');

/** Starts an engine for one question, which `ask` puts at once, and ends it. */
export async function askFaulty<T>(fault: Fault, { cache }: Surroundings, ask: (engine: EngineClient) => Promise<T>): Promise<T> {
  const engine = engineClient({ script: ENGINE, onLog: () => undefined });
  const answer = withEnvironment(
    { NODE_OPTIONS: `--require ${JSON.stringify(HOOK)}`, LABELSCOPE_FAULT: JSON.stringify(fault), LABELSCOPE_CACHE: cache },
    () => ask(engine),
  );
  const { pid } = engine;
  const timer = fault.killAfter === undefined ? undefined : setTimeout(() => kill(pid), fault.killAfter);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
    await engine.stop();
  }
}

/** A child takes the environment as it is when it is started. */
function withEnvironment<T>(changes: Readonly<Record<string, string>>, start: () => T): T {
  const before = { ...process.env };
  Object.assign(process.env, changes);
  try {
    return start();
  } finally {
    for (const key of Object.keys(changes)) {
      if (before[key] === undefined) Reflect.deleteProperty(process.env, key);
      else process.env[key] = before[key];
    }
  }
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It had just ended.
  }
}

/** A cache of its own, so that nothing is found that another run has computed. */
export const cacheIn = (folder: string): Surroundings => ({ cache: join(folder, 'cache') });
