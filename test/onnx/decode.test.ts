// Files that are read: every way the format stores a tensor, and nothing but an OnnxError for whatever is damaged or hostile.
import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import { WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../src/onnx/decode';
import { encodeModel } from '../../src/onnx/encode';
import { OnnxError } from '../../src/onnx/model';
import type { Graph, Model } from '../../src/onnx/model';
import { floats, LINEAR, model, node } from './samples';
import { bytesField, fileOf, integerField, message, tensorFile, textField } from '../support/protobuf';

type Write = (writer: BinaryWriter) => unknown;

const firstTensor = (bytes: Uint8Array) => decodeModel(bytes, 'model.onnx').graph.initializers.get('t');

/** Writes a repeated number field in both of protobuf's forms. */
function bothForms(field: number, wire: WireType, elements: readonly Write[]): Record<'packed' | 'unpacked', Write> {
  return {
    packed: (writer) =>
      bytesField(
        writer,
        field,
        message((inner) => elements.forEach((element) => element(inner))),
      ),
    unpacked: (writer) => elements.forEach((element) => element(writer.tag(field, wire))),
  };
}

const varints = (field: number, values: readonly (number | bigint)[]) =>
  bothForms(
    field,
    WireType.Varint,
    values.map((value) => (writer: BinaryWriter) => writer.int64(value)),
  );

describe('decodeModel reads a tensor stored as', () => {
  const cases = [
    {
      type: 1,
      name: 'float_data',
      forms: bothForms(
        4,
        WireType.Bit32,
        [1.5, -2].map((value) => (writer) => writer.float(value)),
      ),
      data: Float32Array.of(1.5, -2),
    },
    {
      type: 11,
      name: 'double_data',
      forms: bothForms(
        10,
        WireType.Bit64,
        [0.1, -2].map((value) => (writer) => writer.double(value)),
      ),
      data: Float64Array.of(0.1, -2),
    },
    { type: 6, name: 'int32_data', forms: varints(5, [7, -9]), data: Int32Array.of(7, -9) },
    { type: 7, name: 'int64_data', forms: varints(7, [2n ** 60n + 1n, -1n]), data: BigInt64Array.of(2n ** 60n + 1n, -1n) },
    { type: 2, name: 'int32_data for uint8', forms: varints(5, [0, 255]), data: Uint8Array.of(0, 255) },
    { type: 3, name: 'int32_data for int8', forms: varints(5, [-128, 127]), data: Int8Array.of(-128, 127) },
    { type: 4, name: 'int32_data for uint16', forms: varints(5, [1, 65535]), data: Uint16Array.of(1, 65535) },
    { type: 5, name: 'int32_data for int16', forms: varints(5, [-32768, 2]), data: Int16Array.of(-32768, 2) },
    { type: 9, name: 'int32_data for bool', forms: varints(5, [1, 0]), data: Uint8Array.of(1, 0) },
    { type: 10, name: 'int32_data for float16 bits', forms: varints(5, [0x3c00, 0xc000]), data: Uint16Array.of(0x3c00, 0xc000) },
  ];
  const table = cases.flatMap(({ forms, ...rest }) => Object.entries(forms).map(([form, write]) => ({ ...rest, form, write })));
  it.each(table)('$name, $form', ({ type, write, data }) => {
    expect(firstTensor(tensorFile(type, [2], write))).toMatchObject({ dims: [2], data });
  });

  it.each([0, 1, 2, 3])('raw_data, %i bytes off its alignment', (shift) => {
    const values = Float32Array.of(1, -2, 3e-8);
    const bytes = tensorFile(1, [3], (writer) => {
      textField(writer, 12, ' '.repeat(shift));
      bytesField(writer, 9, new Uint8Array(values.buffer));
    });
    expect(firstTensor(bytes)).toMatchObject({ type: 'float32', data: values });
    // A Buffer inside a larger one, as Node.js hands them out, is read at its own place.
    const inside = Buffer.concat([Buffer.of(9), bytes]).subarray(1);
    expect(firstTensor(inside)).toMatchObject({ type: 'float32', data: values });
  });

  it('strings', () => {
    const bytes = tensorFile(8, [2], (writer) => ['a', 'größe'].forEach((text) => textField(writer, 6, text)));
    expect(firstTensor(bytes)).toEqual({ type: 'string', dims: [2], data: ['a', 'größe'] });
  });

  it('dimensions in packed form, and a scalar', () => {
    const packed = tensorFile(1, [], (writer) => {
      bytesField(writer, 1, Uint8Array.of(2, 1));
      bytesField(writer, 9, new Uint8Array(8));
    });
    expect(firstTensor(packed)).toMatchObject({ dims: [2, 1] });
    expect(firstTensor(tensorFile(1, [], (writer) => bytesField(writer, 9, new Uint8Array(4))))).toMatchObject({ dims: [] });
  });
});

describe('decodeModel', () => {
  const chain = [node('Relu', ['b'], ['c']), node('Relu', ['a'], ['b']), node('Add', ['c', 'a'], ['d'])];
  const around: Partial<Graph> = {
    inputs: [{ name: 'a', type: 'float32', dims: undefined }],
    outputs: [{ name: 'd', type: 'float32', dims: undefined }],
  };
  const read = (it: Model) => decodeModel(encodeModel(it), 'model.onnx');

  it('puts nodes into topological order and leaves ordered ones as they are', () => {
    expect(read(model({ ...around, nodes: chain })).graph.nodes.map((made) => made.outputs[0])).toEqual(['b', 'c', 'd']);
    const ordered = [chain[1]!, chain[0]!, chain[2]!];
    expect(read(model({ ...around, nodes: ordered })).graph.nodes).toEqual(ordered);
  });

  it('sorts a reversed chain of 50,000 nodes', () => {
    const length = 50_000;
    const reversed = Array.from({ length }, (_, index) => node('Relu', [`v${length - index - 1}`], [`v${length - index}`]));
    const long = model({
      nodes: reversed,
      inputs: [{ name: 'v0', type: 'float32', dims: undefined }],
      outputs: [{ name: `v${length}`, type: 'float32', dims: undefined }],
    });
    expect(read(long).graph.nodes[0]!.inputs).toEqual(['v0']);
  });

  it('takes an input that has an initializer for the initializer', () => {
    const old = {
      ...LINEAR,
      graph: { ...LINEAR.graph, inputs: [...LINEAR.graph.inputs, { name: 'w', type: 'float32' as const, dims: [2, 3] }] },
    };
    expect(read(old).graph.inputs.map((input) => input.name)).toEqual(['x']);
  });

  it('infers the kind of an attribute from files that do not say it', () => {
    const attribute = message((writer) => {
      textField(writer, 1, 'axis');
      integerField(writer, 3, -1);
    });
    const graph = message((writer) =>
      bytesField(
        writer,
        1,
        message((inner) => {
          textField(inner, 4, 'Any');
          bytesField(inner, 5, attribute);
        }),
      ),
    );
    expect(decodeModel(fileOf(graph), 'old').graph.nodes[0]!.attributes).toEqual({ axis: { kind: 'int', value: -1 } });
  });

  it('skips fields that it does not know', () => {
    const extra = message((writer) => {
      textField(writer, 500, 'future');
      integerField(writer, 501, 1);
      writer.tag(502, WireType.Bit64).double(1);
      writer.tag(503, WireType.Bit32).float(1);
    });
    expect(decodeModel(Buffer.concat([encodeModel(LINEAR), extra]), 'new')).toEqual(LINEAR);
  });
});

describe('decodeModel refuses', () => {
  const nodesOnly = (nodes: Graph['nodes'], more: Partial<Graph> = {}) => encodeModel(model({ nodes, ...more }));
  const inGraph = (field: number, write: Write) => fileOf(message((writer) => bytesField(writer, field, message(write))));
  const raw = (bytes: number) => (writer: BinaryWriter) => bytesField(writer, 9, new Uint8Array(bytes));
  const input = (write: Write) =>
    inGraph(11, (writer) => {
      textField(writer, 1, 'x');
      bytesField(writer, 2, message(write));
    });
  const attribute = (write: Write) =>
    inGraph(1, (writer) => {
      textField(writer, 4, 'Any');
      bytesField(
        writer,
        5,
        message((inner) => {
          textField(inner, 1, 'it');
          write(inner);
        }),
      );
    });
  const loop = [node('Add', ['a', 'c'], ['b']), node('Relu', ['b'], ['c'])];
  const inputA = [{ name: 'a', type: 'float32' as const, dims: undefined }];

  it.each<[what: string, bytes: () => Uint8Array, code: OnnxError['code'], message: RegExp]>([
    ['an empty file', () => new Uint8Array(), 'onnx-format', /no graph/],
    ['a text', () => Buffer.from('{"format": "layers-model"}'), 'onnx-format', /not an ONNX model or is damaged/],
    ['a PNG', () => Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'onnx-format', /not an ONNX model/],
    ['a file without a graph', () => fileOf(undefined), 'onnx-format', /no graph/],
    [
      'a file without operator sets',
      () => message((writer) => bytesField(writer, 7, new Uint8Array())),
      'onnx-format',
      /operator set/,
    ],
    ['a file cut in its middle', () => encodeModel(LINEAR).subarray(0, 90), 'onnx-format', /damaged/],
    [
      'functions of its own',
      () => message((writer) => bytesField(writer, 25, new Uint8Array())),
      'onnx-unsupported',
      /functions/,
    ],
    ['too few bytes in a tensor', () => tensorFile(1, [2, 3], raw(20)), 'onnx-format', /'t' of dimensions \[2, 3\] has 20 bytes/],
    ['too many bytes in a tensor', () => tensorFile(1, [2], raw(12)), 'onnx-format', /has 12 bytes/],
    ['a tensor without data', () => tensorFile(1, [2], () => 0), 'onnx-format', /has 0 bytes/],
    ['too few numbers in a typed field', () => tensorFile(6, [3], varints(5, [1, 2]).packed), 'onnx-format', /has 2 bytes/],
    ['too many numbers in a typed field', () => tensorFile(6, [1], varints(5, [1, 2]).packed), 'onnx-format', /another number/],
    ['too few strings', () => tensorFile(8, [2], (writer) => textField(writer, 6, 'a')), 'onnx-format', /1 strings/],
    ['a negative dimension', () => tensorFile(1, [-2, -2], raw(16)), 'onnx-format', /impossible dimensions \[-2, -2\]/],
    ['an enormous dimension', () => tensorFile(1, [2n ** 40n], raw(16)), 'onnx-format', /do not fit/],
    ['an enormous product', () => tensorFile(1, [2n ** 40n, 2n ** 40n], raw(16)), 'onnx-format', /impossible/],
    ['an enormous varint count', () => tensorFile(7, [2n ** 40n], varints(7, [1]).packed), 'onnx-format', /do not fit/],
    ['a dimension beyond exact numbers', () => tensorFile(1, [2n ** 60n], raw(16)), 'onnx-format', /too large/],
    ['bfloat16', () => tensorFile(16, [2], raw(4)), 'onnx-unsupported', /'t' has element type 16.*float32/],
    ['4-bit integers', () => tensorFile(22, [2], raw(1)), 'onnx-unsupported', /element type 22/],
    [
      'a tensor in segments',
      () => tensorFile(1, [2], (writer) => bytesField(writer, 3, new Uint8Array())),
      'onnx-format',
      /segments/,
    ],
    [
      'data in another file',
      () => tensorFile(1, [2], (writer) => integerField(writer, 14, 1)),
      'onnx-unsupported',
      /another file/,
    ],
    ['sparse tensors', () => inGraph(15, () => 0), 'onnx-unsupported', /sparse/],
    [
      'an initializer without a name',
      () => inGraph(5, (writer) => integerField(writer.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(4)), 2, 1)),
      'onnx-format',
      /no name/,
    ],
    ['a node without an operator', () => inGraph(1, () => 0), 'onnx-format', /no operator/],
    [
      'an input without a type',
      () => inGraph(11, (writer) => textField(writer, 1, 'x')),
      'onnx-unsupported',
      /'x', which is not a tensor/,
    ],
    [
      'a sequence as an input',
      () => input((writer) => bytesField(writer, 4, new Uint8Array())),
      'onnx-unsupported',
      /not a tensor/,
    ],
    [
      'an attribute of an unknown kind',
      () => attribute((writer) => integerField(writer, 20, 11)),
      'onnx-unsupported',
      /'it' of kind 11/,
    ],
    [
      'an attribute without a value',
      () => attribute((writer) => integerField(writer, 20, 4)),
      'onnx-format',
      /'it' has no value/,
    ],
    ['a field of another wire type', () => inGraph(1, (writer) => integerField(writer, 4, 1)), 'onnx-format', /wire type/],
    [
      'text that is not UTF-8',
      () => inGraph(1, (writer) => bytesField(writer, 4, Uint8Array.of(0xff))),
      'onnx-format',
      /damaged/,
    ],
    ['a cycle', () => nodesOnly(loop, { inputs: inputA }), 'onnx-format', /'make_[bc]' depends on its own output/],
    ['a node that reads itself', () => nodesOnly([node('Relu', ['b'], ['b'])]), 'onnx-format', /depends on its own output/],
    ['a missing input', () => nodesOnly([node('Relu', ['gone'], ['b'])]), 'onnx-format', /'make_b' reads 'gone'/],
    ['a missing output', () => nodesOnly([], { outputs: inputA }), 'onnx-format', /gives out 'a'/],
    [
      'a value made twice',
      () => nodesOnly([node('Relu', ['a'], ['b']), node('Relu', ['a'], ['b'])], { inputs: inputA }),
      'onnx-format',
      /'b' is made twice/,
    ],
    [
      'a value that is an input too',
      () => nodesOnly([node('Relu', ['a'], ['a'])], { inputs: inputA }),
      'onnx-format',
      /'a' is made twice/,
    ],
    [
      'two initializers of one name',
      () => {
        const one = tensorFile(1, [], raw(4)).subarray(8);
        return fileOf(Buffer.concat([one, one]));
      },
      'onnx-format',
      /two initializers 't'/,
    ],
    [
      'unordered nodes with subgraphs',
      () =>
        nodesOnly(
          [node('Relu', ['b'], ['c']), node('If', ['a'], ['b'], { then_branch: { kind: 'graph', value: new Uint8Array() } })],
          { inputs: inputA },
        ),
      'onnx-unsupported',
      /subgraphs/,
    ],
  ])('%s', (_, bytes, code, pattern) => {
    expect(() => decodeModel(bytes(), 'some/model.onnx')).toThrow(
      expect.objectContaining({ name: 'OnnxError', code, message: expect.stringMatching(pattern) as string }),
    );
    expect(() => decodeModel(bytes(), 'some/model.onnx')).toThrow(/^some\/model\.onnx/);
  });

  it('more than 2 GB', () => {
    const large = { byteLength: 2 ** 31 } as Uint8Array;
    expect(() => decodeModel(large, 'large.onnx')).toThrow(expect.objectContaining({ code: 'onnx-size' }));
  });
});

