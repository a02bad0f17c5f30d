// Settings: every one can be set, every wrong value is an error that names the key and says what it may be.
import { describe, expect, it } from 'vitest';
import { CANDIDATES } from '../../bench/recipes-settings';
import { recipeWith } from '../../src/engine/recipes';
import type { Recipe, RecipeName } from '../../src/protocol/recipe';

const NAMES: readonly RecipeName[] = ['matlab-example', 'balanced', 'quick', 'best'];
const quick = recipeWith('quick', {});
const keys = (Object.keys(quick) as (keyof Recipe)[]).filter((key) => key !== 'recipe');

/** A wrong value for the kind of value that a setting has. */
const WRONG = {
  number: ['', ' ', 'many', 'NaN', 'Infinity', '-1', '1e300', '1,5'],
  boolean: ['', 'yes', '1', 'TRUE'],
  string: ['', 'x'],
};

describe.each(NAMES)('recipe %s', (name) => {
  it('has its own name and no value that it would refuse', () => {
    const recipe = recipeWith(name, {});
    expect(recipe.recipe).toBe(name);
    const set = Object.fromEntries(keys.map((key) => [key, String(recipe[key])]));
    expect(recipeWith(name, set)).toEqual(recipe);
  });
});

describe('recipeWith', () => {
  it('is the reference example in the numbers that its text gives', () => {
    expect(recipeWith('matlab-example', {})).toMatchObject({
      layers: 'all',
      epochs: 10,
      batchSize: 32,
      learnRate: 0.0005,
      headLearnRateFactor: 10,
      momentum: 0.9,
      l2: 1e-4,
      rotation: 45,
      reflection: true,
      validationFrequency: 100,
      validationPatience: 5,
    });
  });

  it('is as best what the benchmark `recipes` chose', () => {
    const chosen = { ...CANDIDATES.best!, imageSize: '320' };
    expect(recipeWith('best', {})).toEqual({ ...recipeWith('quick', chosen), recipe: 'best' });
  });

  it('changes what is set and leaves the rest', () => {
    const changed = recipeWith('balanced', { epochs: '3', learnRate: '1e-2', reflection: 'false', layers: 'head' });
    expect(changed).toEqual({ ...recipeWith('balanced', {}), epochs: 3, learnRate: 0.01, reflection: false, layers: 'head' });
  });

  it.each(keys)('refuses wrong values of %s by name', (key) => {
    const kind = typeof quick[key] as keyof typeof WRONG;
    for (const text of WRONG[kind]) {
      const message = expect.stringMatching(new RegExp(`^The setting ${key} cannot be '${text}': it is .+\\.$`)) as string;
      expect(() => recipeWith('quick', { [key]: text })).toThrow(expect.objectContaining({ code: 'setting-value', message }));
    }
  });

  it('refuses fractions where whole numbers are meant', () => {
    for (const key of ['epochs', 'batchSize', 'threads', 'validationPatience'])
      expect(() => recipeWith('quick', { [key]: '1.5' })).toThrow(/a whole number from/);
  });

  it.each(['learnrate', 'constructor', '__proto__', 'recipe', ''])('knows no setting %j and lists those it knows', (key) => {
    const set = Object.fromEntries([[key, '1']]);
    const message = expect.stringMatching(/^There is no setting '.*'\. Settings: .*learnRate, .*\.$/) as string;
    expect(() => recipeWith('quick', set)).toThrow(expect.objectContaining({ code: 'setting-unknown', message }));
  });
});
