// A dev container on this machine: Debian's Podman, a Debian that debootstrap makes, so that no registry of images is needed, and the command
// line of the dev containers' specification, which starts it from a devcontainer.json.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { EDITORS, which } from '../../src/editor/install';
import type { FarSide } from '../../src/editor/server';
import { installPackages } from './packages';

const PROGRAMS = ['podman', 'runc', 'debootstrap', 'tar'];
/** What the example's devcontainer.json asks for, and Debian's name of it. */
const IMAGE = 'debian:12';
const SUITE = 'bookworm';
const CLI = createRequire(__filename).resolve('@devcontainers/cli/devcontainer.js');

/** Images are kept here, apart from those of whoever runs the tests. */
const STORE = join(EDITORS, 'containers');
/** What does not outlive the machine's run. */
const STATE = '/run/labelscope-containers';
/** Podman with that store. */
const PODMAN = join(STORE, 'podman');

/** '' where one can be started; else what a skipped title says. The image is made where it is missing: a minute or two. */
export function withoutContainers(): string {
  if (process.env.LABELSCOPE_CONTAINER !== 'install') return ' (skipped: npm run test:container starts one)';
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return ' (skipped: it is started on Linux, as root)';
  const missing = () => PROGRAMS.filter((name) => which(name) === undefined);
  if (missing().length > 0) installPackages('podman', 'runc', 'debootstrap', 'debian-archive-keyring', 'tar');
  if (missing().length > 0) return ` (skipped: no ${missing().join(', ')})`;
  preparePodman();
  const failure = makeImage() ?? failureOf(PODMAN, ['run', '--rm', IMAGE, 'true']);
  return failure === undefined ? '' : ` (skipped: ${failure})`;
}

/** @returns the end of what a program said that failed */
function failureOf(program: string, args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status === 0) return undefined;
  return `${basename(program)} ${args[0]}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
}

function preparePodman(): void {
  mkdirSync(STORE, { recursive: true });
  const settings = join(STORE, 'containers.conf');
  // Where the tests run in a machine of limited rights, Podman's own limits would be more than may be asked for, and there is no systemd. A
  // bridge of its own would need a firewall's rules.
  writeFileSync(
    settings,
    `[containers]
default_ulimits = [${limits().join(', ')}]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "${STATE}/tmp"
`,
  );
  const words = `CONTAINERS_CONF='${settings}' exec podman --root '${join(STORE, 'store')}' --runroot '${STATE}/run' "$@"`;
  writeFileSync(PODMAN, `#!/bin/sh\n${words}\n`, { mode: 0o755 });
}

/** Enough for VS Code's server and the engine, and no more than this process may itself: a container cannot be given more. */
const LIMIT = 4096;

function limits(): string[] {
  const own = readFileSync('/proc/self/limits', 'utf8');
  return Object.entries({ nofile: 'Max open files', nproc: 'Max processes' }).map(([name, title]) => {
    const [, hard] = new RegExp(`^${title} +\\w+ +(\\d+)`, 'm').exec(own) ?? [];
    const limit = Math.min(LIMIT, Number(hard ?? LIMIT));
    return `"${name}=${limit}:${limit}"`;
  });
}

/** A Debian with its base packages alone, under the name by which images of it are known. */
function makeImage(): string | undefined {
  if (failureOf(PODMAN, ['image', 'exists', IMAGE]) === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'labelscope-debian-'));
  try {
    return (
      failureOf('debootstrap', ['--variant=minbase', SUITE, join(folder, 'root')]) ??
      failureOf('tar', ['-C', join(folder, 'root'), '-cf', join(folder, 'root.tar'), '.']) ??
      failureOf(PODMAN, ['import', join(folder, 'root.tar'), `localhost/${IMAGE}`])
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface DevContainer extends FarSide {
  /** Runs a command there. @throws Error with what it said where it fails */
  readonly run: (...command: string[]) => string;
  /** Whether a process of this machine is one of the container's. */
  readonly holds: (pid: string) => boolean;
  readonly stop: () => void;
}

/**
 * @param project a folder with .devcontainer/devcontainer.json, which is /workspaces/NAME there
 * @param shared folders and files that have the same names there
 */
export function startDevContainer(project: string, shared: readonly string[]): DevContainer {
  const where = ['--workspace-folder', project, '--docker-path', PODMAN];
  const mounts = shared.flatMap((path) => ['--mount', `type=bind,source=${path},target=${path}`]);
  const said = execFileSync(process.execPath, [CLI, 'up', ...where, ...mounts], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { containerId, remoteWorkspaceFolder } = JSON.parse(said.trim().split('\n').at(-1)!) as Record<string, string>;
  const podman = (...args: string[]) => execFileSync(PODMAN, args, { encoding: 'utf8' }).trim();
  const room = (pid: string) => (existsSync(`/proc/${pid}`) ? readlinkSync(`/proc/${pid}/ns/mnt`) : undefined);
  const own = room(podman('inspect', '--format', '{{.State.Pid}}', containerId!));
  return {
    through: (command) => [PODMAN, 'exec', '-i', containerId!, ...command],
    sharesPorts: true,
    nameOf: (folder) => folder.replace(project, remoteWorkspaceFolder!),
    run: (...command) =>
      execFileSync(process.execPath, [CLI, 'exec', ...where, ...command], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    holds: (pid) => own !== undefined && room(pid) === own,
    stop: () => void podman('rm', '--force', '--time', '1', containerId!),
  };
}
