// Operators that work element by element, and the activation functions.
import { type Call, dtypeOf, plain, type Rule, type Rules } from '../call';
import { dataTypeOf } from '../../../../onnx/tensors';
import type { TensorFlow, TfTensor } from '../module';

type Unary = (tf: TensorFlow, x: TfTensor, call: Call) => TfTensor;
type Binary = (tf: TensorFlow, a: TfTensor, b: TfTensor) => TfTensor;

const unary =
  (f: Unary): Rule =>
  (call) => {
    const { tensor, last } = call.held(0);
    return [{ tensor: f(call.tf, tensor, call), last }];
  };

/** Of two or more inputs, from the left. */
const chained =
  (f: Binary): Rule =>
  (call) => {
    const { tensors, last } = call.aligned();
    return [{ tensor: tensors.reduce((a, b) => f(call.tf, a, b)), last }];
  };

const number = (name: string, fallback: number) => (call: Call) => call.op.number(name, fallback);

/** γ·(eᵃ…) left of zero, γ·x right of it. Both sides are clipped first: an overflow on the other side would reach the gradient. */
const exponential =
  (defaults: { alpha: number; gamma: number }): Unary =>
  (tf, x, call) => {
    const [alpha, gamma] = [call.op.number('alpha', defaults.alpha), call.op.number('gamma', defaults.gamma)];
    return tf.mul(gamma, tf.add(tf.relu(x), tf.mul(alpha, tf.expm1(tf.minimum(x, 0)))));
  };

/** In this order of their operands, gradients are 0 at the bounds too, as everywhere else in this project. */
function clipped(tf: TensorFlow, x: TfTensor, low: number | undefined, high: number | undefined): TfTensor {
  const above = low === undefined ? x : tf.maximum(tf.scalar(low, x.dtype), x);
  return high === undefined ? above : tf.minimum(tf.scalar(high, x.dtype), above);
}

const hardSigmoid = (tf: TensorFlow, x: TfTensor, alpha: number, beta: number) =>
  clipped(tf, tf.add(tf.mul(x, alpha), beta), 0, 1);

/** Hendrycks and Gimpel, "Gaussian Error Linear Units": x·Φ(x), or its approximation with tanh. */
const gelu: Unary = (tf, x, { op }) => {
  if (op.string('approximate', 'none') === 'none') return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x)))));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
};

const clip: Unary = (tf, x, { op }) => clipped(tf, x, op.parameter(1, 'min')?.[0], op.parameter(2, 'max')?.[0]);

/** TensorFlow.js does it along the last axis alone. */
const alongAxis =
  (f: (tf: TensorFlow, x: TfTensor) => TfTensor): Rule =>
  (call) => {
    const { tf, op } = call;
    const x = call.plain();
    const axis = op.axis(op.number('axis', -1));
    const perm = x.shape.map((_, at) => at);
    [perm[axis], perm[x.rank - 1]] = [x.rank - 1, axis];
    return plain(axis === x.rank - 1 ? f(tf, x) : tf.transpose(f(tf, tf.transpose(x, perm)), perm));
  };

/** Repeated to one size first: the gradient of TensorFlow.js does not sum over what was repeated. */
const extreme =
  (f: Binary): Rule =>
  (call) => {
    const whole = call.op.inputs.map((_, index) => call.tf.broadcastTo(call.plain(index), call.resultDims()));
    return plain(whole.reduce((a, b) => f(call.tf, a, b)));
  };

const where: Rule = (call) => {
  const { tensors, last } = call.aligned([0, 1, 2]);
  const [condition, a, b] = tensors as [TfTensor, TfTensor, TfTensor];
  return [{ tensor: call.tf.where(call.tf.cast(condition, 'bool'), a, b), last }];
};

const cast: Unary = (tf, x, { op }) => {
  const type = op.node.type === 'CastLike' ? op.input(1).type : dataTypeOf(op.number('to', 0));
  const dtype = dtypeOf(op, type ?? op.fail('its element type is not known'));
  return dtype === 'bool' ? tf.notEqual(x, 0) : tf.cast(x, dtype);
};

const prelu: Rule = (call) => {
  const { tf } = call;
  const { tensors, last } = call.aligned([0, 1]);
  const [x, slope] = tensors as [TfTensor, TfTensor];
  return [{ tensor: tf.add(tf.relu(x), tf.mul(slope, tf.minimum(x, 0))), last }];
};

const mean: Rule = (call) => {
  const [sum] = chained((tf, a, b) => tf.add(a, b))(call);
  return [{ ...sum!, tensor: call.tf.div(sum!.tensor, call.op.inputs.length) }];
};

/** TensorFlow.js has the remainder with the divisor's sign; with `fmod` it has that of what is divided. */
const remainder: Rule = (call) =>
  chained(call.op.flag('fmod') ? (tf, a, b) => tf.mul(tf.sign(a), tf.mod(tf.abs(a), tf.abs(b))) : (tf, a, b) => tf.mod(a, b))(
    call,
  );

