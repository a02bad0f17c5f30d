// The one error that crosses a process boundary: a stable code for programs, a plain message for people.

/** Something a person can meet. `message` says what happened, to which file, and what to do; `code` never changes. */
export class LabelscopeError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'LabelscopeError';
  }
}

/** Where a file or folder could not be made or changed. */
export function unwritten(path: string, error: unknown, what: 'written' | 'made' = 'written'): LabelscopeError {
  const detail = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const remedy = UNWRITTEN[code] ?? 'Check free space and permissions of the folder';
  return new LabelscopeError('write-failed', `${path} could not be ${what} (${detail}). ${remedy}.`);
}

const NO_FOLDER = 'There is no such folder: make it, or choose another';
const UNWRITTEN: Readonly<Record<string, string>> = {
  ...{ ENOENT: NO_FOLDER, ENOTDIR: NO_FOLDER },
  EISDIR: 'It is a folder: name a file',
};

/** What travels as the data of a JSON-RPC error. */
export interface WireError {
  readonly code: string;
  readonly message: string;
}

/** Errors of every room (each carries a `code`) and of the system in the form that travels; anything else, Node's own ERR_ too, is a defect and says so. */
export function toWireError(error: unknown): WireError {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    if ('syscall' in error) return ofSystem(error as SystemError);
    if (!error.code.startsWith('ERR_')) return { code: error.code, message: error.message };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: `Labelscope met an error that it did not expect: ${detail}` };
}

interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
}

const PERMISSION = ['permission is denied', 'Check the permissions of the file and of its folder'] as const;
const OPEN_FILES = ['too many files are open', 'Close other programs, or raise the limit of open files'] as const;
const FULL = ['no space is left', 'Free space, or choose another place'] as const;
const GONE = ['it is not there', 'Put it back, or name the one that is meant'] as const;

/** What happened, and what helps. */
const OF_SYSTEM: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  ...{ EACCES: PERMISSION, EPERM: PERMISSION, EMFILE: OPEN_FILES, ENFILE: OPEN_FILES, ENOSPC: FULL, EDQUOT: FULL },
  ...{ ENOENT: GONE, ENOTDIR: GONE },
  EROFS: ['the disk is read-only', 'Choose another place'],
  EBUSY: ['another program has it open', 'Close that, and try again'],
  EISDIR: ['it is a folder', 'Name a file'],
  EEXIST: ['it is there already', 'Choose another name'],
  EIO: ['the disk does not answer', 'Check the disk or the network that it hangs on, and try again'],
};

function ofSystem({ code, path, message }: SystemError): WireError {
  const [reason, remedy] = OF_SYSTEM[code] ?? [message, 'Check the file and the disk, and try again'];
  return { code: 'system', message: `${path ?? 'A file'} cannot be used: ${reason} (${code}). ${remedy}.` };
}
