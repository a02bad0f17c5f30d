// Adds a forward graph in the blocked layout of nchwc.ts: convolutions and what stands between them; the rest stays as it is.
import { numberAttribute } from './attributes';
import type { GraphBuilder } from './builder';
import { Expressions } from './expressions';
import { elementCount, type Graph, type Node, OnnxError } from './model';
import { Blocked, type BlockedConvolution } from './nchwc';
import { type ByBatch, normalised, normalisedByBatch, normalisedProduct, paysOff } from './nchwc-norm';
import { Operator, type Value } from './operator';
import { slidingWindow, type Window } from './shapes/window';
import { consumers } from './subgraph';

/** A value of the forward graph in one of its forms, or in both where both were asked for. */
interface Held {
  plain?: Value;
  blocked?: Value;
}

/** Weights, [O, I, kh, kw], and what each output's are multiplied by, [O, 1, 1, 1]. */
interface Scaled {
  readonly weights: Value;
  readonly factor: Value;
}

/** A 1×1 convolution of the value of this name. */
interface Pointwise {
  readonly x: string;
  readonly weights: Value;
}

/**
 * As GraphBuilder.append, for a builder with a block: every convolution whose batch and channels are multiples of it and whose
 * strides are 1 or 2 works on blocks, with the bias, shortcut and Relu behind it in one pass; Add, Relu and
 * GlobalAveragePool keep the layout; for every other operator values are brought back.
 *
 * @returns the plain values by their names in the graph; those that exist in blocks alone are left out
 */
export function appendBlocked(builder: GraphBuilder, graph: Graph, bindings: ReadonlyMap<string, Value>): Map<string, Value> {
  const lowering = new Lowering(builder, graph, bindings);
  for (const node of graph.nodes) lowering.add(node);
  return lowering.plainValues();
}

class Lowering {
  private readonly blocked: Blocked;
  private readonly m: Expressions;
  private readonly users: ReadonlyMap<string, readonly Node[]>;
  private readonly held = new Map<string, Held>();
  /** Nodes that became part of one before them. */
  private readonly taken = new Set<Node>();
  /** By the name of their product, which is not in the graph: only convolutions on blocks read it. */
  private readonly scaled = new Map<string, Scaled>();
  /** 1×1 convolutions that wait for the normalisation behind them, to be done together with it, by the names of their outputs. */
  private readonly waiting = new Map<string, Pointwise>();
  /** What was left out of blocked values that only normalisation by batch statistics reads, by their names, [C]. */
  private readonly missing = new Map<string, Value>();

  constructor(
    private readonly builder: GraphBuilder,
    private readonly graph: Graph,
    bindings: ReadonlyMap<string, Value>,
  ) {
    this.blocked = new Blocked(builder);
    this.m = new Expressions(builder);
    this.users = consumers(graph);
    for (const [name, plain] of bindings) this.held.set(name, { plain });
    for (const [name, tensor] of graph.initializers) {
      if (!this.held.has(name)) this.held.set(name, { plain: builder.constant(tensor, name) });
    }
  }

  plainValues(): Map<string, Value> {
    return new Map([...this.held].flatMap(([name, { plain }]) => (plain ? [[name, plain]] : [])));
  }

  add(node: Node): void {
    if (this.taken.has(node)) return;
    if (!this.addBlocked(node)) this.addPlain(node);
  }

  private addPlain(node: Node): void {
    const inputs = node.inputs.map((name) => (name === '' ? undefined : this.plain(name)));
    for (const [index, plain] of this.builder.place(node, inputs).entries()) {
      if (plain) this.held.set(node.outputs[index]!, { plain });
    }
  }

  private addBlocked(node: Node): boolean {
    if (node.domain !== '' && node.domain !== 'ai.onnx') return false;
    switch (node.type) {
      case 'Conv':
        return this.convolution(node);
      case 'Relu':
      case 'Add':
        return this.elementwise(node);
      case 'BatchNormalization':
        return this.normalization(node);
      case 'Mul':
        return this.scaling(node);
      case 'GlobalAveragePool':
        return this.globalAverage(node);
      default:
        return false;
    }
  }

  private elementwise(node: Node): boolean {
    const inputs = node.inputs.map((name) => this.held.get(name)?.blocked);
    const [first, second] = inputs;
    if (!first || inputs.some((input) => !input)) return false;
    if (second && second.dims.join() !== first.dims.join()) return false;
    this.keep(node, this.builder.op(node.type, inputs, {}, { name: node.name || node.outputs[0]! }));
    return true;
  }

