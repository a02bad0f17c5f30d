// What counts as a parameter, which role it has, and what is only a constant.
import { describe, expect, it } from 'vitest';
import { withNewHead } from '../../src/onnx/classifier';
import type { Node } from '../../src/onnx/model';
import { learns, parametersOf } from '../../src/onnx/parameters';
import { float32 } from '../support/graphs';
import { mobileNetwork, residualNetwork, transformer } from '../support/networks';
import { model, node } from './samples';

const rolesOf = (graph: Parameters<typeof parametersOf>[0]) => parametersOf(graph).map(({ name, role }) => `${name}: ${role}`);

/** Roles in a graph of some nodes whose initializers w, v (4×4), b (4) and mask (2×4×4) are float32. */
function roles(...nodes: Node[]): string[] {
  const matrix = float32([4, 4], new Array<number>(16).fill(1));
  const initializers = new Map([
    ['w', matrix],
    ['v', matrix],
    ['b', float32([4], [1, 2, 3, 4])],
    ['mask', float32([2, 4, 4], new Array<number>(32).fill(0))],
  ]);
  return rolesOf(model({ nodes, initializers }).graph);
}

describe('parametersOf', () => {
  it('lists what convolutions, norms and dense layers learn in the order of the nodes', () => {
    const norm = (name: string) => [
      `${name}.weight: scale`,
      `${name}.bias: shift`,
      `${name}.running_mean: mean`,
      `${name}.running_var: variance`,
    ];
    const expected = [
      'conv1.weight: weight',
      ...norm('bn1'),
      'conv2.weight: weight',
      'conv2.bias: bias',
      ...norm('bn2'),
      'classifier.weight: weight',
      'classifier.bias: bias',
    ];
    expect(rolesOf(residualNetwork().graph)).toEqual(expected);
    const learning = parametersOf(residualNetwork().graph).filter(learns);
    expect(learning.map(({ role }) => role)).not.toContain('mean');
    expect(learning).toHaveLength(9);
  });

  it('finds the biases that PyTorch adds to matrix products, and leaves out other constants', () => {
    const found = rolesOf(transformer().graph);
    for (const name of ['query', 'key', 'value', 'out', 'fc1', 'fc2']) {
      expect(found).toContain(`${name}.weight: weight`);
      expect(found).toContain(`${name}.bias: bias`);
    }
    expect(found).toContain('norm1.weight: scale');
    expect(found).toContain('norm1.bias: shift');
    expect(found.join()).not.toMatch(/position|scalar|ints/);
  });

  it('takes the weights of squeeze-and-excitation and no limits of Clip', () => {
    const found = rolesOf(mobileNetwork().graph);
    expect(found).toContain('block1.depthwise.weight: weight');
    expect(found).toContain('block1.reduce.bias: bias');
    expect(found.join()).not.toMatch(/scalar/);
  });

  it('leaves out what preprocessing subtracts and divides by', () => {
    const head = { weight: float32([1, 4], [0, 0, 0, 0]), bias: float32([1], [0]) };
    const { graph } = withNewHead(residualNetwork(), 'net', () => head);
    expect(graph.initializers.has('image/mean')).toBe(true);
    expect(rolesOf(graph).filter((role) => role.startsWith('image'))).toEqual([]);
    expect(rolesOf(graph)).toContain('head/weight: weight');
  });

  it.each([
    [
      'a bias on the left of its sum',
      [node('MatMul', ['x', 'w'], ['y']), node('Add', ['b', 'y'], ['z'])],
      ['w: weight', 'b: bias'],
    ],
    [
      'a bias on the right of its sum',
      [node('MatMul', ['x', 'w'], ['y']), node('Add', ['y', 'b'], ['z'])],
      ['w: weight', 'b: bias'],
    ],
    ['a matrix on the left of a product', [node('MatMul', ['w', 'x'], ['y'])], ['w: weight']],
    ['a sum with something else', [node('Relu', ['x'], ['y']), node('Add', ['y', 'b'], ['z'])], []],
    ['a mask on the product of two activations', [node('MatMul', ['x', 'x'], ['y']), node('Add', ['y', 'b'], ['z'])], []],
    ['a mask on a product with a weight', [node('MatMul', ['x', 'w'], ['y']), node('Add', ['y', 'mask'], ['z'])], ['w: weight']],
    [
      'one weight used twice',
      [node('MatMul', ['x', 'w'], ['y']), node('Gemm', ['y', 'w', 'b'], ['z'])],
      ['w: weight', 'b: bias'],
    ],
    ['a weight behind a Transpose', [node('Transpose', ['w'], ['t']), node('MatMul', ['x', 't'], ['y'])], ['w: weight']],
    [
      'weights behind several views, the bias too',
      [
        node('Identity', ['w'], ['i']),
        node('Transpose', ['i'], ['t']),
        node('Unsqueeze', ['b', 'v'], ['u']),
        node('Flatten', ['u'], ['f']),
        node('MatMul', ['x', 't'], ['y']),
        node('Add', ['y', 'f'], ['z']),
      ],
      ['w: weight', 'b: bias'],
    ],
    [
      'a view that is a parameter elsewhere',
      [node('Transpose', ['w'], ['t']), node('MatMul', ['x', 'w'], ['y']), node('MatMul', ['y', 't'], ['z'])],
      ['w: weight'],
    ],
    ['a weight that is computed', [node('Mul', ['w', 'v'], ['wv']), node('MatMul', ['x', 'wv'], ['y'])], []],
  ])('%s', (_, nodes, expected) => {
    expect(roles(...nodes)).toEqual(expected);
  });

  it('leaves weights of other types alone', () => {
    const initializers = new Map([['w', { type: 'float64', dims: [1, 1], data: Float64Array.of(1) } as const]]);
    expect(parametersOf(model({ nodes: [node('MatMul', ['x', 'w'], ['y'])], initializers }).graph)).toEqual([]);
  });
});
