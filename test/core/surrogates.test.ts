import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/core/surrogates.ts';

/** The rule said once more, by recursion. */
const whole = (value: unknown): unknown => {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(whole);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key.toWellFormed(), whole(each)]));
};

const text = fc
  .array(fc.constantFrom('\ud83d', '\ude00', '😀', '\\', 'ud83d', '\\ud83d', '"', '\n', 'a', 'é'), {
    maxLength: 8,
  })
  .map((pieces) => pieces.join(''));
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.integer(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

describe('JSON read in whole characters', () => {
  it('has U+FFFD for every half of a pair and everything else as it was', () => {
    fc.assert(
      fc.property(values, (value) => {
        const json = JSON.stringify(value);
        // Keys that become one: the later value stands, in whichever place.
        expect(parseJson(json)).toEqual(whole(JSON.parse(json)));
      }),
      { numRuns: 3000 },
    );
  });

  it('keeps a key named __proto__ an ordinary key', () => {
    const parsed = parseJson('{"__proto__":"\\ud83d","a":{"__proto__":{"b":"\\ude00"}}}') as object;
    expect(Object.keys(parsed)).toEqual(['__proto__', 'a']);
    expect(JSON.stringify(parsed)).toBe('{"__proto__":"\ufffd","a":{"__proto__":{"b":"\ufffd"}}}');
  });

  it('survives nesting beyond the stack', () => {
    const depth = 200_000;
    const parsed = parseJson(`${'['.repeat(depth)}"\\ud83d"${']'.repeat(depth)}`);
    let inner = parsed;
    while (Array.isArray(inner)) inner = inner[0];
    expect(inner).toBe('\ufffd');
  });

  it('throws what JSON.parse throws', () => {
    expect(() => parseJson('{"a":"\\ud83d"')).toThrow(SyntaxError);
  });
});
