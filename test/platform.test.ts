// What differs between operating systems, for each of them on any.
import fc from 'fast-check';
import { posix, win32 } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cachesFolder,
  foldedName,
  isSocketFile,
  isWithin,
  leadsOut,
  libraryFile,
  socketOf,
  syncsFolders,
  whyNoCuda,
  withSlashes,
} from '../src/platform';

const PLATFORMS = ['linux', 'darwin', 'win32'] as const;

describe('withSlashes', () => {
  it('takes a backslash for a separator on Windows alone', () => {
    expect(PLATFORMS.map((platform) => withSlashes('a\\b/c', platform))).toEqual(['a\\b/c', 'a\\b/c', 'a/b/c']);
  });
});

describe('foldedName', () => {
  const [composed, decomposed] = ['Zoë.JPG', 'Zoe\u0308.jpg'];

  it('is one name for what the file system takes for one', () => {
    for (const platform of ['darwin', 'win32'] as const)
      expect(foldedName(composed, platform)).toBe(foldedName(decomposed, platform));
    expect(foldedName(composed, 'linux')).toBe(composed);
    expect(foldedName(decomposed, 'linux')).toBe(decomposed);
  });

  it.each(['日本語.png', 'кот.png', '🐈.png', 'ﬁne.png', 'İstanbul.png', 'a\u202eb.png', 'name with space .png', '\ud800.png'])(
    'of %j stays what it is when folded again, on every system',
    (name) => {
      for (const platform of PLATFORMS) expect(foldedName(foldedName(name, platform), platform)).toBe(foldedName(name, platform));
    },
  );
});

describe('leadsOut', () => {
  it.each([
    '..',
    '../a',
    'a/../../b',
    'a\\..\\b',
    '/a',
    '\\a',
    '\\\\host\\share\\a',
    '//host/share',
    'C:\\a',
    'c:a',
    'C:',
    'a/..',
  ])('%j does', (name) => {
    expect(leadsOut(name)).toBe(true);
  });

  it.each(['a', 'a/b', 'a\\b', '..a', 'a..', '...', 'ab:c', '.', './a', '日本語/кот.png', '%2e%2e/a'])('%j does not', (name) => {
    expect(leadsOut(name)).toBe(false);
  });

  it('finds whatever would leave the folder on any system', () => {
    const part = fc.constantFrom('..', '.', 'a', 'C:', '', 'b c', '...');
    const name = fc.array(fc.tuple(part, fc.constantFrom('/', '\\', '')), { maxLength: 6 }).map((parts) => parts.flat().join(''));
    const property = fc.property(name, (name) => {
      if (leadsOut(name)) return;
      expect(`${posix.resolve('/data', name)}/`.startsWith('/data/')).toBe(true);
      expect(`${win32.resolve('D:\\data', name)}\\`.startsWith('D:\\data\\')).toBe(true);
    });
    fc.assert(property, { numRuns: 3000 });
  });
});

describe('isWithin', () => {
  it.each([
    ['linux', '/data', '/data/a/b', true],
    ['linux', '/data', '/data', true],
    ['linux', '/data', '/database/a', false],
    ['linux', '/data', '/', false],
    ['linux', '/data', '/data/..a', true],
    ['linux', '/data', '/Data/a', false],
    ['win32', 'C:\\data', 'C:\\data\\a', true],
    ['win32', 'C:\\data', 'c:\\DATA\\a', true],
    ['win32', 'C:\\data', 'C:\\database', false],
    ['win32', 'C:\\data', 'D:\\data\\a', false],
    ['win32', '\\\\host\\share', '\\\\host\\share\\a', true],
    ['win32', '\\\\host\\share', '\\\\host\\other\\a', false],
  ] as const)('on %s of %j and %j', (platform, folder, path, inside) => {
    expect(isWithin(folder, path, platform)).toBe(inside);
  });
});

describe('places', () => {
  it('of caches are where each system keeps them', () => {
    expect(cachesFolder({}, 'linux', '/home/a')).toBe('/home/a/.cache');
    expect(cachesFolder({ XDG_CACHE_HOME: '/x' }, 'linux', '/home/a')).toBe('/x');
    expect(cachesFolder({ XDG_CACHE_HOME: '/x' }, 'darwin', '/Users/a')).toBe('/Users/a/Library/Caches');
    expect(cachesFolder({}, 'win32', 'C:\\Users\\a')).toBe('C:\\Users\\a\\AppData\\Local');
    expect(cachesFolder({ LOCALAPPDATA: 'D:\\local' }, 'win32', 'C:\\Users\\a')).toBe('D:\\local');
  });

  it('of sockets are files but on Windows, which has pipes', () => {
    expect(PLATFORMS.map((platform) => socketOf('x', platform, '/tmp'))).toEqual([
      '/tmp/x.sock',
      '/tmp/x.sock',
      '\\\\.\\pipe\\x',
    ]);
    expect(PLATFORMS.map((platform) => isSocketFile(platform))).toEqual([true, true, false]);
    expect(PLATFORMS.map((platform) => syncsFolders(platform))).toEqual([true, true, false]);
  });

  it('of libraries have the names that each system looks for', () => {
    expect(PLATFORMS.map((platform) => libraryFile('x', platform))).toEqual(['libx.so', 'libx.dylib', 'x.dll']);
  });
});

describe('whyNoCuda', () => {
  it('has nothing against Linux x64 alone, and names what does the work elsewhere', () => {
    const machines = ['linux-x64', 'linux-arm64', 'win32-x64', 'darwin-arm64'];
    expect(machines.map((machine) => /the processor|WebGPU/.exec(whyNoCuda(machine) ?? '')?.[0])).toEqual([
      undefined,
      'the processor',
      'WebGPU',
      'WebGPU',
    ]);
  });
});
