// Debian's packages, for tests that are asked to install what they need.
import { spawnSync } from 'node:child_process';

/** What comes of it is seen by looking for the programs. */
export function installPackages(...names: readonly string[]): void {
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  spawnSync('apt-get', ['update'], options);
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...names], options);
}
