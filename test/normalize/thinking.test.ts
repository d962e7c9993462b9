import { describe, expect, it } from 'vitest';
import type { Effort, Thinking } from '../../src/core/chat.ts';
import { type Body, normalized, refusal } from './fit.ts';

const budget = (budgetTokens: number): Thinking => ({ mode: 'budget', budgetTokens });
const adaptive = (effort?: Effort): Thinking => ({ mode: 'adaptive', effort });
const extended = (fields: Body): Body => ({ extended_thinking: fields });

interface Case {
  readonly name: string;
  readonly model?: string;
  readonly input: Body;
  readonly expected: Thinking;
  readonly maxTokens?: number;
  readonly ignored?: readonly string[];
  readonly adjusted?: readonly string[];
}

const cases: readonly Case[] = [
  // Behaviour 5.1: precedence
  { name: 'nothing asked, nothing planned', input: {}, expected: { mode: 'default' }, maxTokens: 32_000 },
  {
    name: 'extended_thinking wins over the other two, which are reported',
    input: {
      ...extended({ enabled: true, budget_tokens: 2000 }),
      reasoning_effort: 'high',
      thinking: { type: 'disabled' },
    },
    expected: budget(2000),
    ignored: ['reasoning_effort', 'thinking'],
  },
  {
    name: 'reasoning_effort wins over thinking',
    input: { reasoning_effort: 'medium', thinking: { type: 'enabled', budget_tokens: 2000 } },
    expected: budget(4096),
    ignored: ['thinking'],
  },
  {
    name: "Anthropic's own form works alone",
    input: { thinking: { type: 'enabled', budget_tokens: 2000 } },
    expected: budget(2000),
  },
  {
    name: 'extended_thinking that only shows reasoning leaves the decision to the effort',
    input: { ...extended({ include_reasoning: true }), reasoning_effort: 'low' },
    expected: budget(1024),
  },

  // 5.2: budget models
  {
    name: 'the documented example: with no explicit cap the cap is raised',
    input: extended({ enabled: true, budget_tokens: 5000 }),
    expected: budget(5000),
    maxTokens: 37_000,
  },
  {
    name: 'the raised cap stays within the model',
    model: 'claude-opus-4-1',
    input: extended({ enabled: true, budget_tokens: 30_000 }),
    expected: budget(30_000),
    maxTokens: 32_000,
  },
  {
    name: 'the smallest budget',
    input: extended({ enabled: true, budget_tokens: 1024 }),
    expected: budget(1024),
  },
  {
    name: 'a budget just under an explicit cap',
    input: { ...extended({ enabled: true, budget_tokens: 4999 }), max_tokens: 5000 },
    expected: budget(4999),
    maxTokens: 5000,
  },
  {
    name: 'no budget given: 4,096',
    input: extended({ enabled: true }),
    expected: budget(4096),
    maxTokens: 36_096,
  },
  {
    name: 'no budget given: half a small explicit cap',
    input: { ...extended({ enabled: true }), max_tokens: 4000 },
    expected: budget(2000),
    maxTokens: 4000,
  },
  {
    name: 'no budget given: at least 1,024',
    input: { ...extended({ enabled: true }), max_tokens: 1025 },
    expected: budget(1024),
    maxTokens: 1025,
  },
  {
    name: 'no budget given: 4,096 under a large explicit cap',
    input: { ...extended({ enabled: true }), max_tokens: 60_000 },
    expected: budget(4096),
    maxTokens: 60_000,
  },
  {
    name: 'enabled: false needs no valid budget',
    input: extended({ enabled: false, budget_tokens: 5 }),
    expected: { mode: 'off' },
  },
  {
    name: 'a budget from an effort word shrinks to fit',
    input: { reasoning_effort: 'high', max_tokens: 3000 },
    expected: budget(1500),
    maxTokens: 3000,
  },
  {
    name: 'a budget from an effort word that cannot fit is dropped and reported',
    input: { reasoning_effort: 'high', max_tokens: 1024 },
    expected: { mode: 'default' },
    maxTokens: 1024,
    ignored: ['reasoning_effort'],
  },

  // 5.3: effort to budget
  ...(
    [
      ['minimal', 1024],
      ['low', 1024],
      ['medium', 4096],
      ['high', 16_384],
      ['xhigh', 32_768],
      ['max', 32_768],
    ] as const
  ).map(
    ([word, tokens]): Case => ({
      name: `${word} is a budget of ${tokens}`,
      input: { reasoning_effort: word },
      expected: budget(tokens),
    }),
  ),
  {
    name: "an effort's budget stays within the model's cap",
    model: 'claude-opus-4',
    input: { reasoning_effort: 'max' },
    expected: budget(27_904),
    maxTokens: 32_000,
  },
  { name: 'none is off', input: { reasoning_effort: 'none' }, expected: { mode: 'off' } },

  // 5.3: budget to effort
  ...(
    [
      [500, 'low'],
      [4095, 'low'],
      [4096, 'medium'],
      [16_383, 'medium'],
      [16_384, 'high'],
      [200_000, 'high'],
    ] as const
  ).map(
    ([tokens, word]): Case => ({
      name: `a budget of ${tokens} is effort ${word} on an adaptive model`,
      model: 'claude-opus-5-5',
      input: extended({ enabled: true, budget_tokens: tokens }),
      expected: adaptive(word),
    }),
  ),
  {
    name: 'adaptive without a number has no effort of ours',
    model: 'claude-opus-5-5',
    input: extended({ enabled: true }),
    expected: adaptive(),
    maxTokens: 64_000,
  },
  {
    name: 'an effort word is passed on',
    model: 'claude-opus-5-5',
    input: { reasoning_effort: 'xhigh' },
    expected: adaptive('xhigh'),
  },
  {
    name: "a word beyond the model's levels becomes its nearest: below",
    model: 'claude-opus-5-5',
    input: { reasoning_effort: 'minimal' },
    expected: adaptive('low'),
    adjusted: ['reasoning_effort'],
  },
  {
    name: "a word beyond the model's levels becomes its nearest: between",
    model: 'claude-opus-4-6',
    input: { reasoning_effort: 'xhigh' },
    expected: adaptive('high'),
    adjusted: ['reasoning_effort'],
  },

  // 5.3: switching off
  {
    name: 'off where the model lets it',
    model: 'claude-opus-4-8',
    input: extended({ enabled: false }),
    expected: { mode: 'off' },
  },
  {
    name: 'off where it is allowed at effort high and below',
    model: 'claude-haiku-5-5',
    input: { thinking: { type: 'disabled' } },
    expected: { mode: 'off' },
  },
  {
    name: 'not to be switched off: its lowest effort, reported',
    model: 'claude-opus-5-5',
    input: extended({ enabled: false }),
    expected: adaptive('low'),
    adjusted: ['extended_thinking'],
  },
  {
    name: 'not to be switched off: between tools is the lowest where there is one',
    model: 'claude-sonnet-5-5',
    input: { reasoning_effort: 'none' },
    expected: { mode: 'between_tools' },
    adjusted: ['reasoning_effort'],
  },
  {
    name: 'between_tools by name',
    model: 'claude-sonnet-5-5',
    input: { thinking: { type: 'between_tools' } },
    expected: { mode: 'between_tools' },
  },

  // 5.3: models that take both
  {
    name: '4.6 with a budget: enabled',
    model: 'claude-sonnet-4-6',
    input: extended({ enabled: true, budget_tokens: 3000 }),
    expected: budget(3000),
    maxTokens: 67_000,
  },
  {
    name: '4.6 without a budget: adaptive',
    model: 'claude-sonnet-4-6',
    input: extended({ enabled: true }),
    expected: adaptive(),
  },
  {
    name: '4.6 with an effort: adaptive',
    model: 'claude-sonnet-4-6',
    input: { reasoning_effort: 'medium' },
    expected: adaptive('medium'),
  },

  // 5.3: Nova 2
  {
    name: 'Nova 2 has no on without a level',
    model: 'nova-2-lite',
    input: extended({ enabled: true }),
    expected: adaptive('medium'),
  },
  {
    name: 'Nova 2 knows low to high',
    model: 'nova-2-lite',
    input: { reasoning_effort: 'max' },
    expected: adaptive('high'),
    adjusted: ['reasoning_effort'],
  },
  {
    name: 'Nova 2 with a budget',
    model: 'nova-2-lite',
    input: extended({ enabled: true, budget_tokens: 2000 }),
    expected: adaptive('low'),
  },

  // 5.4
  {
    name: 'reasoning_effort on a model without thinking is ignored and reported',
    model: 'nova-lite',
    input: { reasoning_effort: 'low' },
    expected: { mode: 'default' },
    ignored: ['reasoning_effort'],
  },
  {
    name: 'reasoning_effort none on a model without thinking has its effect',
    model: 'nova-lite',
    input: { reasoning_effort: 'none' },
    expected: { mode: 'default' },
  },
  {
    name: 'enabled: false on a model without thinking has its effect',
    model: 'claude-3-5-haiku',
    input: extended({ enabled: false }),
    expected: { mode: 'default' },
  },
];

