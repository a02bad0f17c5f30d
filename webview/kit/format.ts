// Numbers for people, in their own language.
export { duration } from '../../src/protocol/pace';

const decimals = new Map<number, Intl.NumberFormat>();

/** A number with a fixed count of decimals; a dash where there is none. */
export function fixed(value: number | null | undefined, digits = 3): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return '–';
  const known = decimals.get(digits);
  const format = known ?? new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  if (!known) decimals.set(digits, format);
  return format.format(value);
}

const plain = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });

/** A number with four significant digits at most: axis labels, learning rates. */
export function short(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(1) : plain.format(value);
}

const whole = new Intl.NumberFormat();

export function count(value: number): string {
  return whole.format(value);
}

/** 45678 → 46 kB, 450000000 → 450.0 MB */
export function fileSize(bytes: number): string {
  return bytes < 1e6 ? `${count(Math.ceil(bytes / 1e3))} kB` : `${fixed(bytes / 1e6, 1)} MB`;
}

export function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** The last part of a path, whatever system wrote it. */
export function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
