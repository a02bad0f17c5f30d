// Small image classifiers of several families, composed node by node the way exporters write them.
import { type AttributeInput, toAttributes } from '../../src/onnx/attributes';
import { type DataType, type Dimension, elementCount, type Model, type Node, type Tensor } from '../../src/onnx/model';
import { tensorOf } from '../../src/onnx/tensors';
import { randomStream } from '../../src/metrics/random';

export interface Composer {
  /** Adds a node; answers its first output's name, which is the node's. */
  op(type: string, inputs: readonly string[], attributes?: Readonly<Record<string, AttributeInput>>, name?: string): string;
  /** A parameter of normal random numbers: with the given deviation, or √(2 / numbers that make an output), around `mean`. */
  weight(name: string, dims: readonly number[], deviation?: number, mean?: number): string;
  ints(...values: number[]): string;
  scalar(value: number): string;
  readonly initializers: Map<string, Tensor>;
}

interface Shape {
  /** The input's name, type and dimensions; float32 ['N', 3, 16, 16] called 'input.1', as PyTorch says, if left out. */
  readonly input?: { readonly name: string; readonly type: DataType; readonly dims: readonly Dimension[] };
  readonly outputs?: number;
  readonly opset?: number;
}

const INPUT = { name: 'input.1', type: 'float32', dims: ['N', 3, 16, 16] } as const;

/** `build` gets the input's name and answers that of the output, N×`outputs`. */
export function compose(build: (net: Composer, input: string) => string, shape: Shape = {}): Model {
  const { input = INPUT, outputs = 5, opset = 20 } = shape;
  const nodes: Node[] = [];
  const initializers = new Map<string, Tensor>();
  const random = randomStream('network');
  const constant = (name: string, tensor: Tensor): string => (initializers.set(name, tensor), name);
  const net: Composer = {
    initializers,
    op: (type, inputs, attributes = {}, name = `${type}_${nodes.length}`) => {
      nodes.push({ name, type, domain: '', inputs, outputs: [name], attributes: toAttributes(attributes) });
      return name;
    },
    weight: (name, dims, deviation, mean = 0) => {
      const scale = deviation ?? Math.sqrt(2 / Math.max(1, elementCount(dims.slice(1))));
      const data = Float32Array.from({ length: elementCount(dims) }, () => mean + scale * random.normal());
      return constant(name, { type: 'float32', dims, data });
    },
    ints: (...values) => constant(`ints_${values.join('_')}`, tensorOf('int64', values)),
    scalar: (value) => constant(`scalar_${value}`, tensorOf('float32', [value], [])),
  };
  const output = build(net, input.name);
  const info = { name: output, type: 'float32' as const, dims: [input.dims[0]!, outputs] };
  const graph = { name: 'network', nodes, inputs: [input], outputs: [info], initializers };
  return { irVersion: 9, opsets: { '': opset }, producer: 'test', metadata: {}, graph };
}

/** Batch normalisation with statistics and scales that are not neutral. */
export function batchNorm(net: Composer, x: string, channels: number, name: string): string {
  const parameters = [
    net.weight(`${name}.weight`, [channels], 0.1, 1),
    net.weight(`${name}.bias`, [channels], 0.1),
    net.weight(`${name}.running_mean`, [channels], 0.1),
    net.weight(`${name}.running_var`, [channels], 0.05, 1),
  ];
  return net.op('BatchNormalization', [x, ...parameters], { epsilon: 1e-5 }, name);
}

interface Convolution {
  readonly kernel?: number;
  readonly stride?: number;
  readonly group?: number;
  readonly bias?: boolean;
}

export function conv(
  net: Composer,
  x: string,
  name: string,
  [to, from]: readonly [number, number],
  options: Convolution = {},
): string {
  const { kernel = 3, stride = 1, group = 1, bias = false } = options;
  const inputs = [x, net.weight(`${name}.weight`, [to, from / group, kernel, kernel])];
  if (bias) inputs.push(net.weight(`${name}.bias`, [to], 0.1));
  const [pad, around] = [(kernel - 1) / 2, [kernel, kernel]];
  return net.op('Conv', inputs, { kernel_shape: around, strides: [stride, stride], pads: [pad, pad, pad, pad], group }, name);
}

