// Where a package says that its source lies and its defects are told: nowhere, unless whoever releases it says where.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UNBUILT } from './support/engine';

const ADDRESS = 'https://example.org/someone/labelscope';
/** A package is compressed from 110 MB. */
const LIMIT_MS = 300_000;

const folder = mkdtempSync(join(tmpdir(), 'package-'));

const pack = (address: string) =>
  spawnSync(process.execPath, ['esbuild.mjs', 'package', '--folder', folder], {
    encoding: 'utf8',
    env: { ...process.env, LABELSCOPE_REPOSITORY: address },
  });

describe.skipIf(UNBUILT)(`a package${UNBUILT}`, { timeout: LIMIT_MS }, () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has the repository that the release names', () => {
    expect(pack(ADDRESS)).toMatchObject({ status: 0 });
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/\.vsix$/)]);
    expect(JSON.parse(readFileSync('dist/package/package.json', 'utf8'))).toMatchObject({
      repository: { url: `${ADDRESS}.git` },
      bugs: { url: `${ADDRESS}/issues` },
      homepage: `${ADDRESS}#readme`,
    });
  });

  it.each(['somewhere', 'http://example.org/labelscope', 'https://example.org/', 'https://example.org/a b'])(
    'is not made with %s',
    (address) => {
      const { status, stderr } = pack(address);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringContaining(`${address}, which is not the address`) as string,
      });
    },
  );
});
