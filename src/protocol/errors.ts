// The one error that crosses a process boundary: a stable code for programs, a plain message for people.
import { systemWords } from '../system-errors';

/** Something a person can meet. `message` says what happened, to which file, and what to do; `code` never changes. */
export class LabelscopeError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'LabelscopeError';
  }
}

/** Where a file could not be written or a folder made. */
export function unwritten(path: string, error: unknown, what: 'written' | 'made' = 'written'): LabelscopeError {
  const { reason, remedy } = systemWords(error, what === 'made' ? 'make' : 'write');
  return new LabelscopeError('write-failed', `${path} could not be ${what}: ${reason}. ${remedy}.`);
}

/** What travels as the data of a JSON-RPC error. */
export interface WireError {
  readonly code: string;
  readonly message: string;
}

/** Errors of every room (each carries a `code`) and of the system in the form that travels; anything else, Node's own ERR_ too, is a defect and says so. */
export function toWireError(error: unknown): WireError {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    if ('syscall' in error) return ofSystem(error);
    if (!error.code.startsWith('ERR_')) return { code: error.code, message: error.message };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: `Labelscope met an error that it did not expect: ${detail}` };
}

function ofSystem(error: Error & { readonly path?: string }): WireError {
  const { reason, remedy } = systemWords(error);
  return { code: 'system', message: `${error.path ?? 'A file'} cannot be used: ${reason}. ${remedy}.` };
}