describe('decodeModel meets damage with an OnnxError or a model, never anything else:', () => {
  const everything = model({
    nodes: [
      node('Any', ['x', '', 'w'], ['y'], {
        f: { kind: 'float', value: 1 },
        i: { kind: 'int', value: -1 },
        s: { kind: 'string', value: 'é' },
        t: { kind: 'tensor', value: floats([2], [1, 2]) },
        g: { kind: 'graph', value: Uint8Array.of(1, 2) },
        fs: { kind: 'floats', value: [1, 2] },
        is: { kind: 'ints', value: [1, 2 ** 40] },
        ss: { kind: 'strings', value: ['a', ''] },
      }),
    ],
    inputs: [{ name: 'x', type: 'uint8', dims: ['N', 3, null] }],
    outputs: [{ name: 'y', type: 'float32', dims: undefined }],
    initializers: new Map([['w', { type: 'int64', dims: [3], data: BigInt64Array.of(1n, -1n, 2n ** 62n) }]]),
  });
  const typed = tensorFile(6, [2], varints(5, [7, -9]).packed);
  const files = [encodeModel({ ...everything, metadata: { key: 'value' } }), typed];

  function survives(bytes: Uint8Array): boolean {
    try {
      decodeModel(bytes, 'damaged');
      return true;
    } catch (error) {
      if (!(error instanceof OnnxError)) throw error;
      return false;
    }
  }

  it('every truncation', () => {
    const read = files.flatMap((file) => Array.from(file, (_, length) => survives(file.subarray(0, length))));
    expect(read).toContain(false);
    expect(files.every(survives)).toBe(true);
  });

  it('every bit flipped, every byte made one of the extremes', () => {
    const changes = [0, 0x7f, 0x80, 0xff].map((value) => () => value);
    const flips = Array.from({ length: 8 }, (_, bit) => (byte: number) => byte ^ (1 << bit));
    let refused = 0;
    for (const file of files) {
      for (let at = 0; at < file.length; at++) {
        for (const change of [...changes, ...flips]) {
          const damaged = file.slice();
          damaged[at] = change(file[at]!);
          if (!survives(damaged)) refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });

  it('random bytes and random insertions', () => {
    const file = files[0]!;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(file.length), (bytes, at) => {
        survives(bytes);
        survives(Buffer.concat([file.subarray(0, at), bytes, file.subarray(at)]));
      }),
      { numRuns: 2000 },
    );
  });
});
