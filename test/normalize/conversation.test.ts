import { describe, expect, it } from 'vitest';
import { parameterNames } from '../../src/api/chat-completions/parameter-names.ts';
import { readMessages } from '../../src/api/chat-completions/read-messages.ts';
import type { Message } from '../../src/api/chat-completions/request.ts';
import type { Part, Turn } from '../../src/core/chat.ts';
import { noLongTexts } from '../../src/core/message-text.ts';
import { arrangeConversation } from '../../src/normalize/conversation.ts';
import { Reporter } from '../../src/normalize/report.ts';
import { imagePart, pngOf } from '../support/images.ts';
import { refusal } from './fit.ts';

type Options = Parameters<typeof arrangeConversation>[1];

/** A target that takes all there is, at any place. */
const open: Options = { lateSystem: 'moved', prefill: true, takes: { image: true, document: true } };

const read = (messages: readonly unknown[], more: Partial<Options> = {}) => {
  const report = new Reporter(parameterNames);
  const { turns: asked, adjusted } = readMessages(messages as Message[]);
  const { system, turns } = arrangeConversation(asked, { ...open, ...more }, report);
  return {
    system: system.map(({ text }) => text),
    turns: turns.map(said),
    isAdjusted: adjusted.includes('messages') || report.toReport().adjusted.includes('messages'),
  };
};

/** A turn in a line: `user: Hi | result a: ok`. */
const said = ({ role, parts }: Turn): string => `${role}: ${parts.map(inShort).join(' | ')}`;

const inShort = (part: Part): string => {
  switch (part.type) {
    case 'text':
      return noLongTexts.read(part.text);
    case 'tool-call':
      return `call ${part.id}`;
    case 'tool-result':
      return `${part.isError ? 'error' : 'result'} ${part.id}: ${part.content.map(inShort).join(' ')}`;
    case 'image':
    case 'document':
      return part.type;
    case 'thinking-block':
      return 'thinking';
    case 'call-instruction':
      return 'instruction';
    default:
      return part satisfies never;
  }
};

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const system = (content: string) => ({ role: 'system', content });
const calls = (...ids: readonly string[]) => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'look', arguments: '{}' } })),
});
const result = (id: string, content: unknown = 'ok') => ({ role: 'tool', tool_call_id: id, content });
const noResult = 'No result was provided for this call.';
const png = imagePart(pngOf(10, 10));

interface Case {
  readonly name: string;
  readonly messages: readonly unknown[];
  readonly options?: Partial<Options>;
  readonly system?: readonly string[];
  readonly turns: readonly string[];
  /** Whether what was moved or added is reported. */
  readonly isAdjusted?: true;
}

