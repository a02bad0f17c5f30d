// One process at a time trains in a run folder. The lock is a listening socket, which ends with its process: nothing stale stays.
// Whoever connects joins the run.
import { chmod, open, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
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
  for (let trial = 0; failure === 'EADDRINUSE' && trial < TRIALS; trial++) {
    if (!isSocketFile() || (await answers(address))) throw busy(folder);
    await removeDead(address);
    failure = await listen(server, address);
  }
  if (failure === 'EADDRINUSE') throw busy(folder);
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

/** With PAUSE_MS between them: of those who find a dead socket the others wait for the one who takes it away. */
const TRIALS = 100;
const PAUSE_MS = 20;
/** Whoever was killed while it held the guard is not waited for. */
const GUARD_LIMIT_MS = 1000;

/**
 * Of several that find the same dead socket one takes it away. Nobody can put a living one in its place before: who listens needs the name
 * free, and only the holder of the guard frees it.
 */
async function removeDead(address: string): Promise<void> {
  const guard = `${address}.guard`;
  const held = await open(guard, 'wx').catch(() => undefined);
  if (!held) {
    await pause(PAUSE_MS);
    const age = await stat(guard).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > GUARD_LIMIT_MS) await rm(guard, { force: true });
    return;
  }
  try {
    // Twice: between its binding and its listening a living one does not answer either.
    if (await answers(address)) return;
    await pause(PAUSE_MS);
    if (!(await answers(address))) await rm(address, { force: true });
  } finally {
    await held.close();
    await rm(guard, { force: true });
  }
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
