// TensorFlow.js as this engine knows it: its core's operations, whichever package and backend stand behind them.
import type * as core from '@tensorflow/tfjs-core';

export type TensorFlow = typeof core;
export type TfTensor = core.Tensor;
export type Tf4D = core.Tensor4D;
export type Rank4 = core.Rank.R4;