/** The dense layer at the end, as PyTorch exports it. */
export function dense(net: Composer, x: string, [to, from]: readonly [number, number], name = 'classifier'): string {
  const inputs = [x, net.weight(`${name}.weight`, [to, from]), net.weight(`${name}.bias`, [to], 0.1)];
  return net.op('Gemm', inputs, { alpha: 1, beta: 1, transB: 1 }, name);
}

function pooled(net: Composer, x: string): string {
  return net.op('Flatten', [net.op('GlobalAveragePool', [x])], { axis: 1 });
}

/** Two stages of convolution, normalisation and ReLU, 16 and 8 pixels wide, the second with a shortcut. */
export function residualNetwork(shape: Shape = {}): Model {
  return compose((net, input) => {
    const first = net.op('Relu', [batchNorm(net, conv(net, input, 'conv1', [4, 3]), 4, 'bn1')]);
    const smaller = net.op('MaxPool', [first], { kernel_shape: [2, 2], strides: [2, 2] });
    const second = batchNorm(net, conv(net, smaller, 'conv2', [4, 4], { bias: true }), 4, 'bn2');
    const stage = net.op('Relu', [net.op('Add', [second, smaller])], {}, 'stage');
    return dense(net, pooled(net, stage), [5, 4]);
  }, shape);
}

/** A stem of few channels, then residual blocks with the kernels and strides that ResNets have, on 16 × 16 pixels; `width` channels in their middle. */
export function bottlenecks(strideIn: 'pointwise' | 'middle', width: number): Model {
  return compose((net, x) => {
    const relu = (y: string) => net.op('Relu', [y]);
    const unit = (y: string, name: string, channels: readonly [number, number], options: { kernel: number; stride?: number }) =>
      batchNorm(net, conv(net, y, name, channels, options), channels[0], `${name}.norm`);
    let y = relu(unit(x, 'stem', [16, 3], { kernel: 3 }));
    for (const [k, stride] of [1, 2].entries()) {
      const [first, middle] = strideIn === 'pointwise' ? [stride, 1] : [1, stride];
      const from = k === 0 ? 16 : 32;
      let z = relu(unit(y, `block${k}.a`, [width, from], { kernel: 1, stride: first }));
      z = relu(unit(z, `block${k}.b`, [width, width], { kernel: 3, stride: middle }));
      z = unit(z, `block${k}.c`, [32, width], { kernel: 1 });
      const shortcut = unit(y, `block${k}.shortcut`, [32, from], { kernel: 1, stride });
      y = relu(net.op('Add', [shortcut, z]));
    }
    const pooled = net.op('Flatten', [net.op('GlobalAveragePool', [y])], { axis: 1 });
    return net.op('Gemm', [pooled, net.weight('fc.weight', [5, 32]), net.weight('fc.bias', [5])], { transB: 1 });
  });
}

/** After Howard et al., "MobileNetV3": inverted bottlenecks with depthwise convolutions, squeeze-and-excitation and HardSwish. */
export function mobileNetwork(shape: Shape = {}): Model {
  return compose((net, input) => {
    const stem = net.op('HardSwish', [batchNorm(net, conv(net, input, 'stem', [8, 3], { stride: 2 }), 8, 'stem.bn')]);
    const first = net.op('Add', [bottleneck(net, stem, 'block1', [8, 8], 1), stem]);
    const last = bottleneck(net, first, 'block2', [12, 8], 2);
    const stage = net.op(
      'HardSwish',
      [batchNorm(net, conv(net, last, 'top', [24, 12], { kernel: 1 }), 24, 'top.bn')],
      {},
      'stage',
    );
    const hidden = net.op('HardSwish', [dense(net, pooled(net, stage), [16, 24], 'hidden')]);
    return dense(net, net.op('Dropout', [hidden]), [5, 16]);
  }, shape);
}

function bottleneck(net: Composer, x: string, name: string, [to, from]: readonly [number, number], stride: number): string {
  const wide = 2 * from;
  const expanded = batchNorm(net, conv(net, x, `${name}.expand`, [wide, from], { kernel: 1 }), wide, `${name}.bn1`);
  const clipped = net.op('Clip', [expanded, net.scalar(0), net.scalar(6)]);
  const depthwise = conv(net, clipped, `${name}.depthwise`, [wide, wide], { group: wide, stride });
  const active = net.op('HardSwish', [batchNorm(net, depthwise, wide, `${name}.bn2`)]);
  const squeezed = net.op('GlobalAveragePool', [active]);
  const reduced = net.op('Relu', [conv(net, squeezed, `${name}.reduce`, [4, wide], { kernel: 1, bias: true })]);
  const gate = net.op('HardSigmoid', [conv(net, reduced, `${name}.restore`, [wide, 4], { kernel: 1, bias: true })], {
    alpha: 1 / 6,
    beta: 0.5,
  });
  const excited = net.op('Mul', [gate, active]);
  return batchNorm(net, conv(net, excited, `${name}.project`, [to, wide], { kernel: 1 }), to, `${name}.bn3`);
}

