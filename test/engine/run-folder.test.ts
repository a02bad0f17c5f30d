// Files that a run is made of: written whole or not at all, read back to the bit, and refused where they are damaged.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeAtomically } from '../../src/engine/client/atomic';
import { appendHistory, createRunFolder, removeLeftovers, rewindHistory, runPaths } from '../../src/engine/run/folder';
import { addressOf } from '../../src/engine/client/address';
import { readRecord } from '../../src/engine/client/folder';
import { holdRun } from '../../src/engine/run/lock';
import { writeModel } from '../../src/engine/run/model-file';
import { readTensors, writeTensors } from '../../src/engine/run/safetensors';
import { START, writeCheckpoint, readCheckpoint } from '../../src/engine/train/checkpoint';
import { readModel } from '../../src/onnx/files';
import type { HistoryPoint } from '../../src/protocol/messages';
import { LINEAR, run, runtimeFloats } from '../onnx/samples';
import { float32 } from '../support/graphs';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeAtomically', () => {
  it('replaces a file and leaves nothing else', async () => {
    const path = join(folder, 'a.txt');
    await writeAtomically(path, ['one', Buffer.from(' two')]);
    await writeAtomically(path, ['three']);
    expect(await readFile(path, 'utf8')).toBe('three');
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  it('keeps the old file and no temporary one where writing fails half-way', async () => {
    const path = join(folder, 'a.txt');
    await writeFile(path, 'old');
    function* chunks(): Generator<string> {
      yield 'half of it';
      throw new Error('the disk is full');
    }
    await expect(writeAtomically(path, chunks())).rejects.toMatchObject({
      code: 'write-failed',
      message: expect.stringContaining(`${path} could not be written: the disk is full.`) as string,
    });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  it('keeps the old file and no temporary one where it is stopped, before it begins or half-way', async () => {
    const path = join(folder, 'a.txt');
    await writeFile(path, 'old');
    const stop = new AbortController();
    function* chunks(): Generator<string> {
      yield 'the first half, ';
      stop.abort();
      yield 'the second';
    }
    await expect(writeAtomically(path, chunks(), stop.signal)).rejects.toThrow(/aborted/);
    await expect(writeAtomically(path, ['new'], stop.signal)).rejects.toThrow(/aborted/);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  it('takes away what a killed process left of the same file, and nothing of one that lives or of another file', async () => {
    const { pid: dead } = spawnSync(process.execPath, ['-e', '']);
    const others = [`a.txt.${process.ppid}.1.tmp`, `b.txt.${dead}.1.tmp`, `a.txt.${dead}.tmp`, `a.txt.more.${dead}.1.tmp`];
    for (const name of [...others, `a.txt.${dead}.1.tmp`, `a.txt.${dead}.22.tmp`]) await writeFile(join(folder, name), 'half');
    await writeAtomically(join(folder, 'a.txt'), ['whole']);
    expect((await readdir(folder)).sort()).toEqual([...others, 'a.txt'].sort());
  });

  it('keeps a folder that stands where the file should go', async () => {
    await mkdir(join(folder, 'taken', 'inside'), { recursive: true });
    await expect(writeAtomically(join(folder, 'taken'), ['x'])).rejects.toMatchObject({ code: 'write-failed' });
    expect(await readdir(folder)).toEqual(['taken']);
  });

  it('does two writes of one file at a time, and the last one that ends stays whole', async () => {
    const path = join(folder, 'a.txt');
    const texts = Array.from({ length: 20 }, (_, k) => String(k).repeat(10_000));
    await Promise.all(texts.map((text) => writeAtomically(path, [text])));
    expect(texts).toContain(await readFile(path, 'utf8'));
    expect(await readdir(folder)).toEqual(['a.txt']);
  });
});

describe('writeModel', () => {
  it('writes what readModel and ONNX Runtime read, and leaves nothing else', async () => {
    const path = join(folder, 'm.onnx');
    await writeModel(path, LINEAR);
    expect(await readModel(path)).toEqual(LINEAR);
    expect(await readdir(folder)).toEqual(['m.onnx']);
    const { y } = await run(await readFile(path), { x: runtimeFloats([1, 2], [0, 0]) });
    expect([...(y?.data as Float32Array)]).toEqual([0.5, 0, 0]);
  });

  it('names a folder that is not there', async () => {
    await expect(writeModel(join(folder, 'gone', 'm.onnx'), LINEAR)).rejects.toMatchObject({ code: 'write-failed' });
  });
});

describe('safetensors', () => {
  const tensors = fc.dictionary(
    fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
    fc.array(fc.float(), { maxLength: 9 }).map((values) => float32([values.length], values)),
    { maxKeys: 5 },
  );

  it('gives back names, shapes, every bit and the metadata', async () => {
    const path = join(folder, 'x.safetensors');
    const property = fc.asyncProperty(tensors, fc.string(), async (written, note) => {
      await writeTensors(path, { tensors: written, metadata: { note } });
      const read = await readTensors(path);
      expect(Object.keys(read.tensors).sort()).toEqual(Object.keys(written).sort());
      for (const [name, { dims, data }] of Object.entries(written)) {
        expect(read.tensors[name]!.dims).toEqual(dims);
        expect(new Uint32Array(read.tensors[name]!.data.buffer)).toEqual(new Uint32Array(data.buffer));
      }
      expect(read.metadata.note).toBe(note);
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('is laid out as the format says: header length, JSON, tensors from an address divisible by 8', async () => {
    const path = join(folder, 'x.safetensors');
    await writeTensors(path, { tensors: { w: float32([2, 1], [1, -2]) }, metadata: {} });
    const bytes = await readFile(path);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, unknown>;
    expect(length % 8).toBe(0);
    expect(header.w).toEqual({ dtype: 'F32', shape: [2, 1], data_offsets: [0, 8] });
    expect([bytes.readFloatLE(8 + length), bytes.readFloatLE(12 + length)]).toEqual([1, -2]);
    expect(bytes.length).toBe(16 + length);
  });

  it('refuses a file cut at any byte or with any byte changed', async () => {
    const path = join(folder, 'x.safetensors');
    await writeTensors(path, { tensors: { w: float32([3], [1, 2, 3]), b: float32([], [4]) }, metadata: { a: 'b' } });
    const whole = await readFile(path);
    const refused = expect.objectContaining({
      code: 'checkpoint-unreadable',
      message: expect.stringMatching(/^.*x\.safetensors cannot be read \([^\n]+\)\. [^\n]+$/) as string,
    }) as Error;
    for (let cut = 0; cut < whole.length; cut += 5) {
      await writeFile(path, whole.subarray(0, cut));
      await expect(readTensors(path)).rejects.toEqual(refused);
    }
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      await writeFile(path, changed);
      await expect(readTensors(path)).rejects.toEqual(refused);
    }
  });
});

describe('a checkpoint', () => {
  it('keeps the progress, a pending point included, to the bit', async () => {
    const path = join(folder, 'state.safetensors');
    const pending = { iteration: 12, epoch: 2, loss: 0.1 + 0.2, learnRate: 1 / 3 };
    const progress = { iteration: 12, best: { iteration: 10, validationLoss: Math.PI }, evaluationsSinceBest: 1, pending };
    await writeCheckpoint(path, { progress, state: { w: float32([1], [1.5]) } });
    expect((await readCheckpoint(path)).progress).toEqual(progress);
  });

  it('is refused where the file is of another kind', async () => {
    const path = join(folder, 'state.safetensors');
    await writeTensors(path, { tensors: {}, metadata: {} });
    await expect(readCheckpoint(path)).rejects.toMatchObject({ code: 'checkpoint-unreadable' });
  });
});

describe('the history of a run', () => {
  const point = (iteration: number): HistoryPoint => ({ iteration, epoch: 1, loss: 1 / iteration, learnRate: 0.1 });

  it('goes back to an iteration, and drops a line that a crash has cut', async () => {
    const paths = runPaths(folder);
    expect(await rewindHistory(paths, START.iteration)).toEqual([]);
    await appendHistory(paths, [1, 2, 3].map(point));
    await appendHistory(paths, [4, 5].map(point));
    await appendFile(paths.history, '{"iteration":6,"epo');
    expect(await rewindHistory(paths, 4)).toEqual([1, 2, 3, 4].map(point));
    await appendHistory(paths, [point(5)]);
    const lines = [1, 2, 3, 4, 5].map((iteration) => JSON.stringify(point(iteration)) + '\n');
    expect(await readFile(paths.history, 'utf8')).toBe(lines.join(''));
  });
});

describe('a run folder', () => {
  it('is not made where a run lies, nor where the rest of one does', async () => {
    const taken = expect.objectContaining({ code: 'run-exists', message: expect.stringContaining(folder) as string }) as Error;
    await createRunFolder(folder);
    await createRunFolder(folder);
    for (const file of ['run.json', 'model.onnx', 'history.jsonl', 'checkpoint/features.train.0.safetensors']) {
      await writeFile(join(folder, file), '');
      await expect(createRunFolder(folder)).rejects.toEqual(taken);
      await rm(join(folder, file));
    }
  });

  it.each([
    ['run-missing', undefined],
    ['run-unreadable', 'no JSON'],
    ['run-unreadable', '{"format": 1}'],
    ['run-newer', '{"format": 3, "recipe": {}, "train": {}, "validation": {}, "categories": []}'],
  ])('answers %s where run.json is %j', async (code, text) => {
    if (text !== undefined) await writeFile(join(folder, 'run.json'), text);
    await expect(readRecord(folder)).rejects.toMatchObject({ code, message: expect.stringContaining(folder) as string });
  });

  it('loses the temporary files of a killed process and nothing else', async () => {
    const names = ['model.onnx', 'model.onnx.123.4.tmp', 'notes.tmp', 'checkpoint/state.safetensors.9.1.tmp', 'checkpoint/x'];
    await mkdir(join(folder, 'checkpoint'));
    for (const name of names) await writeFile(join(folder, name), '');
    await removeLeftovers(runPaths(folder));
    expect(names.filter((name) => existsSync(join(folder, name)))).toEqual(['model.onnx', 'notes.tmp', 'checkpoint/x']);
  });

  it('is held by one training at a time', async () => {
    const release = await holdRun(folder, (socket) => socket.destroy());
    await expect(holdRun(folder, (socket) => socket.destroy())).rejects.toMatchObject({ code: 'run-busy' });
    (await holdRun(`${folder}-other`, (socket) => socket.destroy()))();
    release();
    (await holdRun(folder, (socket) => socket.destroy()))();
  });

  it('is the same run under every name that leads to it', async () => {
    await mkdir(join(folder, 'run'));
    await symlink(join(folder, 'run'), join(folder, 'link'));
    const release = await holdRun(join(folder, 'run'), (socket) => socket.destroy());
    await expect(holdRun(join(folder, 'link'), (socket) => socket.destroy())).rejects.toMatchObject({ code: 'run-busy' });
    release();
  });

  it.skipIf(process.platform === 'win32')('is taken by one of many that find the lock of a dead process', async () => {
    const address = await addressOf(folder);
    const script = `require('node:net').createServer().listen(${JSON.stringify(address)}, () => process.kill(process.pid, 'SIGKILL'))`;
    for (let trial = 0; trial < 20; trial++) {
      expect(spawnSync(process.execPath, ['-e', script]).signal).toBe('SIGKILL');
      expect(existsSync(address)).toBe(true);
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => holdRun(folder, (socket) => socket.destroy())));
      const held = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(held).toHaveLength(1);
      await expect(holdRun(folder, (socket) => socket.destroy())).rejects.toMatchObject({ code: 'run-busy' });
      held[0]!();
    }
  });

  it.skipIf(process.getuid?.() === 0)('says so where it cannot be made', async () => {
    await chmod(folder, 0o500);
    await expect(createRunFolder(join(folder, 'run'))).rejects.toMatchObject({ code: 'write-failed' });
  });

  it('says so where a file stands in its way', async () => {
    await writeFile(join(folder, 'file'), '');
    const message = expect.stringMatching(
      /file.run could not be made: a file is in its way \(EEXIST\)\. Choose another place\./,
    ) as string;
    await expect(createRunFolder(join(folder, 'file', 'run'))).rejects.toMatchObject({ code: 'write-failed', message });
  });
});
