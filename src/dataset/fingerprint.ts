// The SHA-256 of a file's text while it is read: beside the reader in a second thread where the file is big.
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { systemWords } from '../system-errors';
import { DatasetError } from './errors';

export interface Fingerprint {
  update(chunk: Buffer): void;
  /** Hexadecimal. */
  digest(): Promise<string>;
  stop(): void;
}

/** For text that is not on disk as it is, and for files so small that a thread would take longer to start. */
export function hashOfChunks(): Fingerprint {
  const hash = createHash('sha256');
  return {
    update: (chunk) => void hash.update(chunk),
    digest: () => Promise.resolve(hash.digest('hex')),
    stop: () => undefined,
  };
}

/** Of text that is only to be hashed. */
export async function fingerprintOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const hash = hashOfChunks();
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest();
}

// Text, not a file of its own, so that it is there however the extension is bundled.
const THREAD = `
const { closeSync, openSync, readSync } = require('node:fs');
const { createHash } = require('node:crypto');
const { parentPort, workerData } = require('node:worker_threads');
const file = openSync(workerData, 'r');
const hash = createHash('sha256');
const buffer = Buffer.allocUnsafeSlow(1 << 18);
for (let read; (read = readSync(file, buffer)) > 0; ) hash.update(buffer.subarray(0, read));
closeSync(file);
parentPort.postMessage(hash.digest('hex'));
`;

/** Of the file: meanwhile the reader's code is compiled, which wants a second core itself. Hashing takes about half as long as reading. */
const HEAD_START = 1 / 4;

/** Takes three tenths off the time for COCO's 440 MB, of which its late start is half; the second reading comes from the system's cache. */
export function hashInThread(path: string, size: number): Fingerprint {
  let worker: Worker | undefined;
  let digest: Promise<string> | undefined;
  let bytes = 0;
  const begin = () => {
    const started = (worker = new Worker(THREAD, { eval: true, workerData: path }));
    digest = new Promise<string>((resolve, reject) => {
      started.once('message', resolve);
      started.once('error', (cause) => {
        const { reason, remedy } = systemWords(cause);
        reject(new DatasetError('file-unreadable', `${path} cannot be read: ${reason}. ${remedy}.`, path, { cause }));
      });
    });
    // Nobody waits for it when the reader fails first.
    digest.catch(() => undefined);
    return digest;
  };
  return {
    update: (chunk) => {
      bytes += chunk.length;
      if (bytes >= HEAD_START * size) digest ??= begin();
    },
    digest: () => digest ?? begin(),
    stop: () => void worker?.terminate(),
  };
}