const WIDTH = 8;
const HEADS = 2;

/** After Dosovitskiy et al., "An Image is Worth 16x16 Words": 16 patches, one block, mean over the patches, written with MatMul and Add. */
export function transformer(shape: Shape = {}): Model {
  return compose((net, input) => {
    const patches = net.op(
      'Conv',
      [input, net.weight('patch.weight', [WIDTH, 3, 4, 4]), net.weight('patch.bias', [WIDTH], 0.1)],
      {
        kernel_shape: [4, 4],
        strides: [4, 4],
      },
    );
    const flat = net.op('Reshape', [patches, net.ints(0, WIDTH, -1)]);
    const tokens = net.op('Add', [net.op('Transpose', [flat], { perm: [0, 2, 1] }), net.weight('position', [1, 16, WIDTH], 0.1)]);
    const attended = net.op('Add', [attention(net, layerNorm(net, tokens, 'norm1')), tokens]);
    const inner = net.op('Gelu', [linear(net, layerNorm(net, attended, 'norm2'), 'fc1', [WIDTH, 16])]);
    const block = net.op('Add', [attended, linear(net, inner, 'fc2', [16, WIDTH])]);
    return dense(net, net.op('ReduceMean', [layerNorm(net, block, 'norm'), net.ints(1)], { keepdims: 0 }), [5, WIDTH]);
  }, shape);
}

function layerNorm(net: Composer, x: string, name: string): string {
  const parameters = [net.weight(`${name}.weight`, [WIDTH], 0.1, 1), net.weight(`${name}.bias`, [WIDTH], 0.1)];
  return net.op('LayerNormalization', [x, ...parameters], { axis: -1, epsilon: 1e-6 });
}

/** PyTorch's linear layer on more than two dimensions. */
function linear(net: Composer, x: string, name: string, [from, to]: readonly [number, number]): string {
  const product = net.op('MatMul', [x, net.weight(`${name}.weight`, [from, to], Math.sqrt(1 / from))]);
  return net.op('Add', [net.weight(`${name}.bias`, [to], 0.1), product]);
}

function attention(net: Composer, x: string): string {
  const split = (name: string, perm: number[]) =>
    net.op('Transpose', [net.op('Reshape', [linear(net, x, name, [WIDTH, WIDTH]), net.ints(0, -1, HEADS, WIDTH / HEADS)])], {
      perm,
    });
  const [queries, keys, values] = [split('query', [0, 2, 1, 3]), split('key', [0, 2, 3, 1]), split('value', [0, 2, 1, 3])];
  const similar = net.op('Mul', [net.op('MatMul', [queries, keys]), net.scalar(0.5)]);
  const mixed = net.op('MatMul', [net.op('Softmax', [similar], { axis: -1 }), values]);
  const joined = net.op('Reshape', [net.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }), net.ints(0, -1, WIDTH)]);
  return linear(net, joined, 'out', [WIDTH, WIDTH]);
}

/** Pixels averaged in blocks, then two dense layers; `width` features between them. */
export function perceptron(width: number, shape: Shape = {}): Model {
  return compose((net, input) => {
    const blocks = net.op('AveragePool', [input], { kernel_shape: [4, 4], strides: [4, 4] });
    const hidden = net.op('Relu', [dense(net, net.op('Flatten', [blocks], { axis: 1 }), [width, 48], 'hidden')]);
    return dense(net, hidden, [5, width]);
  }, shape);
}

/** A scale and a shift for every number of the image, of which the dense layer sees the first eight: much state, little work. */
export function scaledPixels(side: number): Model {
  const count = 3 * side * side;
  const build = (net: Composer, input: string): string => {
    const scaled = batchNorm(net, net.op('Flatten', [input], { axis: 1 }), count, 'norm');
    return dense(net, net.op('Slice', [scaled, net.ints(0), net.ints(8), net.ints(1)]), [5, 8]);
  };
  return compose(build, { input: { name: 'input.1', type: 'float32', dims: ['N', 3, side, side] } });
}
