import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyRestorer } from '../../src/adapters/key-restorer.ts';

const keys = { restore: (sent: string) => (sent === '_top_1' ? '$top' : sent === 'q' ? '"\n' : sent) };

const restore = (pieces: readonly string[]): string => {
  const restorer = new KeyRestorer(keys);
  return pieces.map((piece) => restorer.push(piece)).join('') + restorer.end();
};

/** Every cut into two, and one character a piece. */
const cuts = (text: string): (readonly string[])[] => [
  [text],
  [...text],
  ...Array.from(text, (_, at) => [text.slice(0, at), text.slice(at)]),
];

describe('keys of JSON that comes in pieces', () => {
  it.each([
    { name: 'a key', text: '{"_top_1":1}', expected: '{"$top":1}' },
    {
      name: 'its white space',
      text: ' { "_top_1" :\n[ {"_top_1": 1 , "a":2} ] }',
      expected: ' { "$top" :\n[ {"$top": 1 , "a":2} ] }',
    },
    { name: 'a key written with escapes', text: '{"\\u005ftop_1":1}', expected: '{"$top":1}' },
    { name: 'a key whose own name needs escapes', text: '{"q":1}', expected: '{"\\"\\n":1}' },
    {
      name: 'a value that is written like a key',
      text: '{"a":"_top_1","b":["_top_1"]}',
      expected: '{"a":"_top_1","b":["_top_1"]}',
    },
    {
      name: 'values full of marks',
      text: '{"a":"{\\"_top_1\\":","_top_1":"\\\\"}',
      expected: '{"a":"{\\"_top_1\\":","$top":"\\\\"}',
    },
    {
      name: 'a list outside',
      text: '[{"_top_1":{}},"_top_1",{"_top_1":null}]',
      expected: '[{"$top":{}},"_top_1",{"$top":null}]',
    },
    { name: 'a key that is cut off', text: '{"a":1,"_top_1', expected: '{"a":1,"_top_1' },
    {
      name: 'a key with a broken escape',
      text: '{"_top_1\\x":1,"_top_1":2}',
      expected: '{"_top_1\\x":1,"$top":2}',
    },
    {
      name: 'words before and after',
      text: 'Say "_top_1": {"_top_1":1}, "_top_1"',
      expected: 'Say "_top_1": {"$top":1}, "_top_1"',
    },
    { name: 'brackets that do not match', text: ']}{"_top_1":1}}]', expected: ']}{"$top":1}}]' },
    {
      name: 'an endless key',
      text: `{"${'k'.repeat(500)}":1,"_top_1":2}`,
      expected: `{"${'k'.repeat(500)}":1,"$top":2}`,
    },
  ])('are restored wherever it is cut: $name', ({ text, expected }) => {
    for (const pieces of cuts(text)) expect(restore(pieces)).toBe(expected);
  });

  it('are all restored, and nothing else is changed, in any JSON', () => {
    const key = fc.constantFrom('_top_1', 'q', 'a', '"', '\\', '', 'ü"}');
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(1, null, '_top_1', '{"_top_1":1}', '\\'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.array(fc.tuple(key, tie('tree')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    const renamed = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map(renamed);
      return Object.fromEntries(
        Object.entries(value).map(([name, each]) => [keys.restore(name), renamed(each)]),
      );
    };
    fc.assert(
      fc.property(tree, fc.constantFrom(0, 2), fc.integer({ min: 1, max: 9 }), (value, indent, size) => {
        const text = JSON.stringify(value, null, indent);
        const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
        // As text: Node 26.10 parses {"a":1,"\"":1}, after {"a":1,"\\":1}, to the keys of the other.
        expect(restore(pieces)).toBe(JSON.stringify(renamed(value), null, indent));
      }),
    );
  });

  it('hold back no more than a key', () => {
    const restorer = new KeyRestorer(keys);
    expect(restorer.push('{"a":"long text')).toBe('{"a":"long text');
    expect(restorer.push(' goes on","_to')).toBe(' goes on",');
    expect(restorer.push('p_1":')).toBe('"$top":');
  });
});
