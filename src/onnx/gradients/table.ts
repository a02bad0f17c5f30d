// Every gradient rule, by operator.
import { NCHWC } from '../nchwc';
import { ACTIVATION_GRADIENTS } from './activation';
import { CONVOLUTION_GRADIENTS } from './convolution';
import { ELEMENTWISE_GRADIENTS } from './elementwise';
import { LAYOUT_GRADIENTS } from './layout';
import { MATRIX_GRADIENTS } from './matrix';
import { NCHWC_GRADIENTS } from './nchwc';
import { NORMALIZATION_GRADIENTS } from './normalization';
import { POOLING_GRADIENTS } from './pooling';
import { REDUCTION_GRADIENTS } from './reduction';
import { RESIZE_GRADIENTS } from './resize';
import type { GradientRule } from './rule';

/** Keyed by operator of the standard domain. */
export const GRADIENT_RULES: Readonly<Record<string, GradientRule | undefined>> = {
  ...ELEMENTWISE_GRADIENTS,
  ...ACTIVATION_GRADIENTS,
  ...CONVOLUTION_GRADIENTS,
  ...POOLING_GRADIENTS,
  ...NORMALIZATION_GRADIENTS,
  ...MATRIX_GRADIENTS,
  ...REDUCTION_GRADIENTS,
  ...LAYOUT_GRADIENTS,
  ...RESIZE_GRADIENTS,
};

/** The gradient rules of a domain, keyed by operator. */
export function gradientRules(domain: string): Readonly<Record<string, GradientRule | undefined>> {
  if (domain === NCHWC) return NCHWC_GRADIENTS;
  return domain === '' ? GRADIENT_RULES : {};
}