const infinite: Unary = (tf, x, { op }) => {
  const bounds = { detect_negative: -Infinity, detect_positive: Infinity };
  const wanted = Object.entries(bounds).filter(([name]) => op.number(name, 1) !== 0);
  return wanted.map(([, bound]) => tf.equal(x, bound)).reduce((a, b) => tf.logicalOr(a, b), tf.zeros(x.shape, 'bool'));
};

/** Identity, unless the network was exported as it is trained. */
const dropout: Rule = (call) => {
  const training = call.op.inputs[2];
  if (training !== undefined && training.constant?.data[0] !== 0)
    call.op.fail('it drops nothing in TensorFlow.js here: export the model for inference, or use the engine onnxruntime');
  return [call.held(0)];
};

const truncatedDivision: Binary = (tf, a, b) =>
  a.dtype === 'int32' ? tf.cast(tf.div(tf.cast(a, 'float32'), tf.cast(b, 'float32')), 'int32') : tf.div(a, b);

export const ELEMENTWISE: Rules = {
  Identity: unary((_, x) => x),
  Dropout: dropout,
  Neg: unary((tf, x) => tf.neg(x)),
  Abs: unary((tf, x) => tf.abs(x)),
  Sqrt: unary((tf, x) => tf.sqrt(x)),
  Reciprocal: unary((tf, x) => tf.div(1, x)),
  Exp: unary((tf, x) => tf.exp(x)),
  Log: unary((tf, x) => tf.log(x)),
  Erf: unary((tf, x) => tf.erf(x)),
  Sin: unary((tf, x) => tf.sin(x)),
  Cos: unary((tf, x) => tf.cos(x)),
  Sign: unary((tf, x) => tf.sign(x)),
  Floor: unary((tf, x) => tf.floor(x)),
  Ceil: unary((tf, x) => tf.ceil(x)),
  Round: unary((tf, x) => tf.round(x)),
  Not: unary((tf, x) => tf.logicalNot(x)),
  IsNaN: unary((tf, x) => tf.isNaN(x)),
  IsInf: unary(infinite),
  Relu: unary((tf, x) => tf.relu(x)),
  LeakyRelu: unary((tf, x, call) => tf.leakyRelu(x, number('alpha', 0.01)(call))),
  PRelu: prelu,
  ThresholdedRelu: unary((tf, x, call) => tf.where(tf.greater(x, number('alpha', 1)(call)), x, tf.zerosLike(x))),
  Clip: unary(clip),
  Sigmoid: unary((tf, x) => tf.sigmoid(x)),
  Tanh: unary((tf, x) => tf.tanh(x)),
  Softplus: unary((tf, x) => tf.softplus(x)),
  Softsign: unary((tf, x) => tf.div(x, tf.add(tf.abs(x), 1))),
  Elu: unary(exponential({ alpha: 1, gamma: 1 })),
  Selu: unary(exponential({ alpha: 1.6732632423543772, gamma: 1.0507009873554805 })),
  Gelu: unary(gelu),
  Mish: unary((tf, x) => tf.mul(x, tf.tanh(tf.softplus(x)))),
  HardSigmoid: unary((tf, x, call) => hardSigmoid(tf, x, number('alpha', 0.2)(call), number('beta', 0.5)(call))),
  HardSwish: unary((tf, x) => tf.mul(x, hardSigmoid(tf, x, 1 / 6, 0.5))),
  Softmax: alongAxis((tf, x) => tf.softmax(x)),
  LogSoftmax: alongAxis((tf, x) => tf.logSoftmax(x)),
  Add: chained((tf, a, b) => tf.add(a, b)),
  Sub: chained((tf, a, b) => tf.sub(a, b)),
  Mul: chained((tf, a, b) => tf.mul(a, b)),
  Div: chained(truncatedDivision),
  Pow: chained((tf, a, b) => tf.pow(a, b)),
  Mod: remainder,
  Min: extreme((tf, a, b) => tf.minimum(a, b)),
  Max: extreme((tf, a, b) => tf.maximum(a, b)),
  Sum: chained((tf, a, b) => tf.add(a, b)),
  Mean: mean,
  And: chained((tf, a, b) => tf.logicalAnd(a, b)),
  Or: chained((tf, a, b) => tf.logicalOr(a, b)),
  Xor: chained((tf, a, b) => tf.logicalXor(a, b)),
  Equal: chained((tf, a, b) => tf.equal(a, b)),
  Greater: chained((tf, a, b) => tf.greater(a, b)),
  GreaterOrEqual: chained((tf, a, b) => tf.greaterEqual(a, b)),
  Less: chained((tf, a, b) => tf.less(a, b)),
  LessOrEqual: chained((tf, a, b) => tf.lessEqual(a, b)),
  Where: where,
  Cast: unary(cast),
  CastLike: unary(cast),
};
