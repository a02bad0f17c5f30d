// Models on disk, and data beside them that are taken from their own folder only.
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/encode';
import { readModel } from '../../src/onnx/files';
import { LINEAR } from './samples';
import { bytesField, integerField, message, tensorFile, textField } from '../support/protobuf';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-files-'));
  await mkdir(join(folder, 'model'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => join(folder, 'model', ...parts);

describe('readModel', () => {
  it('says which file is missing', async () => {
    const message = `Could not read ${at('gone.onnx')}: there is no such file or folder.`;
    await expect(readModel(at('gone.onnx'))).rejects.toMatchObject({ code: 'onnx-file', message });
  });

  it('refuses a folder and an empty file', async () => {
    await expect(readModel(at())).rejects.toMatchObject({ code: 'onnx-file' });
    await writeFile(at('empty.onnx'), '');
    await expect(readModel(at('empty.onnx'))).rejects.toMatchObject({ code: 'onnx-format' });
  });

  it('refuses more than 2 GB before it reads them', async () => {
    await writeFile(at('large.onnx'), encodeModel(LINEAR));
    await truncate(at('large.onnx'), 2 ** 31);
    await expect(readModel(at('large.onnx'))).rejects.toMatchObject({ code: 'onnx-size' });
  });
});

describe('data beside the model', () => {
  const values = Float32Array.of(1, 2, 3);
  const external = (entries: Readonly<Record<string, string>>) =>
    tensorFile(1, [3], (writer) => {
      integerField(writer, 14, 1);
      for (const [key, value] of Object.entries(entries)) {
        const entry = message((inner) => {
          textField(inner, 1, key);
          textField(inner, 2, value);
        });
        bytesField(writer, 13, entry);
      }
    });
  const open = async (entries: Readonly<Record<string, string>>) => {
    await writeFile(at('m.onnx'), external(entries));
    return (await readModel(at('m.onnx'))).graph.initializers.get('t');
  };

  beforeEach(async () => {
    const data = Buffer.concat([Buffer.alloc(5), Buffer.from(values.buffer)]);
    await mkdir(at('weights'));
    await writeFile(at('w.bin'), data);
    await writeFile(at('weights', '..w'), data);
    await writeFile(join(folder, 'outside.bin'), data);
    await symlink(join(folder, 'outside.bin'), at('link.bin'));
    await symlink(folder, at('up'));
    await symlink(at('w.bin'), at('inner.bin'));
  });

  it.each([
    { location: 'w.bin', offset: '5', length: '12' },
    { location: 'w.bin', offset: '5' },
    { location: './weights/../w.bin', offset: '5' },
    { location: 'weights/..w', offset: '5' },
    { location: 'inner.bin', offset: '5' },
  ])('is read from $location', async (entries) => {
    expect(await open(entries)).toEqual({ type: 'float32', dims: [3], data: values });
  });

  it.each(['../outside.bin', 'weights/../../outside.bin', 'link.bin', 'up/outside.bin', '..', '.', 'w.bin\0'])(
    'is refused from outside its folder: %j',
    async (location) => {
      await expect(open({ location, offset: '5' })).rejects.toMatchObject({
        code: 'onnx-file',
        message: expect.stringMatching(/m\.onnx asks for data in .*outside its own folder/) as string,
      });
    },
  );

  it('is refused from an absolute path', async () => {
    await expect(open({ location: at('w.bin'), offset: '5' })).rejects.toMatchObject({ code: 'onnx-file' });
  });

  it.each([
    [{ location: 'w.bin', offset: '6' }, 'onnx-format', /w\.bin is shorter/],
    [{ location: 'w.bin', offset: '-1' }, 'onnx-format', /do not fit/],
    [{ location: 'w.bin', offset: 'x' }, 'onnx-format', /do not fit/],
    [{ location: 'w.bin', length: '8' }, 'onnx-format', /do not fit/],
    [{ location: 'weights' }, 'onnx-format', /weights is shorter/],
    [{ location: 'gone.bin' }, 'onnx-file', /gone\.bin/],
    [{}, 'onnx-format', /do not fit/],
  ])('is refused as %j', async (entries, code, pattern) => {
    await expect(open(entries)).rejects.toMatchObject({ code, message: expect.stringMatching(pattern) as string });
  });
});
