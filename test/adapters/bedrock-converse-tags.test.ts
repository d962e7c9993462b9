import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTagFilter } from '../../src/adapters/bedrock-converse/tags.ts';
import type { ChatEvent } from '../../src/core/chat.ts';

interface Told {
  readonly text: string;
  readonly reasoning: string;
}

/** What comes of a block's text when it arrives in these pieces. */
const filtered = (pieces: readonly string[]): Told => {
  const filter = createTagFilter('thinking');
  const out: ChatEvent[] = [];
  for (const piece of pieces) filter.push(piece, out);
  filter.flush(out);
  filter.end(out);
  const joined = (type: 'text' | 'reasoning') =>
    out.map((event) => (event.type === type ? event.text : '')).join('');
  expect(out.every((event) => event.type === 'text' || event.type === 'reasoning')).toBe(true);
  expect(out.every((event) => 'text' in event && event.text !== '')).toBe(true);
  return { text: joined('text'), reasoning: joined('reasoning') };
};

interface Case extends Told {
  readonly name: string;
  readonly input: string;
}

// Behaviour 5.9
const cases: readonly Case[] = [
  { name: 'no tags at all', input: 'It is 4 < 5 > 3.', text: 'It is 4 < 5 > 3.', reasoning: '' },
  {
    name: 'a passage before the answer, with the white space after it',
    input: '<thinking> I can answer.</thinking>\n\n It is warm.',
    text: 'It is warm.',
    reasoning: ' I can answer.',
  },
  {
    name: 'a passage and nothing else, as before a call',
    input: '<thinking> I need the tool.</thinking>\n',
    text: '',
    reasoning: ' I need the tool.',
  },
  {
    name: 'a passage in the middle: the space before it stays',
    input: 'First. <thinking>Hm.</thinking> Second.',
    text: 'First. Second.',
    reasoning: 'Hm.',
  },
  {
    name: 'several passages',
    input: '<thinking>a</thinking> One <thinking>b</thinking>\n\n<thinking>c</thinking>\ttwo',
    text: 'One two',
    reasoning: 'abc',
  },
  { name: 'an empty passage', input: '<thinking></thinking>x', text: 'x', reasoning: '' },
  {
    name: 'a passage that is never closed may be the answer: it is given as text too',
    input: 'Well. <thinking> and so on </think',
    text: 'Well. and so on </think',
    reasoning: ' and so on </think',
  },
  { name: 'a tag that is never finished', input: 'The end <thinki', text: 'The end <thinki', reasoning: '' },
  { name: 'a closing tag alone', input: 'a </thinking> b', text: 'a </thinking> b', reasoning: '' },
  {
    name: 'an opening tag inside a passage',
    input: '<thinking>a <thinking> b</thinking>c',
    text: 'c',
    reasoning: 'a <thinking> b',
  },
  {
    name: 'a closing tag that begins twice',
    input: '<thinking>a</thin</thinking>b',
    text: 'b',
    reasoning: 'a</thin',
  },
  { name: 'an opening tag that begins twice', input: '<<thinking>a</thinking>b', text: '<b', reasoning: 'a' },
  {
    name: 'other scripts and characters beyond the basic plane',
    input: '<thinking>é🌦</thinking>\u3000\u00a0晴れ🌤',
    text: '晴れ🌤',
    reasoning: 'é🌦',
  },
  ...[
    '<thinkin>',
    '<Thinking>',
    '< thinking>',
    '<thinking >',
    '<thinkings>',
    '&lt;thinking&gt;',
    '<think>',
  ].map((tag) => ({
    name: `${tag}, which only looks similar`,
    input: `${tag} stays </thinking> here`,
    text: `${tag} stays </thinking> here`,
    reasoning: '',
  })),
];

describe('thinking in the text', () => {
  it.each(cases)('$name', ({ input, text, reasoning }) => {
    expect(filtered([input])).toEqual({ text, reasoning });
  });

  it.each(cases)('$name, cut at any place and at any two places', ({ input, text, reasoning }) => {
    for (let first = 0; first <= input.length; first += 1) {
      for (let second = first; second <= input.length; second += 1) {
        const pieces = [input.slice(0, first), input.slice(first, second), input.slice(second)];
        expect(filtered(pieces)).toEqual({ text, reasoning });
      }
    }
  });

  it.each(cases)('$name, one character at a time', ({ input, text, reasoning }) => {
    expect(filtered(input.split(''))).toEqual({ text, reasoning });
  });

  it('holds back no more than what may be a tag', () => {
    const filter = createTagFilter('thinking');
    const out: ChatEvent[] = [];
    filter.push('a < b, and <think', out);
    expect(out).toEqual([{ type: 'text', text: 'a < b, and ' }]);
    filter.push('ers> do', out);
    expect(out.at(-1)).toEqual({ type: 'text', text: '<thinkers> do' });
  });
});

/** The rule said once more and at once, without streaming. */
const reference = (input: string): Told => {
  let text = '';
  let reasoning = '';
  let rest = input;
  for (;;) {
    const start = rest.indexOf('<thinking>');
    if (start < 0) return { text: text + rest, reasoning };
    text += rest.slice(0, start);
    const inner = rest.slice(start + '<thinking>'.length);
    const end = inner.indexOf('</thinking>');
    if (end < 0) return { text: text + inner.trimStart(), reasoning: reasoning + inner };
    reasoning += inner.slice(0, end);
    rest = inner.slice(end + '</thinking>'.length).trimStart();
  }
};

const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '<thinking>',
        '</thinking>',
        '<',
        '</',
        '<thin',
        'king>',
        ' ',
        '\n',
        '>',
        '<thinking',
        'word',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''));

const inPieces = (text: string, cuts: readonly number[]): string[] => {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [...places, text.length].map((place, index) => text.slice(places[index - 1] ?? 0, place));
};

describe('any text, cut anywhere', () => {
  it('comes out the same', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(200), { maxLength: 10 }), (text, cuts) => {
        const pieces = inPieces(text, cuts);
        expect(pieces.join('')).toBe(text);
        expect(filtered(pieces)).toEqual(reference(text));
      }),
      { numRuns: 1500 },
    );
  });

  it('loses nothing but tags and the white space after them', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(200), { maxLength: 10 }), (open, cuts) => {
        // What stands behind a tag that is never closed is given twice.
        const text = `${open}</thinking>`;
        const { text: said, reasoning } = filtered(inPieces(text, cuts));
        // Taking a tag out may join what was around it into another one, so their characters are left aside.
        const count = (value: string) =>
          value
            .replaceAll(/[</thinkg>\s]/g, '')
            .split('')
            .sort()
            .join('');
        expect(count(said + reasoning)).toBe(count(text));
      }),
      { numRuns: 500 },
    );
  });
});