  private globalAverage(node: Node): boolean {
    const x = this.held.get(node.inputs[0]!)?.blocked;
    if (!x) return false;
    const [groups, c, h, wide] = x.dims as [number, number, number, number];
    const { block: b } = this.blocked;
    const pixels = (h * wide) / b;
    const sums = this.m.sum(this.m.reshape(x, [groups, c / b, pixels, b, b]), [2], false);
    const means = this.m.mul(this.m.transpose(sums, [0, 2, 1, 3]), 1 / pixels);
    this.held.set(node.outputs[0]!, { plain: this.m.reshape(means, [groups * b, c, 1, 1]) });
    return true;
  }

  /** Weights into which a normalisation was folded (normalization.ts): in blocks the gradients of both sides take half as many passes. */
  private scaling({ inputs, outputs: [output] }: Node): boolean {
    const users = this.users.get(output!) ?? [];
    if (users.length === 0 || this.graph.outputs.some(({ name }) => name === output)) return false;
    const [weights, factor] = inputs.map((name) => this.plain(name)) as [Value, Value];
    if (factor.dims.join() !== [weights.dims[0], 1, 1, 1].join()) return false;
    // Where neither learns, ONNX Runtime multiplies them once as it loads the graph.
    if (weights.constant && factor.constant) return false;
    const isRead = (user: Node) => user.type === 'Conv' && user.inputs.indexOf(output!) === 1 && this.windowOf(user, weights);
    if (!users.every(isRead)) return false;
    this.scaled.set(output!, { weights, factor });
    return true;
  }

  private convolution(node: Node): boolean {
    const { weights, factor } = this.scaled.get(node.inputs[1]!) ?? { weights: this.plain(node.inputs[1]!), factor: undefined };
    const window = this.windowOf(node, weights);
    if (!window) return false;
    const bias = node.inputs[2] ? this.plain(node.inputs[2]) : undefined;
    if (!factor && this.isDoneWithNorm(node, window, weights)) {
      this.waiting.set(node.outputs[0]!, { x: node.inputs[0]!, weights });
      if (bias) this.missing.set(node.outputs[0]!, bias);
      return true;
    }
    const behind = this.behind(node);
    this.builder.within(node.name || node.outputs[0]!, () => {
      const x = this.inBlocks(node.inputs[0]!);
      const fused = { ...this.offsetOf(node, bias), sum: behind.sum, relu: behind.relu };
      const filters = (part: Value): Value => {
        const blocks = this.blocked.filters(part);
        return factor ? this.blocked.scaledFilters(blocks, factor) : blocks;
      };
      const y =
        window.strides[0] === 1
          ? this.blocked.conv(x, filters(weights), { ...fused, ...placed(window) })
          : this.strided(x, weights, window, fused, filters);
      for (const one of behind.nodes) this.taken.add(one);
      this.keep(behind.nodes.at(-1) ?? node, y);
    });
    return true;
  }

  /** Whether a convolution is done together with the normalisation by batch statistics behind it. */
  private isDoneWithNorm(node: Node, { kernel, strides, begins, ends, counts }: Window, weights: Value): boolean {
    if (!this.isNormalisedByBatch(node) || [...kernel, ...strides].some((size) => size !== 1)) return false;
    if ([...begins, ...ends].some((pad) => pad !== 0)) return false;
    const [out, inside] = weights.dims as [number, number];
    // Of the smallest batch: that of the self-check, which must do as every other.
    return paysOff(out, inside, this.blocked.block * elementCount(counts));
  }

  /** Whether normalisation by batch statistics is all that reads a node. */
  private isNormalisedByBatch(node: Node): boolean {
    const norm = this.next(node);
    return norm?.type === 'BatchNormalization' && isByBatch(norm) && norm.inputs[0] === node.outputs[0];
  }

  /** Undefined where the convolution stays plain. */
  private windowOf(node: Node, weights: Value): Window | undefined {
    const { block: b } = this.blocked;
    const dims = this.dimsOf(node.inputs[0]!);
    if (dims.length !== 4 || weights.dims.length !== 4 || weights.dims[1] !== dims[1]) return undefined;
    if ([dims[0]!, dims[1]!, weights.dims[0]!].some((count) => count % b !== 0)) return undefined;
    const x: Value = { name: node.inputs[0]!, type: weights.type, dims };
    const window = slidingWindow(new Operator(node, [x, weights], 'onnx-shape'), dims.slice(2), weights.dims.slice(2));
    const { strides, dilations } = window;
    if (strides[0] !== strides[1] || strides[0]! > 2 || dilations.some((dilation) => dilation !== 1)) return undefined;
    if (strides[0] === 2 && dims.slice(2).some((size) => size % 2 === 1)) return undefined;
    const taps = [0, 1].flatMap((axis) => tapsOf(window, axis, dims[axis + 2]!));
    return taps.every(isSimple) ? window : undefined;
  }

