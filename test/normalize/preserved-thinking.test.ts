/**
 * For models that bind thinking to what stood before it, a prompt is written so that earlier turns stay as they were:
 * whatever is appended, whatever is asked of the next answer, whichever upstream is asked. Behaviour 3.1, 4.3, 5.10.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../src/models/catalogue.ts';
import { normalize } from '../../src/normalize/index.ts';
import { messagesRequest } from '../support/encoders.ts';
import { parse } from '../support/parse.ts';
import { type Body, targetOf } from './fit.ts';

const model = 'claude-sonnet-5-5';
const alone = targetOf(model, 'anthropic', true);
const beside = targetOf(model, 'anthropic');
const bedrock = targetOf(model, 'bedrock');

const sent = (body: Body, target: Target) => {
  const { prompt, report } = normalize(parse({ model, ...body }).ask, target);
  return { ...messagesRequest(prompt, target), adjusted: report.adjusted };
};

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const system = (content: string) => ({ role: 'system', content });
const calls = {
  role: 'assistant',
  tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
};
const result = { role: 'tool', tool_call_id: 'a', content: 'ok' };
const note = 'This is an instruction of the operator of this application, not of the user:';

/** A message in a line: `user: a | b`. */
const inShort = ({ role, content }: { role: string; content: unknown }): string => {
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : (content as Body[]);
  return `${role}: ${blocks.map(({ type, text }) => (type === 'text' ? (text === note ? 'NOTE' : text) : type)).join(' | ')}`;
};

interface Place {
  readonly name: string;
  readonly messages: readonly unknown[];
  /** Where system messages may stand among the others. */
  readonly kept: readonly string[];
  /** Where an upstream that takes none is configured beside. */
  readonly asUser: readonly string[];
  readonly isAdjusted?: true;
}

const places: readonly Place[] = [
  {
    name: 'one behind a user message stays, and nothing is said about it',
    messages: [user('a'), system('s'), assistant('b'), user('c')],
    kept: ['user: a', 'system: s', 'assistant: b', 'user: c'],
    asUser: ['user: a | NOTE | s', 'assistant: b', 'user: c'],
  },
  {
    name: 'one behind an answer slides behind the next user message',
    messages: [user('a'), assistant('b'), system('s'), user('c')],
    kept: ['user: a', 'assistant: b', 'user: c', 'system: s'],
    asUser: ['user: a', 'assistant: b', 'user: NOTE | s | c'],
    isAdjusted: true,
  },
  {
    name: 'one between two answers is a text of the user’s in its place',
    messages: [user('a'), assistant('b'), system('s'), assistant('c'), user('d')],
    kept: ['user: a', 'assistant: b', 'user: NOTE | s', 'assistant: c', 'user: d'],
    asUser: ['user: a', 'assistant: b', 'user: NOTE | s', 'assistant: c', 'user: d'],
    isAdjusted: true,
  },
  {
    name: 'one behind the last answer is a text of the user’s as well, and nobody has to ask to go on',
    messages: [user('a'), assistant('b'), system('s'), system('t')],
    kept: ['user: a', 'assistant: b', 'user: NOTE | s | t'],
    asUser: ['user: a', 'assistant: b', 'user: NOTE | s | t'],
    isAdjusted: true,
  },
  {
    name: 'one between calls and their results goes behind the results',
    messages: [user('a'), calls, system('s'), result, assistant('b'), user('c')],
    kept: ['user: a', 'assistant: tool_use', 'user: tool_result', 'system: s', 'assistant: b', 'user: c'],
    asUser: ['user: a', 'assistant: tool_use', 'user: tool_result | NOTE | s', 'assistant: b', 'user: c'],
    isAdjusted: true,
  },
  {
    name: 'several that meet in one place become one',
    messages: [user('a'), system('s'), user('b'), system('t'), assistant('c'), user('d')],
    kept: ['user: a | b', 'system: s | t', 'assistant: c', 'user: d'],
    asUser: ['user: a | NOTE | s | b | NOTE | t', 'assistant: c', 'user: d'],
    isAdjusted: true,
  },
];

describe('system messages in mid-conversation are never hoisted:', () => {
  it.each(places)('$name', ({ messages, kept, asUser, isAdjusted }) => {
    const here = sent({ messages: [system('first'), ...messages] }, alone);
    expect(here.body.system).toBe('first');
    expect(here.body.messages.map(inShort)).toEqual(kept);
    expect(here.adjusted).toEqual(isAdjusted ? ['messages'] : []);
    const there = sent({ messages: [system('first'), ...messages] }, beside);
    expect(there.body.messages.map(inShort)).toEqual(asUser);
    expect(there.adjusted).toEqual(['messages']);
  });
});

