// What each Keras layer is in ONNX operators: one entry a layer class. Values are N×C×H×W here, where Keras has N×H×W×C.
import type { Config, Layer } from './keras-config';
import type { Attribute, Attributes, Tensor } from './model';

/** Of a value without its batch axis, in Keras's order: [height, width, channels] or [features]; null where it is free. */
export type Shape = readonly (number | null)[];

export interface Value {
  readonly name: string;
  readonly shape: Shape;
}

/** What a layer's entry works with. */
export interface Scope {
  readonly layer: Layer;
  readonly inputs: readonly Value[];
  /** The name that the layer's value must get. */
  readonly output: string;
  /** A weight of the layer in Keras's layout; throws where the file lacks it. */
  weight(kind: string): Tensor<'float32'>;
  /** Adds the initializer 'layer/kind' and gives its name. */
  initializer(kind: string, tensor: Tensor): string;
  /** Adds a node and gives its output's name. */
  node(type: string, inputs: readonly string[], output: string, attributes?: Attributes): string;
}

type Entry = (scope: Scope) => Shape;

/** Gives the shape of the layer's value, whose nodes it adds. Undefined: a layer that is not supported. */
export const layerEntry = (type: string): Entry | undefined => LAYERS.get(type);

const LAYERS = new Map<string, Entry>([
  ['ZeroPadding2D', zeroPadding],
  ['Conv2D', convolution],
  ['DepthwiseConv2D', depthwiseConvolution],
  ['BatchNormalization', batchNormalization],
  ['Activation', (scope) => activation(scope, scope.inputs[0]!.name, sole(scope).shape)],
  ['ReLU', rectifier],
  ['MaxPooling2D', (scope) => pooling(scope, 'MaxPool', {})],
  // Keras leaves the padding out of the mean, as ONNX does with count_include_pad 0.
  ['AveragePooling2D', (scope) => pooling(scope, 'AveragePool', { count_include_pad: int(0) })],
  ['GlobalAveragePooling2D', globalAveragePooling],
  ['Add', addition],
  ['Concatenate', concatenation],
  ['Flatten', flatten],
  ['Dense', dense],
  ['Dropout', identity],
]);

function zeroPadding(scope: Scope): Shape {
  const [height, width, channels] = featureMap(scope);
  const [[top, bottom], [left, right]] = borders(scope.layer.config);
  const pads = BigInt64Array.from([0, 0, top, left, 0, 0, bottom, right].map(BigInt));
  const amounts = scope.initializer('pads', { type: 'int64', dims: [8], data: pads });
  scope.node('Pad', [scope.inputs[0]!.name, amounts], scope.output);
  return [plus(height, top + bottom), plus(width, left + right), channels];
}

type Border = readonly [number, number];

/** Keras writes 1, [1, 2] (height, width) or [[top, bottom], [left, right]]. */
function borders(config: Config): readonly [Border, Border] {
  const padding = config.value('padding');
  const isBorder = (value: unknown): value is Border =>
    Array.isArray(value) && value.length === 2 && value.every((side) => Number.isSafeInteger(side) && Number(side) >= 0);
  if (Array.isArray(padding) && padding.length === 2 && padding.every(isBorder)) return [padding[0]!, padding[1]!];
  const [vertical, horizontal] = config.pair('padding', [1, 1]);
  return [
    [vertical, vertical],
    [horizontal, horizontal],
  ];
}

function convolution(scope: Scope): Shape {
  const { config } = scope.layer;
  const kernel = scope.weight('kernel');
  const [, , depth, filters] = fourDims(kernel, scope);
  const groups = config.integer('groups', 1);
  const [, , channels] = featureMap(scope);
  if (depth * groups !== channels) throw config.refuse(`has a kernel for ${depth * groups} channels but reads ${channels}`);
  const weight = scope.initializer('kernel', permuted(kernel, [3, 2, 0, 1]));
  return convolve(scope, weight, kernel, filters, groups);
}

