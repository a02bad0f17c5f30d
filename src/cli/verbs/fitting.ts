// The options that fitting thresholds and fitting a calibration share.
import { counted } from '../io';
import { type Arguments, type OptionSpec, UsageError } from '../usage';
import type { Session } from '../verb';

export const FIT_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  seed: { type: 'string', value: 'N', help: 'same seed, same division of the images (default: 0)' },
  save: { type: 'boolean', help: 'write the result into the model of the run' },
};

export function savingOf(args: Arguments): 'save' | 'reset' | undefined {
  if (args.flag('save') && args.flag('reset')) throw new UsageError('Give --save or --reset, not both.');
  return args.flag('save') ? 'save' : args.flag('reset') ? 'reset' : undefined;
}

/** How a fit is stopped, and told how far it is. */
export function followed({ io, signal }: Session) {
  return { signal, onProgress: counted(io, 'Fitting', '%') };
}
