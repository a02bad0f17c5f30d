// The server of a browser-served VS Code: started on a free port, stopped with its children.
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { Installed } from './install';

export interface ServerOptions {
  /** For tests: the newest VS Code takes an extension under development only then, and all show no dialogs and may be ended. */
  readonly isDriven?: boolean;
  /** Asks whether a folder is trusted, as the desktop does; else every folder is. */
  readonly asksForTrust?: boolean;
  /** Without any network but this machine's own: see `canIsolate`. */
  readonly isolated?: boolean;
  /** On a far side, reached through it. */
  readonly far?: FarSide;
}

export interface FarSide {
  /** The words that run a command there, and bring a port of there to a port of this machine. */
  readonly through: (command: readonly string[], port: number, front: number) => readonly string[];
  /** Its ports are this machine's: none is brought here. */
  readonly sharesPorts?: boolean;
  /** What a folder of this machine is called there, where it is not the same. */
  readonly nameOf?: (folder: string) => string;
}

interface Development {
  /** The folder of the extension under development. */
  readonly extension: string;
  /** A script of its tests, which end VS Code. */
  readonly tests?: string;
}

export interface EditorServer {
  readonly port: number;
  /** Opens a folder, or a window without one, with an extension under development where one is given. */
  address(folder: string | undefined, development?: Development): string;
  /** A program that can reach this server: the given one, or one that starts it where the server is. */
  reaching(program: string): string;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 60_000;

/** Puts an extension's VSIX into the editor that keeps its state in `data`. @throws Error with what the editor said */
export function installExtension({ node, server }: Installed, data: string, vsix: string): void {
  const args = ['--install-extension', vsix, '--server-data-dir', data, '--accept-server-license-terms'];
  const said = execFileSync(node, [server, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (!said.includes('successfully installed')) throw new Error(`VS Code did not install ${vsix}: ${said.trim()}`);
}

/** Whether a server can be cut off from all networks: Linux, as root, with Debian's util-linux and iproute2. */
export function canIsolate(): boolean {
  try {
    execFileSync('unshare', [...ISOLATED, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A network of its own, which has the loopback device alone. */
const ISOLATED = ['--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'];

/** @param data where the server keeps its state */
export async function startServer(
  { node, server }: Installed,
  data: string,
  { asksForTrust = false, isolated = false, isDriven = false, far }: ServerOptions = {},
): Promise<EditorServer> {
  const port = await freePort();
  const args = ['--without-connection-token', '--accept-server-license-terms', '--host', '127.0.0.1', '--port', String(port)];
  const more = [
    '--server-data-dir',
    data,
    ...(isDriven ? ['--enable-smoke-test-driver'] : []),
    ...(asksForTrust ? [] : ['--disable-workspace-trust']),
  ];
  const command = [...(isolated ? ['unshare', ...ISOLATED] : []), node, server, ...args, ...more];
  const front = far && !far.sharesPorts ? await freePort() : port;
  const [program, ...words] = far ? far.through(command, port, front) : command;
  const detached = process.platform !== 'win32';
  const child = spawn(program!, words, { stdio: ['ignore', 'pipe', 'ignore'], detached });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    if (child.exitCode === null && child.pid !== undefined) {
      // Its extension hosts belong to the same group.
      if (detached) process.kill(-child.pid, 'SIGTERM');
      else child.kill();
    }
    await ended;
  };
  await listening(child, port).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    port: front,
    stop,
    reaching: (wanted) => (isolated ? wrapper(data, wanted, child.pid!) : wanted),
    address: (folder, development) =>
      addressOf(front, folder === undefined ? undefined : (far?.nameOf?.(folder) ?? folder), development),
  };
}

function addressOf(port: number, folder: string | undefined, development: Development | undefined): string {
  const remote = (path: string) => `vscode-remote://127.0.0.1:${port}${pathToFileURL(path).pathname}`;
  const query = new URLSearchParams(folder === undefined ? { ew: 'true' } : { folder });
  if (development) {
    const { extension, tests } = development;
    const payload = [['extensionDevelopmentPath', remote(extension)]];
    if (tests !== undefined) payload.push(['extensionTestsPath', remote(tests)]);
    query.set('payload', JSON.stringify(payload));
  }
  return `http://127.0.0.1:${port}/?${query.toString()}`;
}

/** A script that starts a program in the network of a process. */
function wrapper(data: string, program: string, pid: number): string {
  const path = join(data, 'inside.sh');
  writeFileSync(path, `#!/bin/sh\nexec nsenter --net=/proc/${pid}/ns/net '${program}' "$@"\n`, { mode: 0o755 });
  return path;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Waits for the server's own word. What it says later is read and dropped, so that it never waits for a reader. */
function listening(child: ChildProcessByStdio<null, Readable, null>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('The VS Code server did not answer within a minute.')), START_LIMIT_MS);
    const settle = (tell: () => void) => {
      clearTimeout(limit);
      tell();
    };
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1000);
      if (said.includes(`listening on ${port}`)) settle(resolve);
    });
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', () => settle(() => reject(new Error(`The VS Code server ended while it started. ${said.trim()}`))));
  });
}
