import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sealer } from '../../src/core/sealer.ts';

const old = new Sealer(['the old secret']);
const recent = new Sealer(['the new secret', 'the old secret']);
const foreign = new Sealer(['another secret']);

describe('what is sealed', () => {
  it('opens again with its secret and in its place, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, place) => {
        expect(old.open(old.seal(text, place), place)).toBe(text);
        expect(recent.open(old.seal(text, place), place)).toBe(text);
      }),
      { numRuns: 100 },
    );
  });

  it('opens with no other secret, and in no other place', () => {
    expect(foreign.open(old.seal('text', 'here'), 'here')).toBeUndefined();
    expect(old.open(recent.seal('text', 'here'), 'here')).toBeUndefined();
    expect(old.open(old.seal('text', 'here'), 'there')).toBeUndefined();
  });

  it('looks different each time, and shows nothing of the text', () => {
    const sealed = old.seal('a text to hide', 'here');
    expect(sealed).toMatch(/^p1\.[\w-]+$/);
    expect(sealed).not.toBe(old.seal('a text to hide', 'here'));
    expect(Buffer.from(sealed.slice(3), 'base64url').toString('latin1')).not.toContain('text');
  });

  it('does not open once anything of it is changed or cut, and never throws', () => {
    const bytes = Buffer.from(old.seal('some text', 'here').slice(3), 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const altered = Buffer.from(bytes);
      altered[index] = (altered[index] ?? 0) ^ 1;
      expect(old.open(`p1.${altered.toString('base64url')}`, 'here')).toBeUndefined();
      expect(old.open(`p1.${bytes.subarray(0, index).toString('base64url')}`, 'here')).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(old.open(text, 'here')).toBeUndefined();
        expect(old.open(`p1.${text}`, 'here')).toBeUndefined();
      }),
    );
  });
});
