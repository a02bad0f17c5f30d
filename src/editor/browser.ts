// A Chromium for the browser-served VS Code: found on the system, or installed from Debian's packages where that is possible.
import { spawnSync } from 'node:child_process';
import { which } from './install';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** What a browser run by root without a GPU, and without a word to anybody, needs. */
export const BROWSER_ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** The browser's path; undefined where there is none and none can be installed. */
export function findBrowser(say: (message: string) => void): string | undefined {
  const found = present();
  const canInstall = process.platform === 'linux' && process.getuid?.() === 0 && which('apt-get') !== undefined;
  if (found !== undefined || !canInstall) return found;
  say("Installing chromium from Debian's packages …");
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  spawnSync('apt-get', ['update'], options);
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options);
  return present();
}

function present(): string | undefined {
  return process.env.LABELSCOPE_CHROMIUM ?? NAMES.map(which).find((path) => path !== undefined);
}
