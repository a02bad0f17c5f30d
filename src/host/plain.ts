// Names that strangers chose, in questions that VS Code draws as Markdown.

/** Most characters of a name: the person has to see what is asked. */
const MOST_TOLD = 80;

/** The name as text: one line, cut where it is long, and nothing in it is drawn otherwise than it is written. */
export function plain(name: string): string {
  const line = name.replace(/[\p{C}\s]+/gu, ' ').trim();
  const cut = line.length > MOST_TOLD ? `${line.slice(0, MOST_TOLD)}…` : line;
  return cut.replace(/[\\`*_{}[\]()#+!|<>~&$:@-]/g, '\\$&');
}