describe('thinking is planned within what the model understands', () => {
  it.each(cases)('$name', ({ model, input, expected, maxTokens, ignored, adjusted }) => {
    const { settings, report } = normalized(input, model === undefined ? {} : { model });
    expect(settings.thinking).toEqual(expected);
    if (maxTokens !== undefined) expect(settings.maxTokens).toBe(maxTokens);
    expect(report).toEqual({ ignored: ignored ?? [], adjusted: adjusted ?? [] });
  });
});

const refused = [
  {
    name: 'a budget under 1,024',
    input: extended({ enabled: true, budget_tokens: 1023 }),
    says: ['1023', '1024'],
    param: 'extended_thinking.budget_tokens',
  },
  {
    name: 'a budget equal to an explicit cap',
    input: { ...extended({ enabled: true, budget_tokens: 5000 }), max_tokens: 5000 },
    says: ['5000', 'max_tokens'],
    param: 'extended_thinking.budget_tokens',
  },
  {
    name: 'a budget above an explicit cap',
    input: { ...extended({ enabled: true, budget_tokens: 6000 }), max_completion_tokens: 5000 },
    says: ['6000', '5000'],
    param: 'extended_thinking.budget_tokens',
  },
  {
    name: 'enabled with an explicit cap of 1,024',
    input: { ...extended({ enabled: true }), max_tokens: 1024 },
    says: ['1024', 'max_tokens'],
    param: 'extended_thinking',
  },
  {
    name: 'enabled with a tiny explicit cap',
    input: { ...extended({ enabled: true, budget_tokens: 2000 }), max_tokens: 100 },
    says: ['100', '1024'],
    param: 'extended_thinking',
  },
  {
    name: "a budget above the model's maximum",
    input: extended({ enabled: true, budget_tokens: 64_000 }),
    says: ['64000'],
    param: 'extended_thinking.budget_tokens',
  },
  {
    name: "Anthropic's form, under 1,024",
    input: { thinking: { type: 'enabled', budget_tokens: 10 } },
    says: ['10', '1024'],
    param: 'thinking.budget_tokens',
  },
];

