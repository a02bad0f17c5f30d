// Every operator of the standard domain that this engine computes.
import type { Rules } from '../call';
import { CONVOLUTION } from './convolution';
import { ELEMENTWISE } from './elementwise';
import { LAYOUT } from './layout';
import { MATRIX } from './matrix';
import { NORMALIZATION } from './normalization';
import { POOLING } from './pooling';
import { REDUCTION } from './reduction';

export const OPERATORS: Rules = {
  ...ELEMENTWISE,
  ...CONVOLUTION,
  ...POOLING,
  ...NORMALIZATION,
  ...MATRIX,
  ...REDUCTION,
  ...LAYOUT,
};
