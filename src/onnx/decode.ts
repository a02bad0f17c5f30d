// Reads an ONNX file (protobuf, onnx.proto of the ONNX project) into the representation; trusts nothing that stands in it.
import { ATTRIBUTE, DIM, ENTRY, GRAPH, KIND_CODES, MAX_FILE_BYTES, MODEL, NODE, OPSET, SHAPE } from './format';
import { TENSOR_TYPE, TYPE, VALUE } from './format';
import { dataType, decodeTensor } from './decode-tensor';
import type { Context, ExternalData } from './decode-tensor';
import { OnnxError } from './model';
import type { Attribute, Dimension, Graph, Model, Node, Tensor, ValueInfo } from './model';
import { appendFloats, appendIntegers, bytesOf, floatOf, integerOf, readFields, textOf } from './wire';
import type { Handlers } from './wire';
import { checkedGraph } from './wiring';

/**
 * The model in these bytes. Tensors that lie aligned in the file are views of `bytes`, which must not change afterwards.
 * An input that also has an initializer (the old way to write a weight) becomes the initializer alone.
 * @param source the file as errors name it
 * @param external gives the data that the model keeps in other files; without it such a model is refused
 * @throws OnnxError onnx-format (no ONNX model, damaged, wrongly wired), onnx-unsupported (what this program cannot use),
 * onnx-size (over 2 GB)
 */
export function decodeModel(bytes: Uint8Array, source: string, external?: ExternalData): Model {
  if (bytes.byteLength > MAX_FILE_BYTES) {
    throw new OnnxError(
      'onnx-size',
      `${source} is larger than 2 GB, the limit of an ONNX file. Keep its data in a file beside it.`,
    );
  }
  try {
    // A Buffer's slice is a view: from here on bytes are a plain array whose slice is a copy.
    return readModelMessage(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), { source, external });
  } catch (error) {
    if (error instanceof OnnxError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OnnxError('onnx-format', `${source} is not an ONNX model or is damaged (${reason}). Export or download it again.`);
  }
}

function readModelMessage(bytes: Uint8Array, context: Context): Model {
  let irVersion = 0;
  let producer = '';
  let graph: Uint8Array | undefined;
  const opsets: [string, number][] = [];
  const metadata: [string, string][] = [];
  readFields(bytes, {
    [MODEL.irVersion]: (field) => (irVersion = integerOf(field)),
    [MODEL.producer]: (field) => (producer = textOf(field)),
    [MODEL.graph]: (field) => (graph = bytesOf(field)),
    [MODEL.opset]: (field) => opsets.push(readOpset(bytesOf(field))),
    [MODEL.metadata]: (field) => metadata.push(readEntry(bytesOf(field))),
    [MODEL.functions]: () => unsupported(context, 'defines functions of its own', 'Export it with them inlined.'),
  });
  if (graph === undefined) throw new Error('it has no graph');
  if (opsets.length === 0) throw new Error('it names no operator set');
  // fromEntries makes own properties, also of a name such as __proto__.
  return {
    irVersion,
    opsets: Object.fromEntries(opsets),
    producer,
    graph: readGraph(graph, context),
    metadata: Object.fromEntries(metadata),
  };
}

function readOpset(bytes: Uint8Array): [string, number] {
  let domain = '';
  let version = 0;
  readFields(bytes, {
    [OPSET.domain]: (field) => (domain = textOf(field)),
    [OPSET.version]: (field) => (version = integerOf(field)),
  });
  // The standard set may be spelt out.
  return [domain === 'ai.onnx' ? '' : domain, version];
}

function readEntry(bytes: Uint8Array): [string, string] {
  let key = '';
  let value = '';
  readFields(bytes, { [ENTRY.key]: (field) => (key = textOf(field)), [ENTRY.value]: (field) => (value = textOf(field)) });
  return [key, value];
}

