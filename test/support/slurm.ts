// A cluster of Slurm of its own on this machine: Debian's munged, slurmctld and slurmd, with their files in one folder.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { which } from '../../src/editor/install';
import { freePort } from '../../src/editor/server';
import { until } from './engine';
import { installPackages } from './packages';

const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scancel', 'sinfo'];

const missing = (): string[] => PROGRAMS.filter((name) => which(name) === undefined);

/** '' where a cluster can be started; else what a skipped title says. With LABELSCOPE_SLURM=install it is installed first. */
export function withoutSlurm(): string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return ' (skipped: its daemons are started by root on Linux)';
  if (missing().length > 0 && process.env.LABELSCOPE_SLURM === 'install')
    installPackages('munge', 'slurmctld', 'slurmd', 'slurm-client');
  const still = missing();
  return still.length === 0 ? '' : ` (skipped: no ${still.join(', ')}; npm run test:slurm installs Debian's packages)`;
}

export interface Cluster {
  /** What a process needs to reach it. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a program of Slurm and answers its stdout. */
  readonly run: (program: string, ...args: string[]) => Promise<string>;
  readonly stop: () => Promise<void>;
}

export async function startCluster(folder: string): Promise<Cluster> {
  await mkdir(join(folder, 'state'), { recursive: true });
  await mkdir(join(folder, 'spool'));
  await writeFile(join(folder, 'munge.key'), randomBytes(1024), { mode: 0o400 });
  const conf = join(folder, 'slurm.conf');
  await writeFile(conf, configuration(folder, await freePort(), await freePort()));
  const env = { SLURM_CONF: conf };
  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await promisify(execFile)(program, args, { env: { ...process.env, ...env } })).stdout;
  const daemons: ChildProcess[] = [];
  const start = (program: string, ...args: string[]) => {
    daemons.push(spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...env } }));
  };
  const file = (option: string, name: string) => `--${option}=${join(folder, name)}`;
  const munge = [file('key-file', 'munge.key'), file('socket', 'munge.socket'), file('seed-file', 'munge.seed')];
  start('munged', '--foreground', '--force', ...munge, file('pid-file', 'munged.pid'), file('log-file', 'munged.log'));
  await until(() => existsSync(join(folder, 'munge.socket')));
  start('slurmctld', '-D');
  start('slurmd', '-D', '-N', NODE);
  await until(async () => (await run('sinfo', '--noheader', '--format=%T').catch(() => '')).trim() === 'idle');
  return { env, run, stop: () => stopAll(daemons) };
}

const NODE = hostname().split('.')[0]!;

const configuration = (folder: string, controlPort: number, nodePort: number): string => `ClusterName=test
SlurmctldHost=${NODE}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket
SlurmctldPort=${controlPort}
SlurmdPort=${nodePort}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
NodeName=${NODE} NodeAddr=127.0.0.1 CPUs=${availableParallelism()} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;

async function stopAll(daemons: readonly ChildProcess[]): Promise<void> {
  for (const daemon of [...daemons].reverse()) {
    if (daemon.exitCode !== null || daemon.signalCode !== null) continue;
    const ended = new Promise((done) => daemon.once('exit', done));
    daemon.kill();
    await ended;
  }
}