/** Keras's kernel is H×W×C×M; filter c·M + m looks at channel c alone. */
function depthwiseConvolution(scope: Scope): Shape {
  const kernel = scope.weight('depthwise_kernel');
  const [height, width, channels, multiplier] = fourDims(kernel, scope);
  const { data } = permuted(kernel, [2, 3, 0, 1]);
  const filters = channels * multiplier;
  const weight = scope.initializer('depthwise_kernel', { type: 'float32', dims: [filters, 1, height, width], data });
  return convolve(scope, weight, kernel, filters, channels);
}

function convolve(scope: Scope, weight: string, kernel: Tensor, filters: number, groups: number): Shape {
  const { config } = scope.layer;
  const [height, width] = fourDims(kernel, scope);
  const window = windowOf(scope, [height, width], config.pair('strides', [1, 1]), config.pair('dilation_rate', [1, 1]));
  const attributes = { ...window.attributes, dilations: ints(config.pair('dilation_rate', [1, 1])), group: int(groups) };
  const inputs = [scope.inputs[0]!.name, weight];
  if (config.flag('use_bias', true)) inputs.push(scope.initializer('bias', scope.weight('bias')));
  const value = scope.node('Conv', inputs, beforeActivation(scope), attributes);
  return activation(scope, value, [...window.size, filters]);
}

function pooling(scope: Scope, type: string, attributes: Attributes): Shape {
  const { config } = scope.layer;
  const size = config.pair('pool_size', [2, 2]);
  const window = windowOf(scope, size, config.pair('strides', size), [1, 1]);
  scope.node(type, [scope.inputs[0]!.name], scope.output, { ...window.attributes, ...attributes });
  return [...window.size, featureMap(scope)[2]];
}

interface Window {
  readonly attributes: Attributes;
  /** Height and width of the result. */
  readonly size: readonly [number | null, number | null];
}

/** A sliding window over both axes; 'same' is TensorFlow's: as many steps as fit, the odd pixel of padding at the end. */
function windowOf(scope: Scope, kernel: Border, strides: Border, dilations: Border): Window {
  const { config } = scope.layer;
  const padding = config.text('padding', 'valid');
  if (padding !== 'same' && padding !== 'valid') throw config.refuse(`has padding '${padding}', which is not supported`);
  const map = featureMap(scope);
  const axes = ([0, 1] as const).map((axis) => {
    const reach = (kernel[axis] - 1) * dilations[axis] + 1;
    return slide(map[axis], reach, strides[axis], padding, config);
  });
  const [vertical, horizontal] = [axes[0]!, axes[1]!];
  const pads = [vertical.before, horizontal.before, vertical.after, horizontal.after];
  return {
    attributes: { kernel_shape: ints(kernel), strides: ints(strides), pads: ints(pads) },
    size: [vertical.steps, horizontal.steps],
  };
}

function slide(size: number | null, reach: number, stride: number, padding: 'same' | 'valid', config: Config) {
  if (padding === 'valid') return { before: 0, after: 0, steps: size === null ? null : Math.floor((size - reach) / stride) + 1 };
  if (size === null && stride > 1) throw config.refuse("has padding 'same' with a stride on an image of free size");
  const steps = size === null ? null : Math.ceil(size / stride);
  const missing = size === null || steps === null ? reach - 1 : Math.max(0, (steps - 1) * stride + reach - size);
  return { before: Math.floor(missing / 2), after: Math.ceil(missing / 2), steps };
}

function batchNormalization(scope: Scope): Shape {
  const { config } = scope.layer;
  const { name, shape } = sole(scope);
  const axis = config.value('axis');
  const channelAxis = Array.isArray(axis) && axis.length === 1 ? (axis[0] as unknown) : axis;
  if (channelAxis !== shape.length && channelAxis !== -1 && channelAxis !== undefined) {
    throw config.refuse('normalises another axis than the channels, which is not supported');
  }
  const mean = scope.weight('moving_mean');
  const constant = (value: number): Tensor => ({ ...mean, data: new Float32Array(mean.data.length).fill(value) });
  const inputs = [
    name,
    scope.initializer('gamma', config.flag('scale', true) ? scope.weight('gamma') : constant(1)),
    scope.initializer('beta', config.flag('center', true) ? scope.weight('beta') : constant(0)),
    scope.initializer('moving_mean', mean),
    scope.initializer('moving_variance', scope.weight('moving_variance')),
  ];
  // Both call momentum the share of the running statistics that is kept.
  scope.node('BatchNormalization', inputs, scope.output, {
    epsilon: float(config.float('epsilon', 1e-3)),
    momentum: float(config.float('momentum', 0.99)),
    training_mode: int(0),
  });
  return shape;
}

