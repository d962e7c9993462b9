import { describe, expect, it } from 'vitest';
import type { Part, Thinking, ThinkingBlock, Turn } from '../../src/chat.ts';
import { type Recall, settleThinking } from '../../src/normalize/history.ts';
import { Reporter } from '../../src/normalize/report.ts';
import { normalized, targetOf } from './fit.ts';

const block = (thinking: string): ThinkingBlock => ({ type: 'thinking', thinking, signature: 's' });
const thought = (thinking: string): Part => ({ type: 'thinking-block', block: block(thinking) });
const call = (id: string): Part => ({ type: 'tool-call', id, name: 'f', input: {} });
const text: Part = { type: 'text', text: 'x' };
const user: Turn = { role: 'user', parts: [text] };
const assistant = (...parts: Part[]): Turn => ({ role: 'assistant', parts });

const budget: Thinking = { mode: 'budget', budgetTokens: 2000 };
const usual: Thinking = { mode: 'default' };

const settled = (
  turns: readonly Turn[],
  thinking: Thinking,
  model = 'claude-4-5-sonnet',
  recall: Recall = () => undefined,
  thinkingFrom?: string,
) => {
  const report = new Reporter();
  const settings = { ...normalized({}).settings, thinking, thinkingFrom };
  const history = settleThinking(turns, settings, targetOf(model).model, recall, report);
  return { turns: history.turns, thinking: history.settings.thinking, ...report.toReport() };
};

const remembering: Recall = (id) => (id === 'a' ? [block('a'), block('b')] : undefined);
const bare = [user, assistant(text, call('a')), user];
const kept = [user, assistant(thought('own'), call('a')), user];
const stripped = [user, assistant(call('a')), user];

describe('thinking in the history', () => {
  it.each([
    {
      name: 'what the client kept stays, and nothing is recalled over it',
      input: kept,
      thinking: budget,
      recall: remembering,
      expected: kept,
    },
    {
      name: 'what it lost is recalled, first in its turn',
      input: bare,
      thinking: budget,
      recall: remembering,
      expected: [user, assistant(thought('a'), thought('b'), text, call('a')), user],
    },
    {
      name: 'by any call of the turn',
      input: [user, assistant(call('z'), call('a')), user],
      thinking: budget,
      recall: remembering,
      expected: [user, assistant(thought('a'), thought('b'), call('z'), call('a')), user],
    },
    { name: 'without thinking it goes', input: kept, thinking: { mode: 'off' } as const, expected: stripped },
    {
      name: 'and where nothing was asked on a model that does not think of itself',
      input: kept,
      thinking: usual,
      expected: stripped,
    },
    {
      name: 'where it thinks of itself it stays',
      model: 'claude-opus-5-5',
      input: kept,
      thinking: usual,
      expected: kept,
    },
    {
      name: 'on Nova it never goes',
      model: 'nova-2-lite',
      input: kept,
      thinking: { mode: 'adaptive', effort: 'low' } as const,
      expected: stripped,
    },
    {
      name: 'an older gap does not matter',
      input: [...bare, ...kept.slice(1)],
      thinking: budget,
      expected: [...bare, ...kept.slice(1)],
    },
    {
      name: 'nor a turn without calls',
      input: [user, assistant(text), user],
      thinking: budget,
      expected: [user, assistant(text), user],
    },
    {
      name: 'a model that always thinks is left to continue',
      model: 'claude-opus-5-5',
      input: bare,
      thinking: usual,
      expected: bare,
    },
  ])('$name', ({ input, thinking, model, recall, expected }) => {
    expect(settled(input, thinking, model, recall)).toEqual({
      turns: expected,
      thinking,
      ignored: [],
      adjusted: [],
    });
  });

  it.each([
    { model: 'claude-4-5-sonnet', thinking: budget, from: 'reasoning_effort', reported: 'reasoning_effort' },
    { model: 'claude-haiku-5-5', thinking: usual, from: undefined, reported: 'thinking' },
  ])(
    'a gap in the latest tool turn switches it off on $model, older blocks go too, reported',
    ({ model, thinking, from, reported }) => {
      const result = settled([...kept, ...bare.slice(1)], thinking, model, undefined, from);
      expect(result).toEqual({
        turns: [...stripped, ...bare.slice(1)],
        thinking: { mode: 'off' },
        ignored: [],
        adjusted: [reported],
      });
    },
  );
});
