/** What goes back of an answer's thinking, and where. Behaviour 5.8, 5.10. */

import { describe, expect, it } from 'vitest';
import { parameterNames } from '../../src/api/chat-completions/parameter-names.ts';
import type { AskTurn } from '../../src/core/ask.ts';
import type { Part, ThinkingBlock } from '../../src/core/chat.ts';
import { noLongTexts, textPart } from '../../src/core/message-text.ts';
import {
  type AnswerPiece,
  blockDigest,
  type Recalled,
  type RememberedAnswer,
} from '../../src/core/remembered-answer.ts';
import { restoreAnswers } from '../../src/normalize/earlier-answers.ts';
import { Reporter } from '../../src/normalize/report.ts';
import { targetOf } from './fit.ts';

const block = (signature: string): ThinkingBlock => ({ type: 'thinking', thinking: '', signature });
const thought = (signature: string) => ({ type: 'thinking-block' as const, block: block(signature) });
const call = (id: string): Part => ({ type: 'tool-call', id, name: 'f', input: {} });
const user: AskTurn = { role: 'user', parts: [textPart('u')] };
const said = (...parts: Part[]): AskTurn => ({ role: 'assistant', parts });

/** `a1 a2 "text" @call`: pieces of an answer in a line. */
const pieces = (written: string): readonly AnswerPiece[] =>
  written.split(' ').map((each): AnswerPiece => {
    if (each.startsWith('"')) return { type: 'text', length: each.length - 2 };
    return each.startsWith('@') ? { type: 'tool-call', id: each.slice(1) } : thought(each);
  });

const answer = (
  written: string,
  previous: string | null,
  more: Partial<RememberedAnswer> = {},
): RememberedAnswer => ({
  pieces: pieces(written),
  lines: [],
  previous: previous === null ? null : blockDigest(block(previous)),
  upstream: 'anthropic',
  ...more,
});

const recalledOf = (answers: readonly RememberedAnswer[]): Recalled => ({
  byCall: (id) =>
    answers.find((each) => each.pieces.some((piece) => piece.type === 'tool-call' && piece.id === id)),
  byBlock: (sought) =>
    answers.find((each) =>
      each.pieces.some(
        (piece) => piece.type === 'thinking-block' && blockDigest(piece.block) === blockDigest(sought),
      ),
    ),
  tools: [],
});

const inShort = (part: Part): string => {
  if (part.type === 'thinking-block')
    return part.block.type === 'thinking' ? part.block.signature : part.block.data;
  if (part.type === 'text') return `"${noLongTexts.read(part.text)}"`;
  return part.type === 'tool-call' ? `@${part.id}` : part.type;
};

const restore = (
  turns: readonly AskTurn[],
  answers: readonly RememberedAnswer[],
  model = 'claude-opus-5-5',
  hasTools = true,
) => {
  const report = new Reporter(parameterNames);
  const target = targetOf(model, 'anthropic');
  const restored = restoreAnswers(
    turns,
    recalledOf(answers),
    target,
    { texts: noLongTexts, hasTools },
    report,
  );
  return {
    turns: restored.map(({ role, parts }) => `${role}: ${parts.map(inShort).join(' ')}`),
    adjusted: report.toReport().adjusted,
  };
};

const u = 'user: "u"';

describe('blocks go back in their places:', () => {
  it.each([
    { name: 'at the head', given: 'a @1', kept: [call('1')], expected: 'a @1' },
    {
      name: 'between words and calls',
      given: 'a "Hm." b @1',
      kept: [textPart('Hm.'), call('1')],
      expected: 'a "Hm." b @1',
    },
    {
      name: 'between words that the client has joined',
      given: 'a "Hm." b "So." @1',
      kept: [textPart('Hm.So.'), call('1')],
      expected: 'a "Hm." b "So." @1',
    },
    {
      name: 'between words that it has cut otherwise',
      given: '"Hm.So." b @1',
      kept: [textPart('Hm.'), textPart('So.'), call('1')],
      expected: '"Hm." "So." b @1',
    },
    { name: 'between calls', given: 'a @1 b @2', kept: [call('1'), call('2')], expected: 'a @1 b @2' },
    {
      name: 'nowhere where the words before them have been shortened',
      given: 'a "Hello." b @1',
      kept: [textPart('Hi'), call('1')],
      expected: '"Hi" @1',
    },
    {
      name: 'where the words behind them have been, at the head all the same',
      given: 'a "Hello." @1',
      kept: [textPart('Hi'), call('1')],
      expected: 'a "Hi" @1',
    },
    {
      name: 'of the client’s own, moved to the places that they had',
      given: 'a "Hm." b @1',
      kept: [thought('a'), thought('b'), textPart('Hm.'), call('1')],
      expected: 'a "Hm." b @1',
    },
  ])('$name', ({ given, kept, expected }) => {
    for (const model of ['claude-opus-5-5', 'claude-sonnet-4-6']) {
      const { turns, adjusted } = restore([user, said(...kept), user], [answer(given, null)], model);
      if (model === 'claude-opus-5-5' || kept[0]?.type !== 'thinking-block')
        expect(turns).toEqual([u, `assistant: ${expected}`, u]);
      expect(adjusted).toEqual([]);
    }
  });
});

