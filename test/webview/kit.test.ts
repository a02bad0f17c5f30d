// What the windows share, as far as it is arithmetic: thinned curves, sorted tables, numbers in words, and CSV files.
import { describe, expect, it } from 'vitest';
import { thinned } from '../../webview/kit/chart';
import { duration, fileName, short } from '../../webview/kit/format';
import { Pace } from '../../webview/kit/pace';
import { csvOf } from '../../webview/kit/save';
import { sorted } from '../../webview/kit/table';

describe('Pace', () => {
  it('says how long the rest takes at the speed since the stage began', () => {
    const pace = new Pace();
    expect(pace.left('features', 100, 1000, 0)).toBe('');
    expect(pace.left('features', 150, 1000, 1000)).toBe('');
    expect(pace.left('features', 400, 1000, 3000)).toBe('6 s left');
    expect(pace.left('features', 1000, 1000, 9000)).toBe('');
    expect(pace.left('folds', 10, 100, 20_000)).toBe('');
    expect(pace.left('folds', 20, 100, 30_000)).toBe('1 min 20 s left');
    // The same stage once more, if not from its beginning.
    expect(pace.left('folds', 15, 100, 40_000)).toBe('');
    expect(pace.left('folds', 32, 100, 50_000)).toBe('40 s left');
  });
});

describe('thinned', () => {
  const line = Array.from({ length: 10_000 }, (_, k) => [k, k === 4321 ? 99 : k === 8765 ? -99 : Math.sin(k)] as const);

  it('leaves short curves as they are', () => {
    expect(thinned(line.slice(0, 1000))).toEqual(line.slice(0, 1000));
  });

  it('keeps what stands out, in order, in few points', () => {
    const few = thinned(line);
    expect(few.length).toBeLessThanOrEqual(2400);
    expect(few).toContainEqual([4321, 99]);
    expect(few).toContainEqual([8765, -99]);
    expect(few.every(([x], k) => k === 0 || x >= few[k - 1]![0])).toBe(true);
  });
});

describe('sorted', () => {
  const rows = [
    { key: 'a', cells: ['zebra', 2] },
    { key: 'b', cells: ['éclair', null] },
    { key: 'c', cells: ['apple', 10] },
    { key: 'd', cells: ['bear', 2] },
  ];
  const order = (column: number, descending: boolean) => sorted(rows, { column, descending }).map(({ key }) => key);

  it('sorts numbers by size and texts as people do; what is missing comes last, equal rows keep their order', () => {
    expect(order(1, false)).toEqual(['a', 'd', 'c', 'b']);
    expect(order(1, true)).toEqual(['c', 'a', 'd', 'b']);
    expect(order(0, false)).toEqual(['c', 'd', 'b', 'a']);
  });

  it('makes the cells that it sorts by, once each, and no other', () => {
    let made = 0;
    const cell = (value: number) => () => {
      made++;
      return value;
    };
    const dear = [3, 1, 2, 4].map((value) => ({ key: String(value), cells: [cell(value), cell(-value)] }));
    expect(sorted(dear, { column: 1, descending: false }).map(({ key }) => key)).toEqual(['4', '3', '2', '1']);
    expect(made).toBe(4);
  });

  it('changes nothing of what it is given', () => {
    order(1, true);
    expect(rows.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('csvOf', () => {
  it('quotes what needs it, writes numbers in full, and lets no spreadsheet run a name', () => {
    const columns = [{ title: 'Category' }, { title: 'Images, all', numeric: true }];
    const rows = [
      { key: '1', cells: ['say "cat", twice', 1 / 3] },
      { key: '2', cells: ['=HYPERLINK("http://x")', null] },
    ];
    expect(csvOf({ caption: '', columns, rows })).toBe(
      'Category,"Images, all"\r\n"say ""cat"", twice",0.3333333333333333\r\n"\'=HYPERLINK(""http://x"")",\r\n',
    );
  });

  it('leaves empty what is still being computed', () => {
    const rows = [{ key: '1', cells: ['cat', () => undefined, () => 'not known', () => null] }];
    const columns = ['Category', 'F1', 'AP', 'Best'].map((title) => ({ title }));
    expect(csvOf({ caption: '', columns, rows })).toBe('Category,F1,AP,Best\r\ncat,,not known,\r\n');
  });
});

describe('numbers and names in words', () => {
  it('shortens numbers and keeps tiny ones readable', () => {
    expect([0, 0.00005].map(short)).toEqual(['0', '5.0e-5']);
    expect(short(12.34567)).toBe((12.35).toLocaleString());
  });

  it('takes the last part of a path of any system', () => {
    expect(['/a/b.jpg', 'C:\\a\\b.jpg', 'b.jpg'].map(fileName)).toEqual(['b.jpg', 'b.jpg', 'b.jpg']);
  });

  it('says durations in at most two units', () => {
    expect([0, 59, 95, 3700].map(duration)).toEqual(['0 s', '59 s', '1 min 35 s', '1 h 1 min']);
  });
});
