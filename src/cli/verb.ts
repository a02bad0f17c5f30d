// What a verb of the command line is, and what it works with.
import type { EngineClient } from '../engine/client/engine';
import { BOOTSTRAP, type BootstrapOptions } from '../metrics/bootstrap';
import type { CheckDepth } from '../protocol/messages';
import type { DeviceChoice } from '../protocol/recipe';
import type { Io } from './io';
import type { Arguments, OptionSpec, VerbSpec } from './usage';

export interface Session {
  readonly io: Io;
  readonly engine: EngineClient;
  /** One more engine process; it ends with the session. */
  readonly another: () => EngineClient;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Verb {
  readonly spec: VerbSpec;
  /** Answers the exit status. */
  run(args: Arguments, session: Session): Promise<number>;
}

export const DONE = 0;
export const FAILED = 1;
export const STOPPED_BY_PERSON = 130;

export const CATEGORIES: OptionSpec = {
  type: 'string',
  value: 'a,b,c',
  help: 'these categories in this order (default: all of the file)',
};
export const IMAGES: OptionSpec = { type: 'string', value: 'DIR', help: 'folder of the images (default: found beside the file)' };
export const THRESHOLD: OptionSpec = { type: 'string', value: 'T', help: 'a score at or above it is a label, 0..1' };
export const THRESHOLD_OR_SAVED: OptionSpec = {
  ...THRESHOLD,
  value: 'T|saved',
  help: `${THRESHOLD.help}; saved: the model's own`,
};
export const FLIP: OptionSpec = { type: 'boolean', help: 'scores are means over image and mirror image: twice the time' };
export const DEVICE: OptionSpec = { type: 'string', value: 'auto|cpu|webgpu|cuda', help: 'where to compute (default: auto)' };

export const CHECK_IMAGES: OptionSpec = {
  type: 'string',
  value: 'none|headers|pixels',
  help: 'look at no image file, at sizes, or at all pixels: damage and pictures that come twice (default: pixels up to 3000 images)',
};

export const BOOTSTRAP_OPTIONS = {
  bootstrap: {
    type: 'string',
    value: 'N',
    help: `resamples of the images for the 95 % intervals, 0 for none (default: ${BOOTSTRAP.replicates})`,
  },
  seed: { type: 'string', value: 'N', help: 'same seed, same resamples (default: 0)' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

export function seedOf(args: Arguments): number | undefined {
  return args.number('seed', { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
}

/** At least two: a fold is judged by what the others teach. */
export function foldsOf(args: Arguments): number | undefined {
  return args.number('folds', { min: 2, max: 100, integer: true });
}

export function bootstrapOf(args: Arguments): BootstrapOptions {
  return {
    replicates: args.number('bootstrap', { min: 0, max: 1_000_000, integer: true }) ?? BOOTSTRAP.replicates,
    seed: seedOf(args) ?? BOOTSTRAP.seed,
  };
}

const DEPTHS: readonly (CheckDepth | 'auto')[] = ['none', 'headers', 'pixels', 'auto'];

/** Undefined where the engine is to choose. */
export function checkDepthOf(args: Arguments): CheckDepth | undefined {
  const depth = args.choice('check-images', DEPTHS, 'auto');
  return depth === 'auto' ? undefined : depth;
}

const DEVICES: readonly DeviceChoice[] = ['auto', 'cpu', 'webgpu', 'cuda'];

export function deviceOf(args: Arguments): DeviceChoice {
  return args.choice('device', DEVICES, 'auto');
}

export function thresholdOf(args: Arguments): number | undefined {
  return args.number('threshold', { min: 0, max: 1 });
}

/** Also 'saved': the model's own. */
export function thresholdOrSaved(args: Arguments): number | 'saved' | undefined {
  return args.text('threshold') === 'saved' ? 'saved' : thresholdOf(args);
}

/** 'dog, potted plant' → ['dog', 'potted plant'] */
export function categoriesOf(args: Arguments): readonly string[] | undefined {
  return args
    .text('categories')
    ?.split(',')
    .map((name) => name.trim());
}

/** An object without the keys whose value is undefined, as optional properties want it. */
export function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