describe('an answer that a client has taken apart', () => {
  it.each([
    { name: 'into words and calls', parts: [[textPart('Hm.')], [call('1')]], given: 'a "Hm." b @1' },
    { name: 'into single calls', parts: [[call('1')], [call('2')]], given: 'a @1 b @2' },
    {
      name: 'into all of them',
      parts: [[textPart('Hm.')], [call('1')], [call('2')]],
      given: 'a "Hm." @1 @2',
    },
  ])('$name is one again', ({ parts, given }) => {
    for (const model of ['claude-opus-5-5', 'claude-sonnet-4-6'])
      expect(
        restore([user, ...parts.map((each) => said(...each)), user], [answer(given, null)], model).turns,
      ).toEqual([u, `assistant: ${given}`, u]);
  });

  it('is not joined with words of another answer', () => {
    const turns = [user, said(textPart('Before.')), said(textPart('Hm.'), call('1')), user];
    expect(restore(turns, [answer('a "Hm." @1', null)]).turns).toEqual([
      u,
      'assistant: "Before."',
      'assistant: a "Hm." @1',
      u,
    ]);
  });
});

describe('on rows that bind thinking, one unbroken run goes back:', () => {
  const bare = (id: string) => said(call(id));
  const own = (signature: string) => said(thought(signature), textPart('x'));

  it.each<{
    readonly name: string;
    readonly turns: readonly AskTurn[];
    readonly answers: readonly RememberedAnswer[];
    readonly expected: readonly string[];
    readonly isAdjusted?: true;
  }>([
    {
      name: 'all of it, where nothing is missing',
      turns: [bare('1'), bare('2'), bare('3')],
      answers: [answer('a @1', null), answer('b @2', 'a'), answer('c @3', 'b')],
      expected: ['a @1', 'b @2', 'c @3'],
    },
    {
      name: 'where one is missing, those before it stay out',
      turns: [bare('1'), bare('2'), bare('3')],
      answers: [answer('a @1', null), answer('c @3', 'b')],
      expected: ['@1', '@2', 'c @3'],
    },
    {
      name: 'and so does what was left out once, though it is there again',
      turns: [bare('1'), bare('2'), bare('3')],
      answers: [answer('a @1', null), answer('b @2', null), answer('c @3', 'b')],
      expected: ['@1', 'b @2', 'c @3'],
    },
    {
      name: 'a final answer that the client did not give back was in no one’s run',
      turns: [bare('1'), said(textPart('x')), bare('3')],
      answers: [answer('a @1', null), answer('f "x"', 'a'), answer('c @3', 'a')],
      expected: ['a @1', '"x"', 'c @3'],
    },
    {
      name: 'an answer without thinking breaks none',
      turns: [bare('1'), bare('2'), bare('3')],
      answers: [answer('a @1', null), answer('@2', null), answer('c @3', 'a')],
      expected: ['a @1', '@2', 'c @3'],
    },
    {
      name: 'the client’s own blocks are held to it as well, reported',
      turns: [own('a'), own('b'), own('c')],
      answers: [answer('a "x"', null), answer('b "x"', 'a'), answer('c "x"', null)],
      expected: ['"x"', '"x"', 'c "x"'],
      isAdjusted: true,
    },
    {
      name: 'where the client has lost one in the middle, the newer ones go',
      turns: [own('a'), said(textPart('x')), own('c')],
      answers: [answer('a "x"', null), answer('b "x"', 'a'), answer('c "x"', 'b')],
      expected: ['"x"', '"x"', 'c "x"'],
      isAdjusted: true,
    },
    {
      name: 'of an answer’s blocks none may be missing in the middle',
      turns: [own('z'), said(thought('a'), thought('c'), call('1'))],
      answers: [answer('a b c @1', 'z'), answer('z "x"', null)],
      expected: ['"x"', 'c @1'],
      isAdjusted: true,
    },
    {
      name: 'blocks of which nothing is known go as they are',
      turns: [own('a'), own('b')],
      answers: [],
      expected: ['a "x"', 'b "x"'],
    },
    {
      name: 'behind them the known ones as well',
      turns: [bare('1'), own('b')],
      answers: [answer('a @1', null)],
      expected: ['a @1', 'b "x"'],
    },
    {
      name: 'what was thought at another upstream stays out, and breaks none',
      turns: [bare('1'), bare('2'), bare('3')],
      answers: [answer('a @1', null), answer('b @2', null, { upstream: 'bedrock' }), answer('c @3', 'a')],
      expected: ['a @1', '@2', 'c @3'],
    },
    {
      name: 'calls of one id in two answers are the newer one’s',
      turns: [bare('1'), bare('1')],
      answers: [answer('a @1', null)],
      expected: ['@1', 'a @1'],
    },
  ])('$name', ({ turns, answers, expected, isAdjusted }) => {
    const { turns: sent, adjusted } = restore(
      turns.flatMap((turn) => [user, turn]),
      answers,
    );
    expect(sent.filter((turn) => turn !== u)).toEqual(expected.map((each) => `assistant: ${each}`));
    expect(adjusted).toEqual(isAdjusted ? ['messages'] : []);
  });

  it('with the lines that stood before an answer, whatever became of its thinking', () => {
    const lines = [
      { type: 'words', text: 'Continue.' },
      { type: 'call-instruction', isDemanded: true, tools: [] },
    ] as const;
    const answers = [answer('a @1', 'gone', { lines }), answer('b @2', null, { upstream: 'bedrock', lines })];
    expect(restore([user, bare('1'), user, bare('2')], answers).turns).toEqual([
      u,
      'user: "Continue." call-instruction',
      'assistant: a @1',
      u,
      'user: "Continue." call-instruction',
      'assistant: @2',
    ]);
  });
});

