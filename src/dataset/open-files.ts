// Files that stay open as long as somebody holds them, and temporary ones that leave nothing behind.
import { randomBytes } from 'node:crypto';
import { close, closeSync, fstat, open, read, write } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolders } from './make-folder';
import type { OpenFile } from './types';

const [openFile, readInto, writeFrom, statOf] = [promisify(open), promisify(read), promisify(write), promisify(fstat)];

/** An index is handed from one to the other, and none of them knows who is the last. */
const unheld = new FinalizationRegistry<number>((fd) => close(fd, () => undefined));

async function openHeld(path: string, flags: string): Promise<OpenFile> {
  const file: OpenFile = { path, fd: await openFile(path, flags, 0o600) };
  unheld.register(file, file.fd, file);
  return file;
}

export const openForReading = (path: string): Promise<OpenFile> => openHeld(path, 'r');

/** Bytes. */
export const sizeOf = async (file: OpenFile): Promise<number> => (await statOf(file.fd)).size;

/** At once. Whoever holds it must not use it any more. */
export function closeFile(file: OpenFile): void {
  unheld.unregister(file);
  closeSync(file.fd);
}

/** Nothing else is touched, whatever lies in the folder. */
const OURS = /^[0-9a-f]{32}\.rows\.tmp$/;

/**
 * A file without a name, for reading and writing: its space is free again when it is closed, also when this process is killed.
 * Throws what the system says where the folder cannot be written to.
 */
export async function openTemporary(folder: string): Promise<OpenFile> {
  await makeFolders(folder, 0o700);
  await removeLeftovers(folder);
  const path = join(folder, `${randomBytes(16).toString('hex')}.rows.tmp`);
  const file = await openHeld(path, 'wx+');
  // A system that keeps the name of an open file leaves it to the next `removeLeftovers`.
  await rm(path).catch(() => undefined);
  return file;
}

/** What could not be removed when it was made. Whoever has one of them open can go on using it. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter((each) => OURS.test(each))) {
    const path = join(folder, name);
    const entry = await lstat(path).catch(() => undefined);
    if (entry?.isFile()) await rm(path).catch(() => undefined);
  }
}

/** Fills `bytes` from there on; returns how many there were. */
export async function readAt(file: OpenFile, bytes: Uint8Array, start: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await readInto(file.fd, bytes, done, bytes.length - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

export async function writeAt(file: OpenFile, bytes: Uint8Array, start: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await writeFrom(file.fd, bytes, done, bytes.length - done, start + done)).bytesWritten;
}
