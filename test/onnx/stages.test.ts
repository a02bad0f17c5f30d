// Stages of networks of several families, from the head down.
import { describe, expect, it } from 'vitest';
import { withNewHead } from '../../src/onnx/classifier';
import type { Model } from '../../src/onnx/model';
import { parametersOf } from '../../src/onnx/parameters';
import { stagesOf } from '../../src/onnx/stages';
import { float32 } from '../support/graphs';
import { mobileNetwork, residualNetwork, transformer } from '../support/networks';

const classifierOf = (model: Model) =>
  withNewHead(model, 'net.onnx', (features) => ({
    weight: float32([3, features], Array<number>(3 * features).fill(1)),
    bias: float32([3], [0, 0, 0]),
  }));

describe('stagesOf', () => {
  it.each([
    ['residual network', residualNetwork(), ['head', '8 × 8', '16 × 16']],
    ['mobile network', mobileNetwork(), ['head', 'hidden', '4 × 4', '8 × 8']],
    ['transformer, which has no convolutional stage', transformer(), ['head', 'hidden']],
  ])('of a %s, each parameter in one', (_, model, names) => {
    const classifier = classifierOf(model);
    const stages = stagesOf(classifier);
    expect(stages.map(({ name }) => name)).toEqual(names);
    const all = parametersOf(classifier.graph).map(({ name }) => name);
    expect(stages.flatMap(({ tensors }) => tensors).sort()).toEqual(all.sort());
  });

  it('puts what squeezes and excites into the stage that it stands in', () => {
    const stages = new Map(stagesOf(classifierOf(mobileNetwork())).map(({ name, tensors }) => [name, tensors]));
    expect(stages.get('8 × 8')).toContain('block1.reduce.weight');
    expect(stages.get('4 × 4')).toContain('block2.restore.bias');
  });
});
