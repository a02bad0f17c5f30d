// Where a run at work listens: a socket whose name follows from its folder, so that nobody has to write it down.
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { socketOf } from '../../platform';

/** One address a folder, whatever links lead to it; the folder need not be there yet. @param folder absolute */
export async function addressOf(folder: string): Promise<string> {
  const place = await placeOf(folder);
  return socketOf(`labelscope-${createHash('sha256').update(place).digest('hex').slice(0, 16)}`);
}

async function placeOf(folder: string): Promise<string> {
  return realpath(folder).catch(async () => {
    const parent = dirname(folder);
    return parent === folder ? folder : join(await placeOf(parent), basename(folder));
  });
}
