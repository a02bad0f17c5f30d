// What the page of a window may do.

/**
 * A Content-Security-Policy under which nothing is allowed but our own script, style sheet and font, and images of the folders that were named.
 *
 * @param source where the editor serves a window's files
 * @param nonce of the one script, new for each page
 */
export function policyOf(source: string, nonce: string): string {
  return [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    `font-src ${source}`,
    `img-src ${source} blob: data:`,
  ].join('; ');
}
