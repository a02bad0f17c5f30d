// Several training steps as one graph: a loop whose body is the step, so that the state stays on the device between them.
import { encodeGraph } from './encode';
import { type Graph, type Model, type Node, OnnxError, type ValueInfo } from './model';
import { NEXT } from './normalization';

/** In front of the names of the body: a subgraph sees its surroundings, whose names must differ from its own. */
const INSIDE = 'step/';

/**
 * The step as the body of ONNX's Loop. Inputs that are no state get an axis more, in front: one entry a step; so does every
 * output that is none. The state goes in once and comes out once, as `next/<state>` after the last step.
 *
 * @param steps how many; the graph is made for this number
 * @throws OnnxError onnx-unsupported where the step's inputs have no fixed dimensions
 */
export function repeated({ graph, ...model }: Model, steps: number): Model {
  const states = graph.outputs
    .map(({ name }) => name)
    .filter((name) => name.startsWith(NEXT))
    .map((name) => name.slice(NEXT.length));
  const state = graph.inputs.filter(({ name }) => states.includes(name));
  const perStep = graph.inputs.filter(({ name }) => !states.includes(name));
  const results = graph.outputs.filter(({ name }) => !name.startsWith(NEXT));
  const loop: Node = {
    name: 'steps',
    type: 'Loop',
    domain: '',
    inputs: [COUNT, '', ...state.map(({ name }) => name)],
    outputs: [...state.map(({ name }) => NEXT + name), ...results.map(({ name }) => name)],
    attributes: { body: { kind: 'graph', value: encodeGraph(bodyOf(graph, state, perStep, results)) } },
  };
  const longer = (info: ValueInfo): ValueInfo => ({ ...info, dims: [steps, ...fixed(info)] });
  return {
    ...model,
    graph: {
      name: graph.name,
      nodes: [loop],
      inputs: [...perStep.map(longer), ...state],
      outputs: [...state.map((info) => ({ ...info, name: NEXT + info.name })), ...results.map(longer)],
      initializers: new Map([[COUNT, { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(steps)) }]]),
    },
  };
}

const COUNT = 'steps/count';
const [NUMBER, GOES_ON] = ['steps/number', 'steps/goes_on'];

function bodyOf(graph: Graph, state: readonly ValueInfo[], perStep: readonly ValueInfo[], results: readonly ValueInfo[]): Graph {
  const inside = (name: string): string => name && INSIDE + name;
  const within = (info: ValueInfo): ValueInfo => ({ ...info, name: inside(info.name) });
  const drawn = perStep.map(({ name }) => node('Gather', [name, NUMBER], inside(name)));
  const nodes = graph.nodes.map((one) => ({
    ...one,
    name: inside(one.name),
    inputs: one.inputs.map(inside),
    outputs: one.outputs.map(inside),
  }));
  const next = state.map((info) => within({ ...info, name: NEXT + info.name }));
  return {
    name: graph.name,
    nodes: [...drawn, ...nodes],
    inputs: [{ name: NUMBER, type: 'int64', dims: [] }, { name: GOES_ON, type: 'bool', dims: [] }, ...state.map(within)],
    outputs: [{ name: GOES_ON, type: 'bool', dims: [] }, ...next, ...results.map(within)],
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [inside(name), tensor])),
  };
}

function node(type: string, inputs: string[], output: string): Node {
  return { name: output, type, domain: '', inputs, outputs: [output], attributes: {} };
}

function fixed({ name, dims }: ValueInfo): readonly number[] {
  if (dims?.every((dim) => typeof dim === 'number')) return dims;
  throw new OnnxError('onnx-unsupported', `The input '${name}' of the step has no fixed dimensions.`);
}
