// Errors that cross a process boundary: every room's keep code and words, a defect says that it is one.
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
    [new TypeError('x is not a function'), 'x is not a function'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
  ])('calls anything else a defect: %s', (error, detail) => {
    const message = `Labelscope met an error that it did not expect: ${detail}`;
    expect(toWireError(error)).toEqual({ code: 'internal', message });
  });
});