  /**
   * Normalisation by batch statistics takes the mean away again, and with it the bias: in its place goes what brings the values
   * near to zero, the running mean, so that the sum of their squares loses no digits.
   */
  private offsetOf(node: Node, bias: Value | undefined): Pick<BlockedConvolution, 'bias' | 'offset'> {
    if (!this.isNormalisedByBatch(node)) return { bias };
    const mean = this.plain(this.next(node)!.inputs[3]!);
    this.missing.set(node.outputs[0]!, bias ? this.m.add(mean, bias) : mean);
    return { offset: this.m.neg(mean) };
  }

  private normalization(node: Node): boolean {
    const pointwise = this.waiting.get(node.inputs[0]!);
    const held = this.held.get(node.inputs[0]!)?.blocked;
    if (!pointwise && !held) return false;
    const [scale, bias, mean, variance] = node.inputs.slice(1, 5).map((name) => this.plain(name)) as [Value, Value, Value, Value];
    const epsilon = numberAttribute(node.attributes, 'epsilon') ?? 1e-5;
    const behind = this.behind(node);
    const norm = { scale, bias, epsilon, sum: behind.sum, relu: behind.relu };
    this.builder.within(node.name || node.outputs[0]!, () => {
      const byBatch = () =>
        pointwise
          ? normalisedProduct(this.builder, this.inBlocks(pointwise.x), pointwise.weights, norm)
          : normalisedByBatch(this.builder, held!, norm);
      const y = isByBatch(node)
        ? this.withRunning(node, byBatch(), [mean, variance])
        : normalised(this.builder, held!, mean, variance, norm);
      for (const one of behind.nodes) this.taken.add(one);
      this.keep(behind.nodes.at(-1) ?? node, y);
    });
    return true;
  }

  /** The running statistics are momentum · old + (1 − momentum) · batch. */
  private withRunning(node: Node, { y, mean, variance }: ByBatch, old: readonly [Value, Value]): Value {
    const momentum = numberAttribute(node.attributes, 'momentum') ?? 0.9;
    const missing = this.missing.get(node.inputs[0]!);
    const batch = [missing ? this.m.add(mean, missing) : mean, variance];
    for (const [index, name] of node.outputs.slice(1, 3).entries()) {
      const plain = this.m.add(this.m.mul(old[index]!, momentum), this.m.mul(batch[index]!, 1 - momentum));
      if (name) this.held.set(name, { plain });
    }
    return y;
  }

  /** The only node that reads a node's first output. */
  private next({ outputs: [output] }: Node): Node | undefined {
    const users = this.users.get(output!) ?? [];
    const isResult = this.graph.outputs.some(({ name }) => name === output);
    return users.length === 1 && !isResult ? users[0] : undefined;
  }

  /** The Add of a shortcut, and the Relu, that follow a node and nothing else uses. */
  private behind(node: Node): { readonly sum?: Value; readonly relu: boolean; readonly nodes: readonly Node[] } {
    let last = node;
    const nodes: Node[] = [];
    const next = () => this.next(last);
    const take = (one: Node) => {
      nodes.push(one);
      last = one;
    };
    const adding = next();
    const other = adding?.type === 'Add' ? adding.inputs.find((name) => name !== node.outputs[0]) : undefined;
    const sum = other === undefined ? undefined : this.held.get(other)?.blocked;
    const fits = sum && adding && sum.dims.length === 4;
    if (fits) take(adding);
    const relu = next();
    const isRelu = relu?.type === 'Relu';
    if (isRelu) take(relu);
    return { ...(fits && { sum }), relu: isRelu, nodes };
  }

