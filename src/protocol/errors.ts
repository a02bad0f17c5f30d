// The one error that crosses a process boundary: a stable code for programs, a plain message for people.

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

/** What travels as the data of a JSON-RPC error. */
export interface WireError {
  readonly code: string;
  readonly message: string;
}

/** Errors of every room (each carries a `code`) in the form that travels; anything else is a defect and says so. */
export function toWireError(error: unknown): WireError {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return { code: error.code, message: error.message };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: `Labelscope met an error that it did not expect: ${detail}` };
}
