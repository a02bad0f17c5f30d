// Writes the representation as an ONNX file (protobuf, onnx.proto of the ONNX project) without ever joining the big tensors.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ATTRIBUTE, DIM, ENTRY, GRAPH, KIND_CODES, MAX_FILE_BYTES, MODEL, NODE, OPSET, SHAPE, TENSOR } from './format';
import { TENSOR_TYPE, TYPE, TYPE_CODES, VALUE } from './format';
import { elementCount, OnnxError } from './model';
import type { Attribute, Attributes, Graph, Model, Node, Tensor, ValueInfo } from './model';

/** Tensors of at least this many bytes start at a multiple of 8 in the file, so that a reader can use them in place. */
const ALIGN_FROM_BYTES = 1024;

/**
 * The bytes of an ONNX file, joined.
 * @throws OnnxError onnx-size over 2 GB, onnx-shape where a tensor's data does not fill its dimensions.
 */
export function encodeModel(model: Model): Uint8Array {
  const chunks = encodeModelChunks(model);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/**
 * The same bytes in order as chunks; the chunk of an initializer's data is a view of the tensor itself, not a copy.
 * @throws OnnxError as `encodeModel`.
 */
export function encodeModelChunks(model: Model): readonly Uint8Array[] {
  const header = message((writer) => writeModelHeader(writer, model));
  const graph = message((writer) => writeGraphHeader(writer, model.graph));
  // The lengths of enclosing messages depend on the padding inside; an estimate that is off costs alignment, never correctness.
  const estimate = [...model.graph.initializers.values()].reduce((sum, tensor) => sum + byteLengthOf(tensor), graph.length);
  refuseOverLimit(estimate);
  const start = header.length + 1 + varintSize(estimate) + graph.length;
  const initializers = initializerChunks(model.graph, start);
  const length = initializers.reduce((sum, chunk) => sum + chunk.byteLength, graph.length);
  refuseOverLimit(header.length + length + 6);
  const prefix = message((writer) => writer.tag(MODEL.graph, WireType.LengthDelimited).uint32(length));
  return [header, prefix, graph, ...initializers];
}

/** The bytes of a graph by itself, as the attribute of a node that has a subgraph. @throws OnnxError onnx-shape as `encodeModel` */
export function encodeGraph(graph: Graph): Uint8Array {
  return message((writer) => {
    writer.raw(message((header) => writeGraphHeader(header, graph)));
    for (const chunk of initializerChunks(graph, 0)) writer.raw(chunk);
  });
}

function refuseOverLimit(bytes: number): void {
  if (bytes <= MAX_FILE_BYTES) return;
  const size = (bytes / 2 ** 30).toFixed(1);
  throw new OnnxError('onnx-size', `The model has ${size} GB; an ONNX file cannot have more than 2 GB. Use a smaller network.`);
}

function initializerChunks(graph: Graph, start: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = start;
  for (const [name, tensor] of graph.initializers) {
    const pair = initializerChunk(name, tensor, at);
    chunks.push(...pair);
    at += pair.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  }
  return chunks;
}

/** One initializer that begins at byte `at` of the file: its head, padded so that the data is aligned, then the data. */
function initializerChunk(name: string, tensor: Tensor, at: number): Uint8Array[] {
  const head = message((writer) => writeTensorHead(writer, name, tensor));
  const data = rawBytes(tensor);
  if (data === undefined) {
    return [message((writer) => writer.tag(GRAPH.initializer, WireType.LengthDelimited).bytes(head))];
  }
  const tail = 1 + varintSize(data.byteLength);
  const around = 1 + varintSize(head.length + tail + data.byteLength) + head.length + tail;
  const pad = data.byteLength < ALIGN_FROM_BYTES ? 0 : paddingFor(at + around);
  const prefix = message((writer) => {
    writer.tag(GRAPH.initializer, WireType.LengthDelimited).uint32(head.length + pad + tail + data.byteLength);
    writer.raw(head);
    if (pad > 0) writer.tag(TENSOR.doc, WireType.LengthDelimited).string(' '.repeat(pad - 2));
    writer.tag(TENSOR.raw, WireType.LengthDelimited).uint32(data.byteLength);
  });
  return [prefix, data];
}

/** Bytes that a documentation field of blanks must take (0 or at least 2) so that `at` becomes a multiple of 8. */
function paddingFor(at: number): number {
  const missing = (8 - (at % 8)) % 8;
  return missing === 1 ? 9 : missing;
}

function writeModelHeader(writer: BinaryWriter, model: Model): void {
  writer.tag(MODEL.irVersion, WireType.Varint).int64(model.irVersion);
  text(writer, MODEL.producer, model.producer);
  for (const [domain, version] of Object.entries(model.opsets)) {
    nested(writer, MODEL.opset, () => {
      text(writer, OPSET.domain, domain);
      writer.tag(OPSET.version, WireType.Varint).int64(version);
    });
  }
  for (const [key, value] of Object.entries(model.metadata)) {
    nested(writer, MODEL.metadata, () => {
      text(writer, ENTRY.key, key);
      text(writer, ENTRY.value, value);
    });
  }
}

/** Everything of a graph but its initializers. */
function writeGraphHeader(writer: BinaryWriter, graph: Graph): void {
  for (const node of graph.nodes) nested(writer, GRAPH.node, () => writeNode(writer, node));
  text(writer, GRAPH.name, graph.name);
  for (const input of graph.inputs) nested(writer, GRAPH.input, () => writeValueInfo(writer, input));
  for (const output of graph.outputs) nested(writer, GRAPH.output, () => writeValueInfo(writer, output));
}

function writeNode(writer: BinaryWriter, node: Node): void {
  // Empty names are written too: an empty input says that an optional one is left out.
  for (const input of node.inputs) writer.tag(NODE.input, WireType.LengthDelimited).string(input);
  for (const output of node.outputs) writer.tag(NODE.output, WireType.LengthDelimited).string(output);
  text(writer, NODE.name, node.name);
  text(writer, NODE.type, node.type);
  writeAttributes(writer, node.attributes);
  text(writer, NODE.domain, node.domain);
}

function writeAttributes(writer: BinaryWriter, attributes: Attributes): void {
  for (const [name, attribute] of Object.entries(attributes)) {
    nested(writer, NODE.attribute, () => {
      text(writer, ATTRIBUTE.name, name);
      writer.tag(ATTRIBUTE.kind, WireType.Varint).int32(KIND_CODES[attribute.kind]);
      writeAttributeValue(writer, attribute);
    });
  }
}

function writeAttributeValue(writer: BinaryWriter, attribute: Attribute): void {
  switch (attribute.kind) {
    case 'float':
      writer.tag(ATTRIBUTE.float, WireType.Bit32).float(attribute.value);
      return;
    case 'int':
      writer.tag(ATTRIBUTE.int, WireType.Varint).int64(attributeInteger(attribute.value));
      return;
    case 'string':
      writer.tag(ATTRIBUTE.string, WireType.LengthDelimited).string(attribute.value);
      return;
    case 'tensor':
      nested(writer, ATTRIBUTE.tensor, () => writeTensor(writer, attribute.value));
      return;
    case 'graph':
      writer.tag(ATTRIBUTE.graph, WireType.LengthDelimited).bytes(attribute.value);
      return;
    // The format declares these lists unpacked: one tag an element.
    case 'floats':
      for (const value of attribute.value) writer.tag(ATTRIBUTE.floats, WireType.Bit32).float(value);
      return;
    case 'ints':
      for (const value of attribute.value) writer.tag(ATTRIBUTE.ints, WireType.Varint).int64(attributeInteger(value));
      return;
    case 'strings':
      for (const value of attribute.value) writer.tag(ATTRIBUTE.strings, WireType.LengthDelimited).string(value);
      return;
  }
}

/** INT64_MAX, the usual "to the end", is 2^63 as a number: it goes back to what it was. */
function attributeInteger(value: number): bigint {
  const integer = BigInt(value);
  const max = 2n ** 63n - 1n;
  return integer > max ? max : integer;
}

function writeTensor(writer: BinaryWriter, tensor: Tensor): void {
  writeTensorHead(writer, '', tensor);
  const data = rawBytes(tensor);
  if (data !== undefined) writer.tag(TENSOR.raw, WireType.LengthDelimited).bytes(data);
}

/** Everything of a tensor but its raw data; strings have none and stand here. */
function writeTensorHead(writer: BinaryWriter, name: string, tensor: Tensor): void {
  if (tensor.data.length !== elementCount(tensor.dims)) {
    const shape = tensor.dims.join('×');
    throw new OnnxError('onnx-shape', `Tensor '${name}' has ${tensor.data.length} elements but its dimensions are [${shape}].`);
  }
  for (const dim of tensor.dims) writer.tag(TENSOR.dims, WireType.Varint).int64(dim);
  writer.tag(TENSOR.type, WireType.Varint).int32(TYPE_CODES[tensor.type]);
  if (tensor.type === 'string') {
    for (const value of tensor.data) writer.tag(TENSOR.string, WireType.LengthDelimited).string(value);
  }
  text(writer, TENSOR.name, name);
}

function writeValueInfo(writer: BinaryWriter, info: ValueInfo): void {
  text(writer, VALUE.name, info.name);
  nested(writer, VALUE.type, () => {
    nested(writer, TYPE.tensor, () => {
      writer.tag(TENSOR_TYPE.element, WireType.Varint).int32(TYPE_CODES[info.type]);
      if (info.dims !== undefined) nested(writer, TENSOR_TYPE.shape, () => writeDims(writer, info.dims ?? []));
    });
  });
}

function writeDims(writer: BinaryWriter, dims: NonNullable<ValueInfo['dims']>): void {
  for (const dim of dims) {
    nested(writer, SHAPE.dim, () => {
      if (typeof dim === 'number') writer.tag(DIM.value, WireType.Varint).int64(dim);
      if (typeof dim === 'string') writer.tag(DIM.symbol, WireType.LengthDelimited).string(dim);
    });
  }
}

/** The file's raw data is little-endian, as is every processor that Node.js and ONNX Runtime run on: a view will do. */
function rawBytes(tensor: Tensor): Uint8Array | undefined {
  if (tensor.type === 'string') return undefined;
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

const byteLengthOf = (tensor: Tensor): number => (tensor.type === 'string' ? 0 : tensor.data.byteLength);

function varintSize(value: number): number {
  return message((writer) => writer.uint32(Math.min(value, 0xffff_ffff))).length;
}

function message(write: (writer: BinaryWriter) => unknown): Uint8Array {
  const writer = new BinaryWriter();
  write(writer);
  return writer.finish();
}

function nested(writer: BinaryWriter, field: number, write: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write();
  writer.join();
}

/** A string field; proto3 leaves an empty one out. */
function text(writer: BinaryWriter, field: number, value: string): void {
  if (value !== '') writer.tag(field, WireType.LengthDelimited).string(value);
}