function readGraph(bytes: Uint8Array, context: Context): Graph {
  let name = '';
  const nodes: Node[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const initializers = new Map<string, Tensor>();
  readFields(bytes, {
    [GRAPH.name]: (field) => (name = textOf(field)),
    [GRAPH.node]: (field) => nodes.push(readNode(bytesOf(field), context)),
    [GRAPH.initializer]: (field) => addInitializer(bytesOf(field), initializers, context),
    [GRAPH.input]: (field) => inputs.push(readValueInfo(bytesOf(field), context)),
    [GRAPH.output]: (field) => outputs.push(readValueInfo(bytesOf(field), context)),
    [GRAPH.sparseInitializer]: () => unsupported(context, 'has sparse tensors', 'Export it with dense ones.'),
  });
  const free = inputs.filter((input) => !initializers.has(input.name));
  return checkedGraph({ name, nodes, inputs: free, outputs, initializers }, context.source);
}

function addInitializer(bytes: Uint8Array, to: Map<string, Tensor>, context: Context): void {
  const { name, tensor } = decodeTensor(bytes, context);
  if (name === '') throw new Error('an initializer has no name');
  if (to.has(name)) throw new Error(`there are two initializers '${name}'`);
  to.set(name, tensor);
}

function readNode(bytes: Uint8Array, context: Context): Node {
  let name = '';
  let type = '';
  let domain = '';
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: [string, Attribute][] = [];
  readFields(bytes, {
    [NODE.name]: (field) => (name = textOf(field)),
    [NODE.type]: (field) => (type = textOf(field)),
    [NODE.domain]: (field) => (domain = textOf(field)),
    [NODE.input]: (field) => inputs.push(textOf(field)),
    [NODE.output]: (field) => outputs.push(textOf(field)),
    [NODE.attribute]: (field) => attributes.push(readAttribute(bytesOf(field), context)),
  });
  if (type === '') throw new Error('a node has no operator');
  const byName = Object.fromEntries(attributes);
  if (Object.keys(byName).length < attributes.length) throw new Error(`a node '${type}' has an attribute twice`);
  return { name, type, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes: byName };
}

/** Every field that an attribute may have; which one counts is said by its kind. */
interface AttributeParts {
  name: string;
  kind: number;
  float: number;
  int: number;
  string: string;
  tensor: Uint8Array | undefined;
  graph: Uint8Array | undefined;
  floats: number[];
  ints: number[];
  strings: string[];
}

function readAttribute(bytes: Uint8Array, context: Context): [string, Attribute] {
  const parts: AttributeParts = {
    name: '',
    kind: 0,
    float: 0,
    int: 0,
    string: '',
    tensor: undefined,
    graph: undefined,
    floats: [],
    ints: [],
    strings: [],
  };
  readFields(bytes, attributeHandlers(parts));
  if (parts.name === '') throw new Error('an attribute has no name');
  return [parts.name, attributeOf(parts, context)];
}

function attributeHandlers(parts: AttributeParts): Handlers {
  /** Files of the first format version do not say the kind: the field that is there does. */
  const infer = (kind: Attribute['kind']) => {
    if (parts.kind === 0) parts.kind = KIND_CODES[kind];
  };
  return {
    [ATTRIBUTE.name]: (field) => (parts.name = textOf(field)),
    [ATTRIBUTE.kind]: (field) => (parts.kind = integerOf(field)),
    [ATTRIBUTE.float]: (field) => (infer('float'), (parts.float = floatOf(field))),
    [ATTRIBUTE.int]: (field) => (infer('int'), (parts.int = integerOf(field))),
    [ATTRIBUTE.string]: (field) => (infer('string'), (parts.string = textOf(field))),
    [ATTRIBUTE.tensor]: (field) => (infer('tensor'), (parts.tensor = bytesOf(field))),
    [ATTRIBUTE.graph]: (field) => (infer('graph'), (parts.graph = bytesOf(field))),
    [ATTRIBUTE.floats]: (field) => {
      infer('floats');
      appendFloats(field, parts.floats);
    },
    [ATTRIBUTE.ints]: (field) => {
      infer('ints');
      appendIntegers(field, parts.ints);
    },
    [ATTRIBUTE.strings]: (field) => (infer('strings'), parts.strings.push(textOf(field))),
    [ATTRIBUTE.reference]: () => {
      throw new Error('an attribute refers to a function that is not there');
    },
  };
}

function attributeOf(parts: AttributeParts, context: Context): Attribute {
  switch (parts.kind) {
    case KIND_CODES.float:
      return { kind: 'float', value: parts.float };
    case KIND_CODES.int:
      return { kind: 'int', value: parts.int };
    case KIND_CODES.string:
      return { kind: 'string', value: parts.string };
    case KIND_CODES.tensor:
      return { kind: 'tensor', value: decodeTensor(present(parts.tensor, parts.name), context).tensor };
    case KIND_CODES.graph:
      return { kind: 'graph', value: present(parts.graph, parts.name) };
    case KIND_CODES.floats:
      return { kind: 'floats', value: parts.floats };
    case KIND_CODES.ints:
      return { kind: 'ints', value: parts.ints };
    case KIND_CODES.strings:
      return { kind: 'strings', value: parts.strings };
    default:
      return unsupported(context, `has an attribute '${parts.name}' of kind ${parts.kind}`, 'Export it without.');
  }
}

function present(bytes: Uint8Array | undefined, name: string): Uint8Array {
  if (bytes === undefined) throw new Error(`the attribute '${name}' has no value`);
  return bytes;
}

function readValueInfo(bytes: Uint8Array, context: Context): ValueInfo {
  let name = '';
  let tensor: Uint8Array | undefined;
  const type: Handlers = { [TYPE.tensor]: (field) => (tensor = bytesOf(field)) };
  readFields(bytes, {
    [VALUE.name]: (field) => (name = textOf(field)),
    [VALUE.type]: (field) => readFields(bytesOf(field), type),
  });
  if (name === '') throw new Error('an input or output has no name');
  if (tensor === undefined) return unsupported(context, `has '${name}', which is not a tensor`, 'Export it with tensors only.');
  return { name, ...readTensorType(tensor, name, context) };
}

function readTensorType(bytes: Uint8Array, name: string, context: Context): Omit<ValueInfo, 'name'> {
  let element = 0;
  let dims: Dimension[] | undefined;
  readFields(bytes, {
    [TENSOR_TYPE.element]: (field) => (element = integerOf(field)),
    [TENSOR_TYPE.shape]: (field) => (dims = readShape(bytesOf(field))),
  });
  return { type: dataType(element, `'${name}'`, context), dims };
}

function readShape(bytes: Uint8Array): Dimension[] {
  const dims: Dimension[] = [];
  readFields(bytes, { [SHAPE.dim]: (field) => dims.push(readDimension(bytesOf(field))) });
  return dims;
}

/** Some exporters write an unknown dimension as -1 or as an empty symbol. */
function readDimension(bytes: Uint8Array): Dimension {
  let dim: Dimension = null;
  readFields(bytes, {
    [DIM.value]: (field) => (dim = integerOf(field)),
    [DIM.symbol]: (field) => (dim = textOf(field)),
  });
  return dim === '' || (typeof dim === 'number' && dim < 0) ? null : dim;
}

function unsupported(context: Context, what: string, remedy: string): never {
  throw new OnnxError('onnx-unsupported', `${context.source} ${what}, which is not supported. ${remedy}`);
}
