import { describe, expect, it } from 'vitest';
import { parameterNames } from '../../src/api/chat-completions/parameter-names.ts';
import type { Part, Thinking, ThinkingBlock, Turn } from '../../src/core/chat.ts';
import { textPart } from '../../src/core/message-text.ts';
import { nothingRecalled, type Recalled } from '../../src/core/remembered-answer.ts';
import { fitThinking } from '../../src/normalize/history.ts';
import { Reporter } from '../../src/normalize/report.ts';
import { normalized, targetOf } from './fit.ts';

const block = (thinking: string): ThinkingBlock => ({ type: 'thinking', thinking, signature: 's' });
const thought = (thinking: string): Part => ({ type: 'thinking-block', block: block(thinking) });
const call = (id: string): Part => ({ type: 'tool-call', id, name: 'f', input: {} });
const text = textPart('x');
const user: Turn = { role: 'user', parts: [text] };
const assistant = (...parts: Part[]): Turn => ({ role: 'assistant', parts });

const budget: Thinking = { mode: 'budget', budgetTokens: 2000 };
const usual: Thinking = { mode: 'default' };

const settled = (
  turns: readonly Turn[],
  thinking: Thinking,
  model = 'claude-4-5-sonnet',
  recalled: Recalled = nothingRecalled,
  parameter?: string,
) => {
  const report = new Reporter(parameterNames);
  const thinkingRequest =
    parameter === undefined
      ? undefined
      : { type: 'thinking' as const, parameter, enabled: true, isWish: false };
  const settings = { ...normalized({}).settings, thinking, thinkingRequest };
  const history = fitThinking(turns, settings, targetOf(model), recalled, report);
  return { turns: history.turns, thinking: history.settings.thinking, ...report.toReport() };
};

/** Every call is known to have come without thinking. */
const withoutThinking: Recalled = {
  ...nothingRecalled,
  byCall: (id) => ({ pieces: [{ type: 'tool-call', id }], lines: [], previous: null, upstream: 'anthropic' }),
};
const results: Turn = {
  role: 'user',
  parts: [{ type: 'tool-result', id: 'a', content: [], isError: false }],
};
const loop = [user, assistant(text, call('a')), results];
const bare = [user, assistant(text, call('a')), user];
const kept = [user, assistant(thought('own'), call('a')), user];
const stripped = [user, assistant(call('a')), user];

interface Case {
  readonly name: string;
  readonly model?: string;
  readonly input: readonly Turn[];
  readonly thinking: Thinking;
  readonly recalled?: Recalled;
  readonly expected: readonly Turn[];
}

describe('thinking in the history', () => {
  it.each<Case>([
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
      name: "an earlier loop does not matter: what counts begins with the user's last words",
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
      name: 'later turns of a loop need no thinking: such models think once per loop',
      input: [user, assistant(thought('own'), call('a')), results, assistant(call('z')), results],
      thinking: budget,
      expected: [user, assistant(thought('own'), call('a')), results, assistant(call('z')), results],
    },
    {
      name: 'words beside the results begin a new loop',
      input: [user, assistant(call('z')), { role: 'user', parts: [...results.parts, text] } as Turn],
      thinking: budget,
      expected: [user, assistant(call('z')), { role: 'user', parts: [...results.parts, text] } as Turn],
    },
    {
      name: 'a call that is known to have come without thinking has lost none',
      input: loop,
      thinking: budget,
      recalled: withoutThinking,
      expected: loop,
    },
    ...(['claude-opus-5-5', 'claude-haiku-5-5', 'claude-opus-4-8', 'claude-sonnet-4-6'] as const).map(
      (model) => ({
        name: `adaptive thinking stays on whatever is missing, on ${model}`,
        model,
        input: loop,
        thinking: { mode: 'adaptive' } as const,
        expected: loop,
      }),
    ),
    {
      name: 'nor is it switched off where the model thinks of its own accord',
      model: 'claude-sonnet-5',
      input: loop,
      thinking: usual,
      expected: loop,
    },
  ])('$name', ({ input, thinking, model, recalled, expected }) => {
    expect(settled(input, thinking, model, recalled)).toEqual({
      turns: expected,
      thinking,
      ignored: [],
      adjusted: [],
    });
  });

  it.each([
    { model: 'claude-4-5-sonnet', parameter: 'reasoning_effort', reported: 'reasoning_effort' },
    { model: 'claude-sonnet-4-6', parameter: undefined, reported: 'thinking' },
  ])(
    "a budget whose first turn after the user's words is lost is switched off on $model, older blocks go too, reported",
    ({ model, parameter, reported }) => {
      const result = settled([...kept, ...loop.slice(1)], budget, model, undefined, parameter);
      expect(result).toEqual({
        turns: [...stripped, ...loop.slice(1)],
        thinking: { mode: 'off' },
        ignored: [],
        adjusted: [reported],
      });
    },
  );
});