function globalAveragePooling(scope: Scope): Shape {
  const [, , channels] = featureMap(scope);
  if (scope.layer.config.flag('keepdims', false)) {
    scope.node('GlobalAveragePool', [scope.inputs[0]!.name], scope.output);
    return [1, 1, channels];
  }
  const pooled = scope.node('GlobalAveragePool', [scope.inputs[0]!.name], inner(scope, 'mean'));
  scope.node('Flatten', [pooled], scope.output, { axis: int(1) });
  return [channels];
}

function addition(scope: Scope): Shape {
  const { inputs, layer } = scope;
  const { shape } = inputs[0] ?? sole(scope);
  if (inputs.some((input) => String(input.shape) !== String(shape))) throw layer.config.refuse('adds values of different sizes');
  const last = inputs.length - 1;
  const add = (sum: string, input: Value, index: number) =>
    scope.node('Add', [sum, input.name], index + 1 === last ? scope.output : inner(scope, `sum_${index + 1}`));
  inputs.slice(1).reduce(add, inputs[0]!.name);
  return shape;
}

function concatenation(scope: Scope): Shape {
  const { inputs, layer } = scope;
  const { shape } = inputs[0] ?? sole(scope);
  const axis = layer.config.integer('axis', -1);
  const fits = inputs.every((input) => String(input.shape.slice(0, -1)) === String(shape.slice(0, -1)));
  if (!fits || (axis !== -1 && axis !== shape.length))
    throw layer.config.refuse('joins values along another axis than the channels');
  const names = inputs.map((input) => input.name);
  scope.node('Concat', names, scope.output, { axis: int(1) });
  return [...shape.slice(0, -1), inputs.reduce((sum, input) => sum + (input.shape.at(-1) ?? 0), 0)];
}

/** Keras's order is H×W×C, so the channels go last before they are laid in a row. */
function flatten(scope: Scope): Shape {
  const { name, shape } = sole(scope);
  const sizes = shape.map((size) => {
    if (size === null) throw scope.layer.config.refuse('flattens an image of free size');
    return size;
  });
  const isMap = sizes.length === 3 && sizes[0]! * sizes[1]! > 1;
  const from = isMap ? scope.node('Transpose', [name], inner(scope, 'channels_last'), { perm: ints([0, 2, 3, 1]) }) : name;
  scope.node('Flatten', [from], scope.output, { axis: int(1) });
  return [sizes.reduce((product, size) => product * size, 1)];
}

function dense(scope: Scope): Shape {
  const { config } = scope.layer;
  const { name, shape } = sole(scope);
  const kernel = scope.weight('kernel');
  const [features, units] = kernel.dims;
  if (shape.length !== 1 || kernel.dims.length !== 2 || features !== shape[0]) {
    throw config.refuse(`has a kernel ${kernel.dims.join('×')} that does not fit its input ${shape.join('×')}`);
  }
  const inputs = [name, scope.initializer('kernel', permuted(kernel, [1, 0]))];
  if (config.flag('use_bias', true)) inputs.push(scope.initializer('bias', scope.weight('bias')));
  const value = scope.node('Gemm', inputs, beforeActivation(scope), { transB: int(1) });
  return activation(scope, value, [units!]);
}

function identity(scope: Scope): Shape {
  scope.node('Identity', [sole(scope).name], scope.output);
  return sole(scope).shape;
}

/** Keras's ReLU(x): slope · x below 0, x above, at most the maximum. */
function rectifier(scope: Scope): Shape {
  const { config } = scope.layer;
  const { name, shape } = sole(scope);
  const slope = config.float('negative_slope', 0);
  const isCapped = typeof config.value('max_value') === 'number';
  if (config.float('threshold', 0) !== 0 || (isCapped && slope !== 0))
    throw config.refuse('has a threshold, or a slope and a maximum');
  if (isCapped) clip(scope, name, config.float('max_value'));
  else if (slope !== 0) scope.node('LeakyRelu', [name], scope.output, { alpha: float(slope) });
  else scope.node('Relu', [name], scope.output);
  return shape;
}

