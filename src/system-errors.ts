// What the operating system's errors about files mean for a person, and what helps: the same words wherever one is told.

export interface SystemWords {
  /** 'no space is left (ENOSPC)' */
  readonly reason: string;
  /** 'Free space, or choose another place' */
  readonly remedy: string;
}

/** What was being done with a file, or with a folder that was to be made. */
type Deed = 'use' | 'write' | 'make';

type Entry = readonly [reason: string, remedy: string];

const PERMISSION: Entry = ['permission is denied', 'Check the permissions of the file and of its folder'];
const OPEN_FILES: Entry = ['too many files are open', 'Close other programs, or raise the limit of open files'];
const FULL: Entry = ['no space is left', 'Free space, or choose another place'];
const GONE: Entry = ['it is not there', 'Put it back, or name the one that is meant'];
const ELSEWHERE = 'Choose another place';

const USED: Readonly<Record<string, Entry>> = {
  ...{ EACCES: PERMISSION, EPERM: PERMISSION, EMFILE: OPEN_FILES, ENFILE: OPEN_FILES, ENOSPC: FULL, EDQUOT: FULL },
  ...{ ENOENT: GONE, ENOTDIR: GONE },
  EROFS: ['the disk is read-only', ELSEWHERE],
  EBUSY: ['another program has it open', 'Close that, and try again'],
  EFBIG: ['files may not be so large here', 'Raise the limit of their size, or choose another place'],
  EISDIR: ['it is a folder', 'Name a file'],
  EEXIST: ['it is there already', 'Choose another name'],
  ENAMETOOLONG: ['its name is too long', 'Choose a shorter one'],
  EIO: ['the disk does not answer', 'Check the disk or the network that it hangs on, and try again'],
};

const THROUGH_FILE: Entry = ['its path leads through a file', ELSEWHERE];

const TABLES: Readonly<Record<Deed, Readonly<Record<string, Entry>>>> = {
  use: USED,
  write: { ...USED, ENOENT: ['there is no such folder', 'Make it, or choose another'], ENOTDIR: THROUGH_FILE },
  make: {
    ...USED,
    ENOENT: ['no folder can be made there', ELSEWHERE],
    ENOTDIR: THROUGH_FILE,
    EEXIST: ['a file is in its way', ELSEWHERE],
  },
};

const OTHERWISE: Readonly<Record<Deed, string>> = {
  use: 'Check the file and the disk, and try again',
  write: 'Check free space and permissions of the folder',
  make: 'Check free space and permissions of the folder',
};

/** Of an error without a code of the system its own words. The paths in it are left out: they may be names that only this program knows. */
export function systemWords(error: unknown, deed: Deed = 'use'): SystemWords {
  const words = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined;
  if (code === undefined) return { reason: words, remedy: OTHERWISE[deed] };
  const own = words.replace(`${code}: `, '').replace(/, \w+( '.*)?$/s, '');
  const [reason, remedy] = TABLES[deed][code] ?? [own, OTHERWISE[deed]];
  return { reason: `${reason} (${code})`, remedy };
}
