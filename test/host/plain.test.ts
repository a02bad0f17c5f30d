// Names of strangers in questions: what is written is what is shown.
import { describe, expect, it } from 'vitest';
import { plain } from '../../src/host/plain';

describe('plain', () => {
  it.each([
    ['val/scene 1.jpg', 'val/scene 1.jpg'],
    ['a.jpg?\n\n**Already confirmed**', 'a.jpg? \\*\\*Already confirmed\\*\\*'],
    ['[Allow](command:workbench.action.quit)', '\\[Allow\\]\\(command\\:workbench.action.quit\\)'],
    ['<img src=x onerror=alert(1)>', '\\<img src=x onerror=alert\\(1\\)\\>'],
    ['$(trash) :warning: @user', '\\$\\(trash\\) \\:warning\\: \\@user'],
    // What turns the direction of writing round hides an ending.
    ['a\u202Egpj.exe\u0000', 'a gpj.exe'],
  ])('%j is text', (name, told) => expect(plain(name)).toBe(told));

  it('is one line that can be read', () => {
    expect(plain('a'.repeat(5000))).toBe(`${'a'.repeat(80)}…`);
  });
});
