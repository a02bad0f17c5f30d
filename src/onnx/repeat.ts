// Several training steps as one graph: a loop whose body is the step, so that the state stays on the device between them.
import { encodeGraph } from './encode';
import type { Graph, Model, Node, ValueInfo } from './model';
import { NEXT } from './normalization';

/** The graph's input that says how many steps are to be done: int64, a scalar. */
export const STEP_COUNT = 'steps/count';

/** In front of the names of the body: a subgraph sees its surroundings, whose names must differ from its own. */
const INSIDE = 'step/';

/**
 * The step as the body of ONNX's Loop. Inputs that are no state get an axis more, in front: one entry a step; so does every
 * output that is none. The state goes in once and comes out once, as `next/<state>` after the last step.
 */
export function repeated({ graph, ...model }: Model): Model {
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
    inputs: [STEP_COUNT, '', ...state.map(({ name }) => name)],
    outputs: [...state.map(({ name }) => NEXT + name), ...results.map(({ name }) => name)],
    attributes: { body: { kind: 'graph', value: encodeGraph(bodyOf(graph, state, perStep, results)) } },
  };
  const longer = (info: ValueInfo): ValueInfo => ({ ...info, dims: info.dims && ['steps', ...info.dims] });
  return {
    ...model,
    graph: {
      name: graph.name,
      nodes: [loop],
      inputs: [{ name: STEP_COUNT, type: 'int64', dims: [] }, ...perStep.map(longer), ...state],
      outputs: [...state.map((info) => ({ ...info, name: NEXT + info.name })), ...results.map(longer)],
      initializers: new Map(),
    },
  };
}

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