// Behaviour 3
const cases: readonly Case[] = [
  {
    name: 'A conversation that any upstream takes is left as it is, and nothing is reported',
    messages: [system('Be brief.'), user('Hi'), assistant('Yes?'), user('Go on')],
    system: ['Be brief.'],
    turns: ['user: Hi', 'assistant: Yes?', 'user: Go on'],
  },
  {
    name: 'Neighbours of one role are joined, since upstreams want roles to alternate; nothing of them is lost',
    messages: [user('a'), user('b'), assistant('c'), assistant('d'), user('e')],
    turns: ['user: a | b', 'assistant: c | d', 'user: e'],
  },
  {
    name: 'Turns around an empty one are joined too',
    messages: [user('a'), assistant(''), user('b')],
    turns: ['user: a | b'],
  },
  {
    name: 'A conversation that the assistant opens gets a user turn before it, reported',
    messages: [assistant('Welcome.'), user('Hi')],
    turns: ['user: .', 'assistant: Welcome.', 'user: Hi'],
    isAdjusted: true,
  },
  {
    name: 'A system message alone still asks something, reported',
    messages: [system('Tell a joke.')],
    system: ['Tell a joke.'],
    turns: ['user: .'],
    isAdjusted: true,
  },
  {
    name: 'A late system message stands between user and assistant where the target takes it there',
    messages: [user('Hi'), system('Be brief.'), assistant('Yes?'), user('Go on')],
    turns: ['user: Hi', 'system: Be brief.', 'assistant: Yes?', 'user: Go on'],
  },
  {
    name: 'A late system message is moved to the next place the upstream takes it at, reported',
    messages: [user('Hi'), assistant('Yes?'), system('Be brief.'), user('Go on')],
    turns: ['user: Hi', 'assistant: Yes?', 'user: Go on', 'system: Be brief.'],
    isAdjusted: true,
  },
  {
    name: 'A late system message joins those at the front where the target takes it nowhere else, reported',
    messages: [system('One.'), user('Hi'), system('Two.'), assistant('Yes?'), user('Go on')],
    options: { lateSystem: 'hoisted' },
    system: ['One.', 'Two.'],
    turns: ['user: Hi', 'assistant: Yes?', 'user: Go on'],
    isAdjusted: true,
  },
  {
    name: 'Results come first in their turn and in the order of the calls, whatever order they were sent in',
    messages: [user('Hi'), calls('a', 'b'), result('b', 'two'), result('a', 'one'), user('And?')],
    turns: ['user: Hi', 'assistant: call a | call b', 'user: result a: one | result b: two | And?'],
  },
  {
    name: 'A call without a result gets one that says so, since upstreams refuse it for ever otherwise',
    messages: [user('Hi'), calls('a', 'b'), result('b')],
    turns: ['user: Hi', 'assistant: call a | call b', `user: error a: ${noResult} | result b: ok`],
    isAdjusted: true,
  },
  {
    name: 'A call at the very end is answered too',
    messages: [user('Hi'), calls('a')],
    turns: ['user: Hi', 'assistant: call a', `user: error a: ${noResult}`],
    isAdjusted: true,
  },
  {
    name: 'A result that no call asked for becomes text, so that its words are not lost',
    messages: [user('Hi'), result('stray', 'Found it.')],
    turns: ['user: Hi | Found it.'],
    isAdjusted: true,
  },
  {
    name: 'A second result for one call becomes text behind the first',
    messages: [user('Hi'), calls('a'), result('a', 'one'), result('a', 'two')],
    turns: ['user: Hi', 'assistant: call a', 'user: result a: one | two'],
    isAdjusted: true,
  },
  {
    name: 'An answer of the assistant at the end is the beginning of the next, without the blank that upstreams refuse',
    messages: [user('Count.'), assistant('One, ')],
    turns: ['user: Count.', 'assistant: One,'],
  },
  {
    name: 'Where the target begins no answers, the model is asked to go on, reported',
    messages: [user('Count.'), assistant('One, ')],
    options: { prefill: false },
    turns: ['user: Count.', 'assistant: One, ', 'user: Continue.'],
    isAdjusted: true,
  },
  {
    name: 'An answer before a user message that vanished is no beginning of the next, reported',
    messages: [user('Count.'), assistant('One'), user('')],
    turns: ['user: Count.', 'assistant: One', 'user: Continue.'],
    isAdjusted: true,
  },
  {
    name: 'The request to go on stands before a system message at the end, as the upstream wants them',
    messages: [user('Count.'), assistant('One'), system('In French.')],
    options: { prefill: false },
    turns: ['user: Count.', 'assistant: One', 'user: Continue.', 'system: In French.'],
    isAdjusted: true,
  },
  {
    name: "A tool's image that the model cannot see becomes words, so that the conversation does not end there",
    messages: [user('Hi'), calls('a'), result('a', [{ type: 'text', text: 'See:' }, png])],
    options: { takes: { image: false, document: true } },
    turns: [
      'user: Hi',
      'assistant: call a',
      'user: result a: See: [The tool returned an image, which this model cannot read.]',
    ],
    isAdjusted: true,
  },
  {
    name: "A tool's image that the model can see is left as it is",
    messages: [user('Hi'), calls('a'), result('a', [png])],
    turns: ['user: Hi', 'assistant: call a', 'user: result a: image'],
  },
];

describe('a conversation for any upstream', () => {
  it.each(cases)('$name', ({ messages, options, system: expected = [], turns, isAdjusted = false }) => {
    expect(read(messages, options)).toEqual({ system: expected, turns, isAdjusted });
  });

  it('An id that is used again gets one of its own, and its result goes with it', () => {
    const { turns } = read([user('Hi'), calls('a'), result('a', 'one'), calls('a'), result('a', 'two')]);
    const [, , , second = '', answered = ''] = turns;
    const id = /^assistant: call (a_[0-9a-f]{12})$/.exec(second)?.[1];
    expect(turns.slice(0, 3)).toEqual(['user: Hi', 'assistant: call a', 'user: result a: one']);
    expect(id).toBeDefined();
    expect(answered).toBe(`user: result ${id}: two`);
  });

  it('The same conversation cut at its end is the beginning of the whole one, so that caches hold', () => {
    const whole = [
      user('Hi'),
      calls('a'),
      result('a'),
      calls('b', 'c'),
      result('b'),
      result('c'),
      user('And?'),
    ];
    const all = read(whole).turns;
    for (const count of [1, 3, 6]) {
      const { turns } = read(whole.slice(0, count));
      expect(all.slice(0, turns.length - 1)).toEqual(turns.slice(0, -1));
      expect(all[turns.length - 1]?.startsWith(turns.at(-1) ?? '?')).toBe(true);
    }
  });

  it('A turn of very many parts is joined without a stack overflow', () => {
    const many = Array.from({ length: 200_000 }, () => ({ type: 'text', text: 'x' }));
    const { turns: asked } = readMessages([user('Hi'), user(many)] as Message[]);
    const { turns } = arrangeConversation(asked, open, new Reporter(parameterNames));
    expect(turns.map(({ parts }) => parts.length)).toEqual([200_001]);
  });

  it.each([
    { name: 'no message', messages: [] },
    { name: 'an empty user message', messages: [user('')] },
    { name: 'blanks and an assistant without words', messages: [user(' \n'), assistant(null)] },
  ])('One that says nothing at all is a 400 that names the messages: $name', ({ messages }) => {
    expect(refusal(() => read(messages))).toMatchObject({ status: 400, param: 'messages' });
  });
});
