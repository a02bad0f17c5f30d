// Shapes of operators that work element by element.
import { dataTypeOf } from '../tensors';
import { broadcast, sameAsInput, type ShapeRule } from './rule';

const UNARY = `Abs Neg Sqrt Reciprocal Exp Log Erf Sigmoid Tanh Relu LeakyRelu Elu Selu Celu Gelu HardSigmoid HardSwish Mish
  Softplus Softsign ThresholdedRelu PRelu Clip Sign Floor Ceil Round Sin Cos Softmax LogSoftmax Hardmax Not Identity BitwiseNot`;

const BROADCAST = 'Add Sub Mul Div Pow Mod Min Max Sum Mean And Or Xor';
const COMPARISON = 'Equal Greater GreaterOrEqual Less LessOrEqual';

const broadcasting: ShapeRule = (op) => [
  {
    type: op.input(0).type,
    dims: broadcast(
      op,
      op.inputs.map((_, index) => op.input(index).dims),
    ),
  },
];

function each(names: string, rule: ShapeRule): Record<string, ShapeRule> {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, rule]));
}

const truth: ShapeRule = (op) => [{ type: 'bool', dims: op.input(0).dims }];

export const ELEMENTWISE_SHAPES: Readonly<Record<string, ShapeRule>> = {
  ...each(UNARY, sameAsInput),
  ...each(BROADCAST, broadcasting),
  ...each(COMPARISON, (op) => broadcasting(op).map(({ dims }) => ({ type: 'bool', dims }))),
  IsNaN: truth,
  IsInf: truth,
  Where: (op) => {
    const values = [op.input(0), op.input(1), op.input(2)];
    return [
      {
        type: op.input(1).type,
        dims: broadcast(
          op,
          values.map(({ dims }) => dims),
        ),
      },
    ];
  },
  Cast: (op) => {
    const type = dataTypeOf(op.number('to', 0)) ?? op.fail(`element type ${op.number('to', 0)} is not supported`);
    return [{ type, dims: op.input(0).dims }];
  },
  CastLike: (op) => [{ type: op.input(1).type, dims: op.input(0).dims }],
  Dropout: (op) => [...sameAsInput(op), { type: 'bool', dims: op.input(0).dims }],
};
