// Where a run at work listens: a socket whose name follows from its folder, so that nobody has to write it down.
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @param folder absolute */
export function addressOf(folder: string): string {
  const name = `labelscope-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}
