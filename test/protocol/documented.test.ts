// Every error code of the source has its way on in docs/errors.md, and the page names no others.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(__dirname, '..', '..');

/** Errors as they are made: a class, or a function of the same file that makes one, and a code as the first argument. */
const MADE = /(?:\b\w*Error|\b(?:fail|refuse|broken|invalid|malformed))\(\s*'([a-z0-9]+(?:-[a-z0-9]+)*)',/g;

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(join(ROOT, 'src', path), 'utf8'));
const documented = new Set(
  [...readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8').matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, code]) => code!),
  ),
);

describe('docs/errors.md', () => {
  it('has every code that an error is made with', () => {
    const made = new Set(sources.flatMap((text) => [...text.matchAll(MADE)].map(([, code]) => code!)));
    expect(made.size).toBeGreaterThan(100);
    expect([...made].filter((code) => !documented.has(code)).sort()).toEqual([]);
  });

  it('has no code that is none any more', () => {
    expect([...documented].filter((code) => !sources.some((text) => text.includes(`'${code}'`)))).toEqual([]);
  });
});
