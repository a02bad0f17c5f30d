// Reads and makes node attributes without ceremony.
import type { Attribute, Attributes } from './model';

export type AttributeInput = number | string | readonly number[] | Attribute;

/** Attributes that ONNX declares as floats; a plain number elsewhere is an integer. */
const FLOATS = new Set([
  'alpha',
  'beta',
  'gamma',
  'epsilon',
  'momentum',
  'ratio',
  'value_float',
  'extrapolation_value',
  'cubic_coeff_a',
]);

export function toAttributes(values: Readonly<Record<string, AttributeInput>>): Attributes {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toAttribute(name, value)]));
}

function toAttribute(name: string, value: AttributeInput): Attribute {
  if (typeof value === 'number') return { kind: FLOATS.has(name) ? 'float' : 'int', value };
  if (typeof value === 'string') return { kind: 'string', value };
  return isList(value) ? { kind: name === 'value_floats' ? 'floats' : 'ints', value } : value;
}

function isList(value: Attribute | readonly number[]): value is readonly number[] {
  return Array.isArray(value);
}

export function numberAttribute(attributes: Attributes, name: string): number | undefined {
  const attribute = attributes[name];
  return attribute?.kind === 'int' || attribute?.kind === 'float' ? attribute.value : undefined;
}

export function numbersAttribute(attributes: Attributes, name: string): readonly number[] | undefined {
  const attribute = attributes[name];
  return attribute?.kind === 'ints' || attribute?.kind === 'floats' ? attribute.value : undefined;
}

export function stringAttribute(attributes: Attributes, name: string): string | undefined {
  const attribute = attributes[name];
  return attribute?.kind === 'string' ? attribute.value : undefined;
}
