// An SSH server of its own on this machine, and the way to it: Debian's sshd and ssh, with keys and settings in one folder.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { which } from '../../src/editor/install';
import { type FarSide, freePort } from '../../src/editor/server';
import { until } from './engine';
import { installPackages } from './packages';

const SSHD = '/usr/sbin/sshd';

/** '' where a server can be started; else what a skipped title says. With LABELSCOPE_SSH=install it is installed first. */
export function withoutSshd(): string {
  if (process.platform !== 'linux') return ' (skipped: only tried on Linux)';
  const missing = () => [SSHD, 'ssh', 'ssh-keygen'].filter((name) => which(name) === undefined);
  if (missing().length > 0 && process.env.LABELSCOPE_SSH === 'install') installPackages('openssh-server', 'openssh-client');
  const still = missing();
  return still.length === 0 ? '' : ` (skipped: no ${still.join(', ')}; npm run test:ssh installs Debian's packages)`;
}

export interface SshServer extends FarSide {
  readonly stop: () => Promise<void>;
}

/** @param set what the environment has on the far side beside what SSH gives it */
export async function startSshd(folder: string, set: Readonly<Record<string, string>>): Promise<SshServer> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(folder, name);
  for (const name of ['host', 'person']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  await copyFile(at('person.pub'), at('authorized'));
  const port = await freePort();
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('authorized')}`,
    `PidFile ${at('sshd.pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
    `SetEnv ${Object.entries(set)
      .map(([name, value]) => `"${name}=${value}"`)
      .join(' ')}`,
  ];
  await writeFile(at('sshd_config'), `${settings.join('\n')}\n`);
  // Where root starts it, it wants the folder that Debian's service makes.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const daemon = spawn(SSHD, ['-D', '-e', '-f', at('sshd_config')], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
  const known = ['-o', `UserKnownHostsFile=${at('known')}`, '-o', 'StrictHostKeyChecking=accept-new', '-o', 'BatchMode=yes'];
  const words = ['ssh', '-F', 'none', '-p', String(port), '-i', at('person'), ...known];
  const target = `${userInfo().username}@127.0.0.1`;
  await until(() => spawnSync(words[0]!, [...words.slice(1), target, 'true'], { stdio: 'ignore' }).status === 0);
  return {
    // A terminal, so that what runs there ends with the connection.
    through: (command, far, front) => [
      ...words,
      ...['-tt', '-o', 'ExitOnForwardFailure=yes', '-L', `127.0.0.1:${front}:127.0.0.1:${far}`, target],
      command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '),
    ],
    stop: async () => {
      daemon.kill();
      await ended;
    },
  };
}
