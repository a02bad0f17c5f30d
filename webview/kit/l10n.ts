// Words of the windows: English in the code, other languages from the bundle that the host sends.
let bundle: Readonly<Record<string, string>> = {};

/** The host's bundle: translated texts by English text. */
export function useStrings(strings: Readonly<Record<string, string>>): void {
  bundle = strings;
}

/** The text in the person's language, with {0}, {1} … replaced, as `vscode.l10n.t` does. */
export function t(text: string, ...values: readonly (string | number)[]): string {
  return (bundle[text] ?? text).replace(/\{(\d+)\}/g, (whole, index: string) => String(values[Number(index)] ?? whole));
}