  /**
   * Stride 2: the pixels of even and of odd rows and columns are images of their own. Each tap of the kernel sees only one of
   * them, so the convolution is the sum of up to four with stride 1.
   */
  private strided(x: Value, weights: Value, window: Window, fused: Fused, filters: (part: Value) => Value): Value {
    const [rows, columns] = [0, 1].map((axis) => tapsOf(window, axis, x.dims[axis + 2]! / (axis === 1 ? this.blocked.block : 1)));
    const parts = rows!.flatMap((row) => columns!.map((column) => ({ row, column })));
    const planes = this.planes(
      x,
      parts.map(({ row, column }) => 2 * row.parity + column.parity),
    );
    return parts.reduce<Value | undefined>((sum, { row, column }, index) => {
      const last = index === parts.length - 1;
      const end = 2 ** 31 - 1;
      const part = this.m.slice(weights, [2, 3], [row.first, column.first], [end, end], [2, 2]);
      return this.blocked.conv(planes[index]!, filters(part), {
        kernel: [row.count, column.count],
        pads: [row.before, column.before, row.after, column.after],
        sum: index === 0 ? fused.sum : sum,
        bias: last ? fused.bias : undefined,
        offset: last ? fused.offset : undefined,
        relu: last && fused.relu === true,
      });
    }, undefined)!;
  }

  /** The pixels of even (0) or odd (1) rows and columns: plane 2 · row + column. */
  private planes(x: Value, wanted: readonly number[]): Value[] {
    const [groups, c, h, wide] = x.dims as [number, number, number, number];
    const { block: b } = this.blocked;
    const size = [groups, c, h / 2, wide / 2];
    const parts = this.m.reshape(x, [(groups * c) / b, h / 2, 2, wide / b / 2, 2, b * b]);
    if (wanted.length === 1) {
      const [row, column] = [wanted[0]! >> 1, wanted[0]! & 1];
      return [this.m.reshape(this.m.slice(parts, [2, 4], [row, column], [row + 1, column + 1]), size)];
    }
    const apart = this.m.transpose(parts, [2, 4, 0, 1, 3, 5]);
    const all = this.m.reshape(apart, [4, groups, c, h / 2, wide / 2]);
    return wanted.map((plane) => this.m.reshape(this.m.slice(all, [0], [plane], [plane + 1]), size));
  }

  private plain(name: string): Value {
    const held = this.held.get(name);
    if (!held) throw new OnnxError('onnx-shape', `The value '${name}' of graph '${this.graph.name}' was given no shape.`);
    return (held.plain ??= this.blocked.toPlain(held.blocked!));
  }

  private inBlocks(name: string): Value {
    const held = this.held.get(name);
    if (held?.blocked) return held.blocked;
    const blocked = this.blocked.from(this.plain(name));
    this.held.set(name, { ...held, blocked });
    return blocked;
  }

  private keep(node: Node, blocked: Value): void {
    this.held.set(node.outputs[0]!, { blocked });
  }

  /** As if it were plain. */
  private dimsOf(name: string): readonly number[] {
    const { plain, blocked } = this.held.get(name) ?? {};
    if (plain || !blocked) return plain?.dims ?? [];
    const [groups, c, h, wide] = blocked.dims as [number, number, number, number];
    const { block: b } = this.blocked;
    return [groups * b, c, h, wide / b];
  }
}

function isByBatch({ attributes }: Node): boolean {
  return (numberAttribute(attributes, 'training_mode') ?? 0) !== 0;
}

type Fused = Omit<BlockedConvolution, 'kernel' | 'pads'>;

/** Those taps of a kernel, on one axis, that see pixels of one parity, as a kernel with stride 1 on these pixels alone. */
interface Taps {
  readonly parity: 0 | 1;
  /** Of every second tap, the first. */
  readonly first: number;
  readonly count: number;
  readonly before: number;
  readonly after: number;
  /** Pixels that there are. */
  readonly size: number;
}

/** With stride 1 all taps see all pixels. */
function tapsOf({ kernel, strides, begins, ends, counts }: Window, axis: number, size: number): Taps[] {
  const [taps, begin] = [kernel[axis]!, begins[axis]!];
  if (strides[axis] === 1) return [{ parity: 0, first: 0, count: taps, before: begin, after: ends[axis]!, size }];
  return [0, 1].flatMap((first): Taps[] => {
    if (first >= taps) return [];
    const count = Math.ceil((taps - first) / 2);
    const before = -Math.floor((first - begin) / 2);
    const after = counts[axis]! - size / 2 - before + count - 1;
    return [{ parity: ((first + begin) % 2) as 0 | 1, first, count, before, after, size: size / 2 }];
  });
}

/** Padding within the kernel, and a kernel within the pixels, so that the gradients are such convolutions too. */
function isSimple({ count, before, after, size }: Taps): boolean {
  return [before, after].every((pad) => pad >= 0 && pad < count) && count <= size;
}

function placed({ kernel, begins, ends }: Window): Pick<BlockedConvolution, 'kernel' | 'pads'> {
  return { kernel: [kernel[0]!, kernel[1]!], pads: [begins[0]!, begins[1]!, ends[0]!, ends[1]!] };
}
