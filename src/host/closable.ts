// What ends with the extension.
export interface Closable {
  readonly dispose: () => void;
}
