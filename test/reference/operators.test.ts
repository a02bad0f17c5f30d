// Every operator case of the reference (values and gradients of PyTorch in float64), built, differentiated and run in float32, by both engines.
import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Value } from '../../src/onnx/builder';
import { differentiate } from '../../src/onnx/differentiate';
import { multilabelLoss } from '../../src/onnx/loss';
import { buildExpression } from '../onnx/support/expression';
import { floats, type Result, runOnce } from '../onnx/support/run';
import type { Tensors } from '../support/graphs';
import { readReference, referenceFiles } from '../support/reference';
import { tensorFlowRunner } from '../support/tensorflow';

interface Numbers {
  shape: number[];
  data: number[];
}

interface Case {
  name: string;
  op: string;
  opset: number;
  attributes: Record<string, number | string | number[]>;
  inputs: Record<string, Numbers>;
  constants?: Record<string, number | number[][] | null>;
  upstream: Record<string, Numbers>;
  outputs: Record<string, Numbers>;
  gradients: Record<string, Numbers>;
}

const files = referenceFiles('operators', '.json');

/** Parameters that the cases write as attributes or constants and that these operators take as inputs after the data. */
function parameterNames(op: string, opset: number): string[] {
  const byOperator: Record<string, string[]> = {
    Slice: ['starts', 'ends', 'axes', 'steps'],
    Pad: ['pads', 'constant_value'],
    Clip: ['min', 'max'],
    Reshape: ['shape'],
    Resize: ['roi', 'scales', 'sizes'],
    ReduceSum: ['axes'],
    ReduceMean: opset >= 18 ? ['axes'] : [],
  };
  return byOperator[op] ?? [];
}

function build(builder: GraphBuilder, test: Case, inputs: Record<string, Value>): Value[] {
  const { op, attributes, constants = {} } = test;
  if (op.startsWith('BinaryCrossEntropy(')) {
    const labels = constants.labels as number[][];
    return [multilabelLoss(builder, inputs.X!, builder.constant(floats(labels.flat(), [labels.length, labels[0]!.length])))];
  }
  if (!/^\w+$/.test(op)) return [buildExpression(builder, op, inputs)];
  const names = parameterNames(op, builder.opset);
  const parameters = names.map((name) => {
    const value = attributes[name] ?? constants[name] ?? undefined;
    return Array.isArray(value)
      ? builder.ints(value as number[])
      : value === undefined
        ? undefined
        : builder.scalar(Number(value));
  });
  const rest = Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
  return builder.ops(op, [...Object.values(inputs), ...parameters], rest, { outputs: Object.keys(test.outputs).length });
}

/** The reference's tolerance for float32: absolute for small values, relative for large ones. */
function tolerance({ op, attributes }: Case): number {
  return attributes.training_mode === 1 || ['LayerNormalization', 'Softmax'].includes(op) ? 1e-4 : 1e-5;
}

function expectClose(actual: Result | undefined, expected: Numbers, limit: number, what: string): void {
  expect(actual?.dims, what).toEqual(expected.shape);
  expected.data.forEach((value, index) => {
    const difference = Math.abs(actual!.data[index]! - value);
    expect(difference <= limit * (1 + Math.abs(value)), `${what}[${index}] is ${actual!.data[index]}, not ${value}`).toBe(true);
  });
}

async function check(test: Case, opset: number, engine: 'onnxruntime' | 'tensorflow'): Promise<void> {
  const builder = new GraphBuilder(opset, engine === 'tensorflow' ? 'autodiff' : 'cpu');
  const inputs = Object.fromEntries(
    Object.entries(test.inputs).map(([name, { shape }]) => [name, builder.input(name, 'float32', shape)]),
  );
  const values = build(builder, test, inputs);
  const names = Object.keys(test.outputs);
  const seeds = new Map(
    names.flatMap((name, index) => {
      const upstream = test.upstream[name];
      return upstream
        ? [[values[index]!.name, builder.constant(floats(upstream.data, upstream.shape), `d${name}`)] as const]
        : [];
    }),
  );
  const wrt = Object.keys(test.gradients).map((name) => inputs[name]!);
  const gradients = differentiate(builder, { nodes: builder.nodes, seeds, wrt });
  names.forEach((name, index) => builder.output(values[index]!, `output ${name}`));
  for (const value of wrt) builder.output(gradients.get(value.name)!, `gradient ${value.name}`);
  const feeds = Object.fromEntries(Object.entries(test.inputs).map(([name, { shape, data }]) => [name, floats(data, shape)]));
  const results = engine === 'tensorflow' ? await runInTensorFlow(builder, feeds) : await runOnce(builder, feeds);
  for (const name of names) expectClose(results[`output ${name}`], test.outputs[name]!, tolerance(test), `output ${name}`);
  for (const name of Object.keys(test.gradients)) {
    expectClose(results[`gradient ${name}`], test.gradients[name]!, tolerance(test), `gradient ${name}`);
  }
}

/** The builder's graph in TensorFlow.js, which also differentiates it. */
async function runInTensorFlow(builder: GraphBuilder, feeds: Readonly<Tensors>): Promise<Record<string, Result>> {
  const opsets = { '': builder.opset };
  const runner = await tensorFlowRunner({ irVersion: 9, opsets, producer: 'test', graph: builder.build('test'), metadata: {} });
  const outputs = await runner.run(feeds);
  await runner.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [name, { dims, data: Array.from(data as Float32Array, Number) }]),
  );
}

describe('operators of the reference', () => {
  for (const file of files) {
    const cases = readReference<Case[]>('operators', file);
    describe(file, () => {
      for (const test of cases) {
        for (const opset of new Set([test.opset, 20]))
          it(`${test.name}, operator set ${opset}`, () => check(test, opset, 'onnxruntime'));
        it(`${test.name}, in TensorFlow.js`, () => check(test, test.opset, 'tensorflow'));
      }
    });
  }
});
