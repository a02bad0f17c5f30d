// Element type and dimensions of a node's outputs, by operator.
import { NCHWC } from '../nchwc';
import type { Operator, ValueType } from '../operator';
import { CONVOLUTION_SHAPES } from './convolution';
import { ELEMENTWISE_SHAPES } from './elementwise';
import { LAYOUT_SHAPES } from './layout';
import { MATRIX_SHAPES } from './matrix';
import { NCHWC_SHAPES } from './nchwc';
import { REDUCTION_SHAPES } from './reduction';
import { RESIZE_SHAPES } from './resize';
import type { ShapeRule } from './rule';

const SHAPE_RULES: Readonly<Record<string, ShapeRule | undefined>> = {
  ...ELEMENTWISE_SHAPES,
  ...CONVOLUTION_SHAPES,
  ...MATRIX_SHAPES,
  ...REDUCTION_SHAPES,
  ...LAYOUT_SHAPES,
  ...RESIZE_SHAPES,
};

/**
 * One entry for each output that the node can have.
 * @throws OnnxError onnx-shape where the operator is unknown or its inputs do not fit each other
 */
export function inferTypes(op: Operator): readonly ValueType[] {
  const { domain, type } = op.node;
  const rules = domain === '' ? SHAPE_RULES : domain === NCHWC ? NCHWC_SHAPES : {};
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined;
  return rule ? rule(op) : op.fail('the shape of its result is unknown, because this operator is not supported');
}
