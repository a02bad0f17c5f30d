// The other end of joinRun: a run tells everybody who has joined, and is paused, continued and stopped by any of them.
import type { Socket } from 'node:net';
import { createMessageConnection, type MessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import type { TrainActivity, TrainControl, TrainEnd, TrainEvent, TrainSnapshot } from '../../protocol/messages';
import { EMPTY_SNAPSHOT, withEvent } from '../client/snapshot';

/** Where the loop waits while the run is paused. */
export interface Gate {
  readonly closed: boolean;
  /** Resolves when the run goes on or is stopped. */
  opened(): Promise<void>;
}

export interface RunChannel {
  readonly gate: Gate;
  /** Aborted when somebody who has joined stops the run. */
  readonly signal: AbortSignal;
  tell(event: TrainEvent): void;
  end(end: TrainEnd): Promise<void>;
  /** Takes a new connection. */
  readonly serve: (socket: Socket) => void;
}

/** Bytes that may wait for somebody who does not read. A run does not wait, and does not fill the memory, for anyone. */
const MOST_WAITING = 1 << 24;

export function runChannel(): RunChannel {
  let snapshot: TrainSnapshot = { pid: process.pid, ...EMPTY_SNAPSHOT };
  const listeners = new Map<MessageConnection, Socket>();
  const stop = new AbortController();
  const gate = makeGate();
  const send = (connection: MessageConnection, socket: Socket, name: string, value: unknown): Promise<unknown> => {
    if (socket.writableLength > MOST_WAITING) socket.destroy();
    return connection.sendNotification(name, value).catch(() => undefined);
  };
  const tell = (event: TrainEvent) => {
    snapshot = withEvent(snapshot, event);
    for (const [connection, socket] of listeners) void send(connection, socket, 'event', event);
  };
  const become = (activity: TrainActivity) => {
    if (snapshot.activity !== activity) tell({ kind: 'activity', activity });
  };
  const control: Record<TrainControl, () => void> = {
    pause: () => gate.close(),
    resume: () => gate.open(),
    stop: () => {
      become('stopping');
      stop.abort();
      gate.open();
    },
  };
  return {
    gate,
    signal: stop.signal,
    tell,
    end: async (end) => {
      const told = [...listeners].map(([connection, socket]) => send(connection, socket, 'ended', end));
      await Promise.all(told);
      for (const socket of listeners.values()) socket.end();
    },
    serve: (socket) => {
      socket.on('error', () => socket.destroy());
      const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
      connection.onError(() => socket.destroy());
      connection.onRequest('snapshot', () => {
        listeners.set(connection, socket);
        return snapshot;
      });
      connection.onRequest('control', (action: unknown) => {
        if (typeof action === 'string' && Object.hasOwn(control, action)) control[action as TrainControl]();
        return null;
      });
      socket.once('close', () => {
        listeners.delete(connection);
        connection.dispose();
      });
      connection.listen();
    },
  };
}

function makeGate(): Gate & { open(): void; close(): void } {
  let closed = false;
  let waiting: (() => void)[] = [];
  return {
    get closed() {
      return closed;
    },
    close: () => (closed = true),
    open: () => {
      closed = false;
      for (const go of waiting) go();
      waiting = [];
    },
    opened: () => (closed ? new Promise((go) => waiting.push(go)) : Promise.resolve()),
  };
}