const tool = (name: string) => ({
  type: 'function',
  function: { name, description: name, parameters: { type: 'object' }, strict: true },
});
const tools = [tool('f'), tool('g.h'), tool('k')];
const named = (name: string) => ({ type: 'function', function: { name } });
const allowed = (mode: string, ...names: string[]) => ({
  type: 'allowed_tools',
  allowed_tools: { mode, tools: names.map(named) },
});

describe('tools are never trimmed; a line at the end says what may be called:', () => {
  it.each([
    { choice: 'auto', line: undefined },
    { choice: 'none', line: undefined },
    {
      choice: 'required',
      line: 'You have to call one of the tools in your next answer. Do not answer in words instead.',
    },
    {
      choice: named('f'),
      line: 'You have to call the tool "f" in your next answer. Do not answer in words instead.',
    },
    // By the name that is sent.
    {
      choice: named('g.h'),
      line: expect.stringMatching(/^You have to call the tool "g_h_[0-9a-f]{8}" in/) as unknown,
    },
    {
      choice: allowed('auto', 'k', 'f'),
      line: 'In your next answer you may call no tools but these: "f", "k".',
    },
    {
      choice: allowed('required', 'k', 'f'),
      line: 'You have to call one of these tools: "f", "k" in your next answer. Do not answer in words instead.',
    },
    { choice: allowed('auto', 'k', 'f', 'g.h'), line: undefined },
  ])('$choice', ({ choice, line }) => {
    const { body, adjusted } = sent(
      { tools, tool_choice: choice, messages: [system('s'), user('a')] },
      alone,
    );
    expect(body.tools?.map((each) => 'name' in each && each.name)).toEqual([
      'f',
      expect.stringMatching(/^g_h_/),
      'k',
    ]);
    expect(body.tool_choice).toEqual(choice === 'none' ? { type: 'none' } : undefined);
    expect(body.system).toBe('s');
    const last = body.messages.at(-1)?.content;
    expect(last).toEqual(
      line === undefined
        ? 'a'
        : [
            { type: 'text', text: 'a' },
            { type: 'text', text: line },
          ],
    );
    expect(adjusted).toEqual(line === undefined ? [] : ['tool_choice']);
  });
});

describe('what is asked of the next answer alone stands last', () => {
  const format = { type: 'json_object' };

  it('JSON, behind the user’s words and not in the system’s', () => {
    const { body } = sent({ response_format: format, messages: [system('s'), user('a')] }, alone);
    expect(body.system).toBe('s');
    expect(body.messages.at(-1)?.content).toEqual([
      { type: 'text', text: 'a' },
      { type: 'text', text: expect.stringContaining('JSON') as unknown },
    ]);
    expect(body.tools).toBeUndefined();
  });

  it('to go on, behind an answer', () => {
    const { body, adjusted } = sent({ messages: [user('a'), assistant('b')] }, alone);
    expect(body.messages.map(inShort)).toEqual(['user: a', 'assistant: b', 'user: Continue.']);
    expect(adjusted).toEqual(['messages']);
  });
});

const message = fc.oneof(
  fc.constantFrom(user('u'), user('v'), system('s'), system('t'), assistant('x'), assistant('y')),
);
const exchange = fc.constantFrom(
  [user('q'), assistant('a')],
  [user('q'), calls, result, assistant('a')],
  [user('q'), calls, system('late'), result, assistant('a')],
  [user('q'), calls, assistant('a')],
  [assistant('only')],
  [user(''), assistant('a')],
);
const history = fc
  .array(fc.oneof(exchange, fc.tuple(message)), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.flat());

const endings = fc.constantFrom(
  [user('?')],
  [user('?'), system('z')],
  [assistant('w'), system('z')],
  [calls, result, system('z')],
);

describe('a prompt, however it goes on,', () => {
  it.each([alone, beside, bedrock])('begins with what was sent for the turns before', (target) => {
    fc.assert(
      fc.property(history, endings, fc.array(message, { maxLength: 4 }), (middle, ending, more) => {
        const before = [user('begin'), ...middle, ...ending];
        const first = sent({ messages: before }, target).body;
        // An answer was given to what the prompt ended with: it is what thinking is bound to.
        const later = sent({ messages: [...before, assistant('answer'), ...more, user('end')] }, target).body;
        expect(later.system).toEqual(first.system);
        expect(later.messages.slice(0, first.messages.length)).toEqual(first.messages);
      }),
      { numRuns: 300 },
    );
  });

  it('is the same at every upstream', () => {
    fc.assert(
      fc.property(history, (messages) => {
        const body = { messages: [system('s'), user('begin'), ...messages, user('end')], tools };
        const { system: one, messages: turns, tools: declared } = sent(body, beside).body;
        const other = sent(body, bedrock).body;
        expect([one, turns, declared]).toEqual([other.system, other.messages, other.tools]);
      }),
      { numRuns: 200 },
    );
  });
});
