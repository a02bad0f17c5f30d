// What documents and the continuous integration tell to run, exists.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const DOCUMENTS = readdirSync('docs').flatMap((name) => (name.endsWith('.md') ? [join('docs', name)] : []));

describe('npm scripts', () => {
  it.each(['.github/workflows/ci.yml', '.ci/run', 'README.md', 'CONTRIBUTING.md', ...DOCUMENTS])(
    'that %s names are there',
    (path) => {
      const named = [...readFileSync(path, 'utf8').matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)].map(([, name]) => name);
      expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...new Set(named)]));
    },
  );

  it('are run by the continuous integration, each test of a server and system of its own', () => {
    const workflow = readFileSync('.github/workflows/ci.yml', 'utf8');
    const tests = Object.keys(scripts).filter((name) => /^test:(?!e2e:newest|desktop)/.test(name));
    for (const name of tests) expect(workflow).toMatch(new RegExp(`npm run ${name}$`, 'm'));
  });
});
