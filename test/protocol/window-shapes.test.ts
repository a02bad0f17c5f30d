// Messages of a window: what our windows say is understood, and whatever else comes is refused without an exception.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { understood } from '../../src/protocol/window-shapes';
import type { WindowName } from '../../src/protocol/windows';
import { CALLS } from './calls';

const WINDOWS = Object.keys(CALLS) as WindowName[];
const EVERY = WINDOWS.flatMap((window) => CALLS[window].map(([call, params]) => ({ window, call, params })));

const message = (call: unknown, params: unknown) => ({ kind: 'call', id: 7, call, params });

describe('a message of a window', () => {
  it('is understood where it is a call that the window may make', () => {
    for (const { window, call, params } of EVERY)
      expect(understood(window, message(call, params)), `${window} ${call}`).toEqual({ id: 7, call, params });
    for (const window of WINDOWS) expect(understood(window, { kind: 'ready' })).toBe('ready');
  });

  it('is refused in the name of another window', () => {
    expect(understood('training', message('correct', null))).toEqual({
      id: 7,
      wrong: expect.stringContaining('correct') as string,
    });
    for (const call of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])
      for (const window of WINDOWS) expect(understood(window, message(call, {}))).toHaveProperty('wrong');
  });

  it('is refused where a field is missing, is one too many or is something else', () => {
    const withFields = EVERY.filter(({ params }) => typeof params === 'object' && params !== null);
    const damage = fc.tuple(
      fc.constantFrom(...withFields),
      fc.nat(),
      fc.constantFrom('missing', 'more', 'other'),
      fc.jsonValue(),
    );
    const property = fc.property(damage, ([{ window, call, params }, place, how, value]) => {
      const fields = Object.entries(params as Readonly<Record<string, unknown>>);
      const [name, old] = fields[place % fields.length]!;
      const changed =
        how === 'missing'
          ? Object.fromEntries(fields.filter(([each]) => each !== name))
          : how === 'more'
            ? Object.fromEntries([...fields, ['annotations', value]])
            : { ...(params as object), [name]: { old, value } };
      expect(understood(window, message(call, changed))).toEqual({ id: 7, wrong: expect.any(String) as string });
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it('whatever it is, throws nothing and leads to no call that it does not fit', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.record({
        kind: fc.constantFrom('ready', 'call', 'event'),
        id: fc.anything(),
        call: fc.anything(),
        params: fc.anything(),
      }),
      fc.tuple(fc.constantFrom(...EVERY), fc.anything()).map(([{ call }, params]) => message(call, params)),
    );
    const property = fc.property(fc.constantFrom(...WINDOWS), anything, (window, said) => {
      const answer = understood(window, said);
      if (answer === undefined || answer === 'ready' || 'wrong' in answer) return;
      expect(CALLS[window].map(([call]) => call)).toContain(answer.call);
    });
    fc.assert(property, { numRuns: 5000 });
  });
});