describe('an answer whose calls a client sends one by one', () => {
  const result = (id: string): AskTurn => ({
    role: 'user',
    parts: [{ type: 'tool-result', id, content: [], isError: false }],
  });
  const known = answer('a1 @1 @2', null);

  it('has its thinking before the first of them', () => {
    const turns = [user, said(call('1')), result('1'), said(call('2')), result('2')];
    expect(restore(turns, [known]).turns.filter((turn) => turn.startsWith('assistant'))).toEqual([
      'assistant: a1 @1',
      'assistant: @2',
    ]);
  });

  it('has it once where the client brings it', () => {
    const turns = [user, said(thought('a1'), call('1')), result('1'), said(call('2')), result('2')];
    const { turns: restored, adjusted } = restore(turns, [known]);
    expect(restored.filter((turn) => turn.startsWith('assistant'))).toEqual([
      'assistant: a1 @1',
      'assistant: @2',
    ]);
    expect(adjusted).toEqual([]);
  });
});

describe('a request without the tools of the others', () => {
  const answers = [
    answer('a1 "x"', null, { hadTools: true }),
    answer('b1 "y"', null, { hadTools: false }),
    answer('c1 "z"', 'a1', { hadTools: true }),
  ];
  const turns = [user, said(thought('a1')), user, said(thought('b1')), user, said(thought('c1')), user];
  const blocks = (hasTools: boolean) =>
    restore(turns, answers, 'claude-opus-5-5', hasTools).turns.filter((turn) => turn.startsWith('assistant'));

  it('does not count: what was said with them fits again once they are back', () => {
    expect(blocks(true)).toEqual(['assistant: a1', 'assistant: ', 'assistant: c1']);
  });

  it('goes without their thinking itself', () => {
    expect(blocks(false)).toEqual(['assistant: ', 'assistant: b1', 'assistant: ']);
  });
});
