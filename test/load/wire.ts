// An engine that is spoken to in its own messages, so that every answer is seen: also a second one to the same question, or one to none.
import { fork } from 'node:child_process';
import type { WireError } from '../../src/protocol/errors';
import type { Method, Params } from '../../src/protocol/messages';
import { ENGINE } from '../support/tiny';

export interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly data?: WireError };
}

interface Asked {
  readonly id: number;
  readonly answer: Promise<Answer>;
}

export interface WireEngine {
  readonly pid: number;
  ask<M extends Method>(method: M, params: Params<M>): Asked;
  cancel(id: number): void;
  /** What came beside the one answer of each question, one line a message. */
  readonly surplus: readonly string[];
  /** Ends the process as its client does. */
  stop(): Promise<void>;
}

interface Message extends Answer {
  readonly id?: number;
  readonly method?: string;
}

/** @param environment replaces what the process would inherit */
export function startWire(environment: Readonly<Record<string, string>>): WireEngine {
  const child = fork(ENGINE, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, MALLOC_ARENA_MAX: '2', ...environment },
  });
  const waiting = new Map<number, { settle: (answer: Answer) => void; fail: (reason: Error) => void }>();
  const surplus: string[] = [];
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  child.on('message', ({ id, method, ...answer }: Message) => {
    // Progress and the log.
    if (method !== undefined) return;
    const asker = waiting.get(id ?? -1);
    if (asker) asker.settle(answer);
    else surplus.push(JSON.stringify({ id, ...answer }));
    waiting.delete(id ?? -1);
  });
  void exited.then(() => {
    for (const { fail } of waiting.values()) fail(new Error('The engine ended with questions unanswered.'));
  });
  let ids = 0;
  return {
    pid: child.pid!,
    surplus,
    ask: (method, params) => {
      const id = ++ids;
      const answer = new Promise<Answer>((settle, fail) => waiting.set(id, { settle, fail }));
      child.send({ jsonrpc: '2.0', id, method, params: { params, progressToken: id } });
      return { id, answer };
    },
    cancel: (id) => void child.send({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id } }),
    stop: async () => {
      child.disconnect();
      await exited;
    },
  };
}
