// What can be typed: verbs, their options, and the help that is made from them.
import { parseArgs } from 'node:util';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** Shown as the value's name in the help. */
  readonly value?: string;
  readonly help: string;
}

export interface VerbSpec {
  /** Positional arguments as the help shows them. */
  readonly positionals: string;
  /** Fewest and most positional arguments. */
  readonly count: readonly [number, number];
  readonly help: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
}

export interface Arguments {
  readonly positionals: readonly string[];
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  flag(name: string): boolean;
  /** @throws UsageError unless it is a number within the range */
  number(name: string, range: { readonly min: number; readonly max: number; readonly integer?: boolean }): number | undefined;
  /** @throws UsageError unless it is one of the choices */
  choice<T extends string>(name: string, choices: readonly T[], otherwise: T): T;
}

/** Wrong usage: exit status 2. */
export class UsageError extends Error {}

const COMMON: Readonly<Record<string, OptionSpec>> = {
  json: { type: 'boolean', help: 'write one JSON object to stdout, everything else to stderr' },
  problems: { type: 'boolean', help: 'write warnings and errors as FILE:1:1: severity: text, for problem matchers and CI' },
  help: { type: 'boolean', help: 'show this help' },
};

/** Of verbs that compute. */
const ENGINE: Readonly<Record<string, OptionSpec>> = {
  engine: { type: 'string', value: 'onnxruntime|tensorflow', help: 'what computes (default: onnxruntime)' },
};

function optionsOf({ options }: VerbSpec): Readonly<Record<string, OptionSpec>> {
  return { ...options, ...(options.device && ENGINE), ...COMMON };
}

/** @throws UsageError where an option is unknown, lacks its value, or arguments are too many or too few */
export function parseArguments(verb: string, spec: VerbSpec, argv: readonly string[]): Arguments {
  const options = Object.fromEntries(
    Object.entries(optionsOf(spec)).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  );
  const { values, positionals } = parse(verb, argv, options);
  const [fewest, most] = spec.count;
  if (!values.help && (positionals.length < fewest || positionals.length > most)) {
    throw new UsageError(`Usage: labelscope ${verb} ${spec.positionals} (see labelscope ${verb} --help)`);
  }
  const text = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  return {
    positionals,
    text,
    texts: (name) => (Array.isArray(values[name]) ? values[name].map(String) : []),
    flag: (name) => values[name] === true,
    number: (name, range) => numberOf(name, text(name), range),
    choice: (name, choices, otherwise) => choiceOf(name, text(name), choices, otherwise),
  };
}

type ParsedOptions = Record<string, { type: 'string' | 'boolean'; multiple: boolean }>;

function parse(verb: string, argv: readonly string[], options: ParsedOptions) {
  try {
    return parseArgs({ args: withNegatives(argv, options), options, allowPositionals: true, strict: true });
  } catch (error) {
    // The first sentence says what; the others are about how Node.js reads a command line.
    const [what] = (error instanceof Error ? error.message : String(error)).split(/\. To specify a positional/);
    throw new UsageError(`${what!.replace(/\.$/, '')}. See labelscope ${verb} --help.`);
  }
}

/** Node.js takes `--seed -1` for two options; that such a number does not fit is told by whoever reads it. */
function withNegatives(argv: readonly string[], options: ParsedOptions): string[] {
  const args: string[] = [];
  for (const [k, text] of argv.entries()) {
    const before = argv[k - 1] ?? '';
    const isValue = /^-[\d.]/.test(text) && before.startsWith('--') && options[before.slice(2)]?.type === 'string';
    if (isValue) args[args.length - 1] = `${before}=${text}`;
    else args.push(text);
  }
  return args;
}

function numberOf(
  name: string,
  text: string | undefined,
  { min, max, integer = false }: { min: number; max: number; integer?: boolean },
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
  throw new UsageError(`--${name} takes ${integer ? 'a whole number' : 'a number'} from ${min} to ${max}, not '${text}'.`);
}

function choiceOf<T extends string>(name: string, text: string | undefined, choices: readonly T[], otherwise: T): T {
  if (text === undefined) return otherwise;
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`--${name} is one of ${choices.join(', ')}, not '${text}'.`);
  return found;
}

/** Width of the column of options. */
const LEFT = 34;

export function verbHelp(verb: string, spec: VerbSpec): string {
  const lines = Object.entries(optionsOf(spec)).map(([name, { value, help }]) => {
    const left = `  --${name}${value === undefined ? '' : ` ${value}`}`;
    // What does not fit stands above its words, so that these stay in their column.
    return left.length > LEFT ? `${left}\n${' '.repeat(LEFT)} ${help}` : `${left.padEnd(LEFT)} ${help}`;
  });
  return [`labelscope ${verb} ${spec.positionals}`, '', spec.help, '', ...lines].join('\n');
}

export function generalHelp(verbs: Readonly<Record<string, VerbSpec>>): string {
  const lines = Object.entries(verbs).map(([verb, { help }]) => `  ${verb.padEnd(11)} ${help}`);
  return ['labelscope VERB … (labelscope VERB --help tells more)', '', ...lines].join('\n');
}
