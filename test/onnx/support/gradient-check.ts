// Compares the gradients of one operator with central differences of the operator itself, run by ONNX Runtime.
import { expect } from 'vitest';
import { type AttributeInput } from '../../../src/onnx/attributes';
import { GraphBuilder, type Target, type Value } from '../../../src/onnx/builder';
import { differentiate } from '../../../src/onnx/differentiate';
import { elementCount, type Tensor } from '../../../src/onnx/model';
import { tensorOf } from '../../../src/onnx/tensors';
import { openGraph } from './run';

type Float = 'float32' | 'float64';

export interface GradientCase {
  readonly op: string;
  /** What the case is about, where an operator has several. */
  readonly about?: string;
  /** Dimensions of an input to differentiate by, a constant (truth values, integers), or undefined where left out. */
  readonly inputs: readonly (readonly number[] | Tensor | undefined)[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly outputs?: number;
  /** Indexes of the outputs that the loss uses; the first if left out. */
  readonly used?: readonly number[];
  /** The values of the inputs lie between these; from −2 to 2 if left out. */
  readonly range?: readonly [number, number];
  /** Float32 where ONNX Runtime's CPU provider has no float64 form of the operator or of its gradient. */
  readonly type?: Float;
  readonly opset?: number;
  readonly target?: Target;
}

/** Step of the differences and largest error relative to 1 + |gradient|: rounding and curvature cost more in float32. */
const PRECISION = { float32: { step: 2 ** -6, limit: 4e-3 }, float64: { step: 1e-4, limit: 1e-6 } } as const;

export async function checkGradient(test: GradientCase): Promise<void> {
  const type = test.type ?? 'float64';
  const { step, limit } = PRECISION[type];
  const builder = new GraphBuilder(test.opset ?? 20, test.target);
  const inputs = test.inputs.map((input, index) =>
    isDims(input) ? builder.input(`x${index}`, type, input) : input && builder.constant(input),
  );
  const outputs = builder.ops(test.op, inputs, test.attributes, { outputs: test.outputs ?? 1 });
  const used = (test.used ?? [0]).map((index) => outputs[index]!);
  const upstream = used.map((value, index) =>
    tensorOf(value.type as Float, spread(elementCount(value.dims), [-1, 1], index + 7), value.dims),
  );
  const seeds = new Map(used.map((value, index) => [value.name, builder.constant(upstream[index]!)]));
  const wrt = inputs.filter((input): input is Value => input !== undefined && input.constant === undefined);
  const gradients = differentiate(builder, { nodes: builder.nodes, seeds, wrt });
  used.forEach((value, index) => builder.output(value, `output ${index}`));
  for (const input of wrt) builder.output(gradients.get(input.name)!, `gradient ${input.name}`);
  const graph = await openGraph(builder);
  const data = new Map(wrt.map((input, index) => [input.name, spread(elementCount(input.dims), test.range ?? [-2, 2], index)]));
  const run = () => graph.run(Object.fromEntries(wrt.map(({ name, dims }) => [name, tensorOf(type, data.get(name)!, dims)])));
  const loss = async (): Promise<number> => {
    const results = await run();
    const terms = upstream.map((weights, index) =>
      dot(results[`output ${index}`]!.data, Array.from(weights.data as Float32Array)),
    );
    return terms.reduce((sum, term) => sum + term, 0);
  };
  const results = await run();
  used.forEach((value, index) => expect(results[`output ${index}`]!.dims, `dimensions of output ${index}`).toEqual(value.dims));
  for (const { name, dims } of wrt) {
    const gradient = results[`gradient ${name}`]!;
    expect(gradient.dims, `dimensions of the gradient with respect to ${name}`).toEqual(dims);
    const values = data.get(name)!;
    for (const [index, value] of values.entries()) {
      values[index] = value + step;
      const above = await loss();
      values[index] = value - step;
      const difference = (above - (await loss())) / (2 * step);
      values[index] = value;
      const close = Math.abs(gradient.data[index]! - difference) <= limit * (1 + Math.abs(difference));
      expect(close, `${name}[${index}]: gradient ${gradient.data[index]}, difference ${difference}`).toBe(true);
    }
  }
  await graph.release();
}

/** Different numbers, evenly spread and shuffled: no two are closer than a step, and none is 0 or a whole number. */
function spread(count: number, [low, high]: readonly [number, number], seed: number): number[] {
  const values = Array.from({ length: count }, (_, index) => low + ((high - low) * (index + 0.37)) / count);
  let state = 12345 + seed * 7919;
  for (let last = count - 1; last > 0; last--) {
    state = (state * 1103515245 + 12345) % 2147483648;
    const other = state % (last + 1);
    [values[last], values[other]] = [values[other]!, values[last]!];
  }
  return values;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * b[index]!, 0);
}

function isDims(input: readonly number[] | Tensor | undefined): input is readonly number[] {
  return Array.isArray(input);
}
