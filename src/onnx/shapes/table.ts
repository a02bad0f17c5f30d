// Element type and dimensions of a node's outputs, by operator.
import { AUTODIFF } from '../autodiff';
import { NCHWC } from '../nchwc';
import type { Operator, ValueType } from '../operator';
import { CONVOLUTION_SHAPES } from './convolution';
import { ELEMENTWISE_SHAPES } from './elementwise';
import { LAYOUT_SHAPES } from './layout';
import { MATRIX_SHAPES } from './matrix';
import { NCHWC_SHAPES } from './nchwc';
import { REDUCTION_SHAPES } from './reduction';
import { RESIZE_SHAPES } from './resize';
import { type ShapeRule, typeOf } from './rule';

const SHAPE_RULES: Readonly<Record<string, ShapeRule | undefined>> = {
  ...ELEMENTWISE_SHAPES,
  ...CONVOLUTION_SHAPES,
  ...MATRIX_SHAPES,
  ...REDUCTION_SHAPES,
  ...LAYOUT_SHAPES,
  ...RESIZE_SHAPES,
};

/** ∂y/∂x of the inputs y, x…, each like its x. */
const AUTODIFF_SHAPES: Readonly<Record<string, ShapeRule>> = { Gradient: (op) => op.inputs.slice(1).map((x) => typeOf(x!)) };

const DOMAINS: Readonly<Record<string, Readonly<Record<string, ShapeRule | undefined>> | undefined>> = {
  '': SHAPE_RULES,
  [NCHWC]: NCHWC_SHAPES,
  [AUTODIFF]: AUTODIFF_SHAPES,
};

/**
 * One entry for each output that the node can have.
 * @throws OnnxError onnx-shape where the operator is unknown or its inputs do not fit each other
 */
export function inferTypes(op: Operator): readonly ValueType[] {
  const { domain, type } = op.node;
  const rules = (Object.hasOwn(DOMAINS, domain) && DOMAINS[domain]) || {};
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined;
  return rule ? rule(op) : op.fail('the shape of its result is unknown, because this operator is not supported');
}
