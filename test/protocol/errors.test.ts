// Errors that cross a process boundary: every room's keep code and words, a defect says that it is one.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { DatasetError } from '../../src/dataset/errors';
import { OnnxError } from '../../src/onnx/model';
import { LabelscopeError, toWireError, unwritten } from '../../src/protocol/errors';

describe('what could not be written', () => {
  const failure = (code: string) =>
    Object.assign(new Error(`${code}: some words, open '/data/x.json.77.1.tmp'`), { code, syscall: 'open' });

  it.each([
    ['ENOENT', 'there is no such folder (ENOENT). Make it, or choose another.'],
    ['EACCES', 'permission is denied (EACCES). Check the permissions of the file and of its folder.'],
    ['ENOSPC', 'no space is left (ENOSPC). Free space, or choose another place.'],
    ['EISDIR', 'it is a folder (EISDIR). Name a file.'],
    ['EXDEV', 'some words (EXDEV). Check free space and permissions of the folder.'],
  ])('is told of %s with what helps, and without names of ours', (code, words) => {
    const { code: told, message } = unwritten('/data/x.json', failure(code));
    expect([told, message]).toEqual(['write-failed', `/data/x.json could not be written: ${words}`]);
  });

  it.each([
    ['ENOENT', 'no folder can be made there (ENOENT). Choose another place.'],
    ['ENOTDIR', 'its path leads through a file (ENOTDIR). Choose another place.'],
    ['EEXIST', 'a file is in its way (EEXIST). Choose another place.'],
  ])('is told of a folder and %s as well', (code, words) => {
    expect(unwritten('/data/x', failure(code), 'made').message).toBe(`/data/x could not be made: ${words}`);
  });
});

describe('toWireError', () => {
  it.each([
    new LabelscopeError('run-exists', 'There is a run.'),
    new OnnxError('onnx-format', 'It is no model.'),
    new DatasetError('no-images', 'It has no images.', 'a.json'),
  ])('keeps code and message of $name', (error) => {
    expect(toWireError(error)).toEqual({ code: error.code, message: error.message });
  });

  it.each([
    ['EACCES', 'permission is denied'],
    ['EROFS', 'the disk is read-only'],
    ['ENOSPC', 'no space is left'],
    ['EXDEV', 'cross-device link not permitted'],
  ])('says of the system’s %s what happened to which file, and what helps', (code, reason) => {
    const own = `${code}: cross-device link not permitted, open '/data/x.json'`;
    const error = Object.assign(new Error(own), { code, syscall: 'open', path: '/data/x.json' });
    const { code: told, message } = toWireError(error);
    expect(told).toBe('system');
    expect(message).toMatch(new RegExp(`^/data/x\\.json cannot be used: ${reason}.*\\(${code}\\)\\. [A-Z].+\\.$`));
  });

  it('tells of a real file that is not there', async () => {
    const error = await readFile('/nowhere/at/all.json').catch((cause: unknown) => cause);
    expect(toWireError(error)).toEqual({
      code: 'system',
      message: '/nowhere/at/all.json cannot be used: it is not there (ENOENT). Put it back, or name the one that is meant.',
    });
  });

  it('takes an argument that Node refuses for a defect', () => {
    const error = Object.assign(new TypeError('The "path" argument must be of type string'), { code: 'ERR_INVALID_ARG_TYPE' });
    expect(toWireError(error).code).toBe('internal');
  });

  it.each([
    [new TypeError('x is not a function'), 'x is not a function'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
  ])('calls anything else a defect: %s', (error, detail) => {
    const message = `Labelscope met an error that it did not expect: ${detail}`;
    expect(toWireError(error)).toEqual({ code: 'internal', message });
  });
});