function clip(scope: Scope, from: string, maximum: number): void {
  const scalar = (value: number): Tensor => ({ type: 'float32', dims: [], data: Float32Array.of(value) });
  scope.node(
    'Clip',
    [from, scope.initializer('minimum', scalar(0)), scope.initializer('maximum', scalar(maximum))],
    scope.output,
  );
}

/** Keras's activations that are one ONNX operator of the same definition. */
const ACTIVATIONS: ReadonlyMap<string, readonly [type: string, attributes: Attributes]> = new Map([
  ['relu', ['Relu', {}]],
  ['sigmoid', ['Sigmoid', {}]],
  ['tanh', ['Tanh', {}]],
  ['softplus', ['Softplus', {}]],
  ['softsign', ['Softsign', {}]],
  ['elu', ['Elu', {}]],
  // Over the channels, Keras's last axis.
  ['softmax', ['Softmax', { axis: int(1) }]],
]);

/** Adds the activation that the configuration names, from `value` to the layer's output. */
function activation(scope: Scope, value: string, shape: Shape): Shape {
  const { layer, output } = scope;
  const name = activationName(layer);
  const operator = ACTIVATIONS.get(name);
  if (operator !== undefined) scope.node(operator[0], [value], output, operator[1]);
  else if (name === 'relu6') clip(scope, value, 6);
  else if (name !== 'linear') throw layer.config.refuse(`has the activation '${name}', which is not supported`);
  else if (value !== output) scope.node('Identity', [value], output);
  return shape;
}

const activationName = (layer: Layer): string => layer.config.text('activation', 'linear');

/** Where a layer puts its value before its activation: with a linear one that is its output already. */
const beforeActivation = (scope: Scope): string =>
  activationName(scope.layer) === 'linear' ? scope.output : inner(scope, 'preactivation');

const inner = (scope: Scope, label: string): string => `${scope.layer.name}/${label}`;

function sole(scope: Scope): Value {
  const [value] = scope.inputs;
  if (value === undefined || scope.inputs.length > 1) throw scope.layer.config.refuse(`has ${scope.inputs.length} inputs`);
  return value;
}

/** Height, width and channels of the one input. */
function featureMap(scope: Scope): readonly [number | null, number | null, number] {
  const { config } = scope.layer;
  const [height, width, channels] = sole(scope).shape;
  if (config.text('data_format', 'channels_last') !== 'channels_last')
    throw config.refuse('has its channels first, which is not supported');
  if (height === undefined || width === undefined || typeof channels !== 'number')
    throw config.refuse('does not read a feature map');
  return [height, width, channels];
}

function fourDims(kernel: Tensor, scope: Scope): readonly [number, number, number, number] {
  const { dims } = kernel;
  if (dims.length !== 4) throw scope.layer.config.refuse(`has a kernel of ${dims.length} axes in place of 4`);
  return dims as unknown as readonly [number, number, number, number];
}

/** The tensor with its axes in another order: axis i of the result is axis order[i] of the source. */
function permuted(tensor: Tensor<'float32'>, order: readonly number[]): Tensor<'float32'> {
  const steps = tensor.dims.map((_, axis) => tensor.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1));
  const dims = order.map((axis) => tensor.dims[axis]!);
  const data = new Float32Array(tensor.data.length);
  let at = 0;
  const walk = (axis: number, from: number): void => {
    const step = steps[order[axis]!]!;
    for (let index = 0; index < dims[axis]!; index++) {
      if (axis === dims.length - 1) data[at++] = tensor.data[from + index * step]!;
      else walk(axis + 1, from + index * step);
    }
  };
  walk(0, 0);
  return { type: 'float32', dims, data };
}

const plus = (size: number | null, more: number): number | null => (size === null ? null : size + more);

function int(value: number): Attribute {
  return { kind: 'int', value };
}

function ints(value: readonly number[]): Attribute {
  return { kind: 'ints', value };
}

function float(value: number): Attribute {
  return { kind: 'float', value };
}
