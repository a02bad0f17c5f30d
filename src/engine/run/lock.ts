// One process at a time trains in a run folder. The lock is a listening socket, which ends with its process: nothing stale stays.
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabelscopeError } from '../../protocol/errors';

/**
 * Holds a run folder until the function that it answers is called. Where the system offers no such socket, nothing is held.
 *
 * @throws LabelscopeError 'run-busy' where another training holds it
 */
export async function holdRun(folder: string): Promise<() => void> {
  const address = addressOf(folder);
  const server = createServer((socket) => socket.destroy()).unref();
  let failure = await listen(server, address);
  if (failure === 'EADDRINUSE') {
    if (await answers(address)) throw busy(folder);
    await rm(address, { force: true });
    failure = await listen(server, address);
    if (failure === 'EADDRINUSE') throw busy(folder);
  }
  return () => server.close();
}

function addressOf(folder: string): string {
  const name = `labelscope-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
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
