// The error of the dataset room: what happened, to which file, and what to do, with a code that tests match on.

/** Something about a data set that its owner can put right. `code` is stable; `path` is the file or folder at fault. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
  readonly code: string;
  readonly path?: string;

  constructor(code: string, message: string, path?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    if (path !== undefined) this.path = path;
  }
}

/** A fault at a byte of a text, before the reader has found its line and column. Stays inside this room. */
export class LocatedError extends Error {
  readonly code: string;
  /** Bytes from the beginning of the text. */
  readonly offset: number;

  constructor(code: string, offset: number, message: string) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}