describe('an order that cannot be met is a 400 naming both numbers', () => {
  it.each(refused)('$name', ({ input, says, param }) => {
    const error = refusal(() => normalized(input));
    expect(error).toMatchObject({ status: 400, param });
    for (const words of says) expect(error.message).toContain(words);
  });

  it.each([
    {
      name: 'extended_thinking on Nova 1',
      model: 'nova-pro',
      input: extended({ enabled: true }),
      param: 'extended_thinking',
    },
    {
      name: 'extended_thinking on Claude 3.5',
      model: 'claude-3-5-sonnet',
      input: extended({ enabled: true, budget_tokens: 2000 }),
      param: 'extended_thinking',
    },
    {
      name: 'between_tools where there is none',
      model: 'claude-opus-5-5',
      input: { thinking: { type: 'between_tools' } },
      param: 'thinking.type',
    },
  ])('$name is unsupported_parameter', ({ model, input, param }) => {
    expect(refusal(() => normalized(input, { model }))).toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param,
    });
  });
});

describe('include_reasoning', () => {
  it.each([
    { name: 'is off by default', input: extended({ enabled: true }), shown: false },
    { name: 'beside enabled', input: extended({ enabled: true, include_reasoning: true }), shown: true },
    { name: 'alone is fine and decides nothing', input: extended({ include_reasoning: true }), shown: true },
  ])('$name', ({ input, shown }) => {
    expect(normalized(input).settings).toMatchObject({ includeReasoning: shown, showReasoning: shown });
  });

  it('alone leaves the thinking of a model without thinking alone', () => {
    const { settings } = normalized(extended({ include_reasoning: true }), { model: 'nova-lite' });
    expect(settings).toMatchObject({ includeReasoning: true, thinking: { mode: 'default' } });
  });
});
