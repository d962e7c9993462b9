import { describe, expect, it } from 'vitest';
import { errorPatterns, roomLeft, says } from '../../src/providers/error-patterns.ts';

describe("what an upstream's words mean", () => {
  it('every row that quotes an upstream meets its own quotation', () => {
    for (const { pattern, source } of errorPatterns) {
      const quoted = /"(.+)"/.exec(source)?.[1];
      if (quoted !== undefined) expect(quoted).toMatch(pattern);
    }
  });

  it.each([
    { words: 'messages.0.content: too short', means: [] },
    { words: "tools.0.name: 'model_identifier' should match pattern", means: [] },
    { words: "property 'quota' is not valid", means: ['quota spent'] },
    { words: 'messages.1.content.0: Invalid `signature` in `thinking` block', means: ['thinking refused'] },
    { words: 'Invalid `data` in `redacted_thinking` block', means: ['thinking refused'] },
    { words: 'model: claude-9', means: ['bare not found'] },
    { words: '', means: ['bare not found'] },
  ] as const)('"$words" means $means and nothing else', ({ words, means }) => {
    const all = [...new Set(errorPatterns.map((row) => row.means))];
    expect(all.filter((meaning) => says(words, meaning))).toEqual(means);
  });

  it.each([
    { words: 'input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000', room: 10_000 },
    { words: 'input length and `max_tokens` exceed context limit: 200000 + 32000 > 200000', room: undefined },
    { words: 'prompt is too long: 210000 tokens > 200000 maximum', room: undefined },
  ])('"$words" leaves room for $room tokens', ({ words, room }) => {
    expect(roomLeft(words)).toBe(room);
  });
});
