// The server of a browser-served VS Code: started on a free port, stopped with its children.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Installed } from './install';

export interface EditorServer {
  readonly port: number;
  /** Opens a folder with an extension under development, and runs its tests where there are any. */
  address(folder: string, extension: string, tests?: string): string;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 60_000;

/** @param data where the server keeps its state */
export async function startServer({ node, server }: Installed, data: string): Promise<EditorServer> {
  const port = await freePort();
  const args = ['--without-connection-token', '--accept-server-license-terms', '--host', '127.0.0.1', '--port', String(port)];
  const more = ['--server-data-dir', data, '--disable-workspace-trust', '--enable-smoke-test-driver'];
  const child = spawn(node, [server, ...args, ...more], { stdio: 'ignore', detached: process.platform !== 'win32' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    if (child.exitCode === null && child.pid !== undefined) {
      // Its extension hosts belong to the same group.
      if (process.platform === 'win32') child.kill();
      else process.kill(-child.pid, 'SIGTERM');
    }
    await ended;
  };
  await answering(port, ended).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const remote = (path: string) => `vscode-remote://127.0.0.1:${port}${pathToFileURL(path).pathname}`;
  return {
    port,
    stop,
    address: (folder, extension, tests) => {
      const payload = [
        ['extensionDevelopmentPath', remote(extension)],
        ...(tests === undefined ? [] : [['extensionTestsPath', remote(tests)]]),
      ];
      const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
      return `http://127.0.0.1:${port}/?${query.toString()}`;
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function answering(port: number, ended: Promise<void>): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  const end = Date.now() + START_LIMIT_MS;
  while (Date.now() < end && !over) {
    const answer = await fetch(`http://127.0.0.1:${port}/version`).catch(() => undefined);
    if (answer?.ok) return;
    await wait(100);
  }
  throw new Error(over ? 'The VS Code server ended while it started.' : 'The VS Code server did not answer within a minute.');
}
