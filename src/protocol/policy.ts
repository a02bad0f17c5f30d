// What the page of a window may do.
import type { WindowName } from './windows';

/**
 * A Content-Security-Policy under which nothing is allowed but our own script, style sheet and font, and images of the folders that were named. The
 * evaluation's script may make a worker of text that it brings; the page's policy holds in it too.
 *
 * @param source where the editor serves a window's files
 * @param nonce of the one script, new for each page
 */
export function policyOf(window: WindowName, source: string, nonce: string): string {
  return [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    `font-src ${source}`,
    `img-src ${source} blob: data:`,
    ...(window === 'evaluation' ? ['worker-src blob:'] : []),
  ].join('; ');
}
