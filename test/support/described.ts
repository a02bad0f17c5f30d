// What docs/command-line.md says of the JSON of a verb.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const PAGE = readFileSync(join(resolve(__dirname, '..', '..'), 'docs', 'command-line.md'), 'utf8');
/** By heading. */
const SECTIONS = PAGE.split(/^## /m)
  .slice(1)
  .map((text) => ({ heading: text.slice(0, text.indexOf('\n')), text }));

/** Tables whose keys are names of the data's own: categories, findings. */
const NAMED_BY_DATA = new Set(['scores', 'thresholds', 'fixed', 'values']);

/** The fields of a verb's JSON, at any depth, that its section of the page does not name; seeds are no names. */
export function undescribed(verb: string, json: unknown): string[] {
  const own = SECTIONS.filter(({ heading }) => heading.includes(`\`${verb}\``) || heading.startsWith('What all verbs'));
  const text = own.map((section) => section.text).join('\n');
  return [...fieldsOf(json)].filter((field) => !text.includes(`"${field}"`) && !text.includes(`\`${field}\``));
}

function fieldsOf(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) fieldsOf(item, found);
  else if (typeof value === 'object' && value !== null)
    for (const [field, inner] of Object.entries(value)) {
      if (!/^\d+$/.test(field)) found.add(field);
      if (!NAMED_BY_DATA.has(field)) fieldsOf(inner, found);
    }
  return found;
}
