// One process at a time trains in a run folder. The lock is a listening socket, which ends with its process: nothing stale stays.
// Whoever connects joins the run.
import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { LabelscopeError } from '../../protocol/errors';
import { addressOf } from '../client/address';

/**
 * Holds a run folder until the function that it answers is called. Where the system offers no such socket, nothing is held.
 *
 * @throws LabelscopeError 'run-busy' where another training holds it
 */
export async function holdRun(folder: string, serve: (socket: Socket) => void): Promise<() => void> {
  const address = addressOf(folder);
  const server = createServer(serve).unref();
  let failure = await listen(server, address);
  if (failure === 'EADDRINUSE') {
    if (await answers(address)) throw busy(folder);
    await rm(address, { force: true });
    failure = await listen(server, address);
    if (failure === 'EADDRINUSE') throw busy(folder);
  }
  // What a run may be told is for the person who started it.
  if (failure === undefined && process.platform !== 'win32') await chmod(address, 0o600);
  return () => server.close();
}

/** The code of the error, undefined where it listens. */
function listen(server: Server, address: string): Promise<string | undefined> {
  return new Promise((done) => {
    const failed = (error: NodeJS.ErrnoException) => done(error.code);
    server.once('error', failed);
    server.listen(address, () => {
      server.off('error', failed);
      done(undefined);
    });
  });
}

/** The file of a socket stays behind a process that was killed, but nobody answers there. */
function answers(address: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(address);
    socket.once('error', () => done(false));
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
  });
}

function busy(folder: string): LabelscopeError {
  return new LabelscopeError(
    'run-busy',
    `Another training is at work in ${folder}. Wait until it ends or stop it, or choose another folder with --run.`,
  );
}
