import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeJson } from '../../src/core/partial-json.ts';

describe('JSON that breaks off', () => {
  it.each([
    ['{', {}],
    ['{ "a', {}],
    ['{"a"', {}],
    ['{"a" :', {}],
    ['{"a": "', { a: '' }],
    ['{"a": "x', { a: 'x' }],
    ['{"a": "x\\', { a: 'x' }],
    ['{"a": "x\\u00', { a: 'x' }],
    ['{"a": "x\\\\', { a: 'x\\' }],
    ['{"a": "x"', { a: 'x' }],
    ['{"a": "x",', { a: 'x' }],
    ['{"a": "}", "b": [', { a: '}', b: [] }],
    ['{"a": tru', {}],
    ['{"a": true', { a: true }],
    ['{"a": -1.5e', {}],
    ['{"a": 12, "b": 3', { a: 12 }],
    ['{"a": [1, 2', { a: [1] }],
    ['{"a": {"b": null}, "c": {', { a: { b: null }, c: {} }],
  ])('%s is closed where it ends', (text, expected) => {
    expect(JSON.parse(closeJson(text) ?? '')).toEqual(expected);
  });

  it.each([
    '',
    '{}',
    '{"a":1}',
    '"x"',
    '{"a":1}}',
    '{"a":]',
    '{"a": oops',
    '{"a": trues',
    '{"a": 1 2',
    '{"a" "b',
    '{"a": "x" "y',
    '{,',
    '{"a"::',
  ])('%s does not break off', (text) => {
    expect(closeJson(text)).toBeUndefined();
  });

  it('cut anywhere, is the value as far as it goes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (value, cut) => {
        const json = JSON.stringify(value);
        const text = json.slice(0, 1 + (cut % (json.length - 1)));
        if (text === json) return;
        const closed = JSON.parse(closeJson(text) ?? 'null') as object;
        expect(typeof closed).toBe('object');
        expect(Object.keys(value).slice(0, Object.keys(closed).length)).toEqual(Object.keys(closed));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes time by its length alone', () => {
    const deep = '{"a":['.repeat(100_000);
    expect(closeJson(deep)).toBe(deep + ']}'.repeat(100_000));
    const long = `{"a":"${'\\u00e9'.repeat(200_000)}`;
    expect(closeJson(long)).toBe(`${long}"}`);
  });

  it('of nothing but brackets is given up before it fills the memory', () => {
    expect(closeJson('['.repeat(10_000_000))).toBeUndefined();
  });
});
