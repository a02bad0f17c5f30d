// Errors that cross a process boundary: every room's keep code and words, a defect says that it is one.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { DatasetError } from '../../src/dataset/errors';
import { OnnxError } from '../../src/onnx/model';
import { LabelscopeError, toWireError } from '../../src/protocol/errors';

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
    ['EXDEV', 'EXDEV: cross-device link not permitted'],
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
