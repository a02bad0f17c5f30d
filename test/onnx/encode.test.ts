// Files that are written: read back unchanged, run by ONNX Runtime, chunks that are views, tensors that lie aligned.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../src/onnx/decode';
import { encodeModel, encodeModelChunks } from '../../src/onnx/encode';
import { elementCount } from '../../src/onnx/model';
import type { Attribute, DataType, Dimension, Model, Node, Tensor, ValueInfo } from '../../src/onnx/model';
import { floats, LINEAR, model, run, runtimeFloats } from './samples';

const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  fc.constantFrom('__proto__', 'constructor', 'größe'),
);
const dims = fc.array(fc.nat(4), { maxLength: 4 });

const tensor: fc.Arbitrary<Tensor> = fc.oneof(
  filled('float32', fc.float(), (values) => Float32Array.from(values)),
  filled('float64', fc.double(), (values) => Float64Array.from(values)),
  filled('int8', fc.integer({ min: -128, max: 127 }), (values) => Int8Array.from(values)),
  filled('uint8', fc.nat(255), (values) => Uint8Array.from(values)),
  filled('bool', fc.nat(1), (values) => Uint8Array.from(values)),
  filled('int16', fc.integer({ min: -0x8000, max: 0x7fff }), (values) => Int16Array.from(values)),
  filled('uint16', fc.nat(0xffff), (values) => Uint16Array.from(values)),
  filled('float16', fc.nat(0xffff), (values) => Uint16Array.from(values)),
  filled('int32', fc.integer(), (values) => Int32Array.from(values)),
  filled('int64', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (values) => BigInt64Array.from(values)),
  filled('string', fc.string({ unit: 'grapheme' }), (values) => values),
);

function filled<T>(type: DataType, value: fc.Arbitrary<T>, pack: (values: T[]) => Tensor['data']): fc.Arbitrary<Tensor> {
  return dims.chain((shape) => {
    const count = elementCount(shape);
    return fc
      .array(value, { minLength: count, maxLength: count })
      .map((values) => ({ type, dims: shape, data: pack(values) }) as Tensor);
  });
}

const integer = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(2 ** 63, -(2 ** 63)));
const text = fc.string({ unit: 'grapheme' });
const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.record({ kind: fc.constant('float' as const), value: fc.float() }),
  fc.record({ kind: fc.constant('int' as const), value: integer }),
  fc.record({ kind: fc.constant('string' as const), value: text }),
  fc.record({ kind: fc.constant('tensor' as const), value: tensor }),
  fc.record({ kind: fc.constant('floats' as const), value: fc.array(fc.float()) }),
  fc.record({ kind: fc.constant('ints' as const), value: fc.array(integer) }),
  fc.record({ kind: fc.constant('strings' as const), value: fc.array(text) }),
  fc.record({ kind: fc.constant('graph' as const), value: fc.uint8Array() }),
);

const dimension: fc.Arbitrary<Dimension> = fc.oneof(fc.nat(), name, fc.constant(null));
const elementType = fc.constantFrom<DataType>('float32', 'uint8', 'int64', 'bool', 'float16', 'string');

/** A chain of nodes over inputs and initializers of distinct names: topologically ordered by construction. */
const anyModel: fc.Arbitrary<Model> = fc
  .record({
    names: fc.uniqueArray(name, { minLength: 3, maxLength: 12 }),
    tensors: fc.array(tensor, { maxLength: 4 }),
    types: fc.array(elementType, { minLength: 12, maxLength: 12 }),
    shape: fc.option(fc.array(dimension, { maxLength: 4 }), { nil: undefined }),
    attributes: fc.array(fc.dictionary(name, attribute, { maxKeys: 4 }), { minLength: 12, maxLength: 12 }),
    metadata: fc.dictionary(name, text),
    domain: fc.constantFrom('', 'com.example'),
    producer: text,
  })
  .map(({ names, tensors, types, shape, attributes, metadata, domain, producer }) => {
    const [input, ...rest] = names as [string, ...string[]];
    const weights = tensors.slice(0, rest.length - 1);
    const made = rest.slice(weights.length);
    const info = (of: string, index: number): ValueInfo => ({ name: of, type: types[index]!, dims: shape });
    const nodes = made.map((output, index): Node => {
      const inputs = [input, '', ...rest.slice(0, weights.length), ...made.slice(0, index)];
      return { name: '', type: 'Any', domain, inputs, outputs: [output, ''], attributes: { ...attributes[index] } };
    });
    return {
      irVersion: 9,
      opsets: { '': 20, 'com.example': 1 },
      producer,
      metadata: { ...metadata },
      graph: {
        name: 'any',
        nodes,
        inputs: [info(input, 0)],
        outputs: [info(made.at(-1)!, 1)],
        initializers: new Map(weights.map((weight, index) => [rest[index]!, weight])),
      },
    };
  });

describe('encodeModel', () => {
  it('writes what decodeModel reads back unchanged, for any graph', () => {
    fc.assert(
      fc.property(anyModel, (it) => {
        expect(decodeModel(encodeModel(it), 'any')).toEqual(it);
      }),
      { numRuns: 300 },
    );
  });

  it('writes what ONNX Runtime runs', async () => {
    const { y } = await run(LINEAR, { x: runtimeFloats([2, 2], [1, 2, -1, 0]) });
    expect(y?.dims).toEqual([2, 3]);
    expect([...(y?.data as Float32Array)]).toEqual([9.5, 0, 15, 0, 0, 0]);
  });

  it('keeps the keys __proto__ and constructor as data', () => {
    const metadata = Object.fromEntries([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    const read = decodeModel(encodeModel({ ...LINEAR, metadata }), 'file').metadata;
    expect(Object.entries(read)).toEqual(Object.entries(metadata));
  });

  it('refuses a tensor whose data does not fill its dimensions', () => {
    const bad = model({ initializers: new Map([['w', floats([2, 2], [1, 2, 3])]]) });
    expect(() => encodeModel(bad)).toThrow(
      expect.objectContaining({ code: 'onnx-shape', message: expect.stringContaining("'w'") as string }),
    );
  });
});

describe('encodeModelChunks', () => {
  const big = floats([1000, 100], Array<number>(100_000).fill(2));
  const odd = { type: 'uint8', dims: [1027], data: new Uint8Array(1027).fill(3) } as const;
  const weights = model({
    initializers: new Map<string, Tensor>([
      ['a', big],
      ['b', odd],
      ['longer name', big],
      ['c', { type: 'float64', dims: [300], data: new Float64Array(300).fill(4) }],
    ]),
  });

  it('hands out the tensors themselves, not copies', () => {
    const buffers = encodeModelChunks(weights).map((chunk) => chunk.buffer);
    expect(buffers.filter((buffer) => buffer === big.data.buffer)).toHaveLength(2);
  });

  it('lays big tensors so that a reader uses them in place', () => {
    const bytes = encodeModel(weights);
    const { initializers } = decodeModel(bytes, 'file').graph;
    expect(initializers).toEqual(weights.graph.initializers);
    const shared = [...initializers.values()].map((read) => read.type !== 'string' && read.data.buffer === bytes.buffer);
    expect(shared).toEqual([true, true, true, true]);
  });

  it('refuses more than 2 GB without copying anything', () => {
    const one = { type: 'uint8', dims: [2 ** 27], data: new Uint8Array(2 ** 27) } as const;
    const initializers = new Map(Array.from({ length: 17 }, (_, index) => [`w${index}`, one]));
    expect(() => encodeModelChunks(model({ initializers }))).toThrow(expect.objectContaining({ code: 'onnx-size' }));
  });
});
