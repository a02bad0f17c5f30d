// What differs between operating systems, in one place and as functions of the platform, so that all of them are tested on each.
import { homedir, tmpdir } from 'node:os';
import { posix, win32 } from 'node:path';

type Platform = NodeJS.Platform;

const HERE = process.platform;
const pathsOf = (platform: Platform) => (platform === 'win32' ? win32 : posix);

/** A file's name with `/` between folders. A backslash is that on Windows, and an ordinary character elsewhere. */
export function withSlashes(fileName: string, platform: Platform = HERE): string {
  return platform === 'win32' ? fileName.replaceAll('\\', '/') : fileName;
}

/** What names have in common that the file system takes for one: Windows and macOS find Image.JPG under image.jpg, and macOS stores accents decomposed. */
export function foldedName(name: string, platform: Platform = HERE): string {
  return platform === 'win32' || platform === 'darwin' ? name.normalize('NFC').toLowerCase() : name;
}

/** Whether a name means a place on some system that is not below the folder it is looked for in: a data set is to mean the same everywhere. */
export function leadsOut(fileName: string): boolean {
  if (posix.isAbsolute(fileName) || win32.isAbsolute(fileName) || /^[a-z]:/i.test(fileName)) return true;
  return fileName.split(/[/\\]/).includes('..');
}

/** Whether a path is the folder or lies in it, by their spelling; both absolute, links resolved. */
export function isWithin(folder: string, path: string, platform: Platform = HERE): boolean {
  const paths = pathsOf(platform);
  const way = paths.relative(folder, path);
  return way !== '..' && !way.startsWith(`..${paths.sep}`) && !paths.isAbsolute(way);
}

/** Where programs of a person keep what can be made again. */
export function cachesFolder(env: NodeJS.ProcessEnv = process.env, platform: Platform = HERE, home: string = homedir()): string {
  if (platform === 'win32') return env.LOCALAPPDATA ?? win32.join(home, 'AppData', 'Local');
  if (platform === 'darwin') return posix.join(home, 'Library', 'Caches');
  return env.XDG_CACHE_HOME ?? posix.join(home, '.cache');
}

/** What a local server of this name listens on: a pipe on Windows, else a socket that is a file. */
export function socketOf(name: string, platform: Platform = HERE, temporary: string = tmpdir()): string {
  return platform === 'win32' ? `\\\\.\\pipe\\${name}` : posix.join(temporary, `${name}.sock`);
}

/** Whether such a socket has permissions of a file. */
export function isSocketFile(platform: Platform = HERE): boolean {
  return platform !== 'win32';
}

/** Whether a folder can be opened and synced, which a rename in it needs in order to outlive a power cut. */
export function syncsFolders(platform: Platform = HERE): boolean {
  return platform !== 'win32';
}

/** The file name of a shared library. */
export function libraryFile(name: string, platform: Platform = HERE): string {
  if (platform === 'win32') return `${name}.dll`;
  return `lib${name}.${platform === 'darwin' ? 'dylib' : 'so'}`;
}

/**
 * Why ONNX Runtime cannot use CUDA here: its package for Node can on Linux x64 alone (by its README, and by what its libraries list).
 * Undefined where it can.
 *
 * @param machine operating system and processor
 */
export function whyNoCuda(machine = `${HERE}-${process.arch}`): string | undefined {
  if (machine === 'linux-x64') return undefined;
  const instead = machine.startsWith('linux')
    ? 'the processor does the work'
    : 'WebGPU uses the graphics card, and needs no installation';
  return `ONNX Runtime's package for Node has no CUDA on ${machine}; there ${instead}.`;
}
