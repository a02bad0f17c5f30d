// One process at a time trains in a run folder. The lock is a listening socket, which ends with its process: nothing stale stays.
// Whoever connects joins the run.
import { chmod, link, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { isSocketFile } from '../../platform';
import { LabelscopeError } from '../../protocol/errors';
import { addressOf } from '../client/address';

/**
 * Holds a run folder until the function that it answers is called. Where the system offers no such socket, nothing is held.
 *
 * @throws LabelscopeError 'run-busy' where another training holds it
 */
export async function holdRun(folder: string, serve: (socket: Socket) => void): Promise<() => void> {
  const address = await addressOf(folder);
  const server = createServer(serve).unref();
  let failure = await listen(server, address);
  if (failure === 'EADDRINUSE') {
    if ((await answers(address)) || !(await removeStale(address))) throw busy(folder);
    failure = await listen(server, address);
    if (failure === 'EADDRINUSE') throw busy(folder);
  }
  // What a run may be told is for the person who started it.
  if (failure === undefined && isSocketFile()) await chmod(address, 0o600);
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

/**
 * Of several that find the same dead socket one takes it away. It is looked at once more under a name of its own: another process may have put
 * a living one in its place meanwhile, which goes back then.
 */
async function removeStale(address: string): Promise<boolean> {
  const aside = `${address}.${process.pid}`;
  const isMine = await rename(address, aside).then(
    () => true,
    () => false,
  );
  if (!isMine) return true;
  const isLiving = await answers(aside);
  if (isLiving) await link(aside, address).catch(() => undefined);
  await rm(aside, { force: true });
  return !isLiving;
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
