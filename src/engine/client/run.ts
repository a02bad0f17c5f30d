// Joining a run at work, whoever started it: all that it has told so far, what it tells from now on, and a hand on it.
import { connect, type Socket } from 'node:net';
import { resolve } from 'node:path';
import type { TrainControl, TrainEnd, TrainEvent, TrainSnapshot } from '../../protocol/messages';
import { addressOf } from './address';
import { withEvent } from './snapshot';

export interface RunListener {
  readonly onEvent: (event: TrainEvent) => void;
  /** The run has ended and said how. Nothing follows. */
  readonly onEnd: (end: TrainEnd) => void;
  /** Its process is gone without a word. Nothing follows. */
  readonly onGone: () => void;
}

export interface JoinedRun {
  /** All that was told so far, also since joining. */
  snapshot(): TrainSnapshot;
  control(action: TrainControl): Promise<void>;
  leave(): void;
}

/** Undefined where nobody trains in the folder. */
export async function joinRun(folder: string, { onEvent, onEnd, onGone }: RunListener): Promise<JoinedRun | undefined> {
  const socket = await reach(await addressOf(resolve(folder)));
  if (!socket) return undefined;
  const gone = new Promise<undefined>((done) => socket.once('close', () => done(undefined)));
  // Loaded only where there is somebody to speak with: an editor that starts looks at all its runs.
  const { createMessageConnection, SocketMessageReader, SocketMessageWriter } = await import('vscode-jsonrpc/node');
  const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  let over = false;
  const once = (tell: () => void) => {
    if (over) return;
    over = true;
    tell();
    connection.dispose();
    socket.destroy();
  };
  let snapshot: TrainSnapshot | undefined;
  connection.onNotification('event', (event: TrainEvent) => {
    if (over || !snapshot) return;
    snapshot = withEvent(snapshot, event);
    onEvent(event);
  });
  connection.onNotification('ended', (end: TrainEnd) => once(() => onEnd(end)));
  connection.onError(() => undefined);
  connection.listen();
  // Whoever listens there may be about to leave, or be something else: then there is no run to join.
  snapshot = await Promise.race([connection.sendRequest<TrainSnapshot>('snapshot').catch(() => undefined), gone]);
  if (!snapshot) {
    once(() => undefined);
    return undefined;
  }
  void gone.then(() => once(onGone));
  return {
    snapshot: () => snapshot!,
    control: async (action) => {
      await connection.sendRequest('control', action).catch((error: unknown) => {
        // A run that is stopped may end before it has answered that it will.
        if (!over) throw error;
      });
    },
    leave: () => once(() => undefined),
  };
}

function reach(address: string): Promise<Socket | undefined> {
  return new Promise((done) => {
    const socket = connect(address);
    socket.once('error', () => done(undefined));
    socket.once('connect', () => {
      socket.on('error', () => undefined);
      done(socket);
    });
  });
}
