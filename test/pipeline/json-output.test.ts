import { describe, expect, it } from 'vitest';
import type { ChatEvent, FinishKind, Format, Usage } from '../../src/core/chat.ts';
import { ApiError } from '../../src/core/errors.ts';
import { createJsonAnswer } from '../../src/pipeline/json-output.ts';
import { addUsage, repairPrompt } from '../../src/pipeline/json-repair.ts';
import { normalized } from '../normalize/fit.ts';

type JsonFormat = Exclude<Format, { type: 'text' }>;

const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
const instructed: JsonFormat = { type: 'instructed', schema, check: schema };
const forced: JsonFormat = { type: 'forced-tool', name: 'answer', schema, check: schema };
const native: JsonFormat = { type: 'native', schema, check: undefined };

const text = (value: string): ChatEvent => ({ type: 'text', text: value });
const call = (id = '1'): ChatEvent => ({ type: 'tool-call', id, name: 'answer' });
const piece = (value: string): ChatEvent => ({ type: 'tool-arguments', text: value });
const finish = (upstreamReason = 'end_turn'): ChatEvent => {
  const kinds: Readonly<Record<string, FinishKind>> = {
    tool_use: 'tool-calls',
    max_tokens: 'length',
    refusal: 'refusal',
    stop_sequence: 'stop-sequence',
  };
  return { type: 'finish', kind: kinds[upstreamReason] ?? 'end', upstreamReason };
};

/** What the client sees of the events, batch by batch, and how it ended. */
const shaped = (format: JsonFormat, batches: readonly (readonly ChatEvent[])[]) => {
  const answer = createJsonAnswer(format);
  const events = batches.flatMap((batch) => answer.push(batch));
  const failure = (() => {
    try {
      answer.end();
      return undefined;
    } catch (error) {
      return error;
    }
  })();
  return {
    content: events.map((event) => (event.type === 'text' ? event.text : '')).join(''),
    finish: events.flatMap((event) => (event.type === 'finish' ? [event.kind] : [])),
    types: events.map(({ type }) => type),
    failure,
    outcome: answer.outcome(),
  };
};

const cut = (value: string, at: number) => [[text(value.slice(0, at))], [text(value.slice(at))], [finish()]];

describe('JSON said in words', () => {
  it.each([
    '{"a":"x"}',
    'Sure! Here it is:\n```json\n{"a":"x"}\n```\nAnything else?',
    '{"a":"br{ack}ets [and] \\"quotes\\" \\\\"} and {"more": 1}',
    ' {"a":"\\ud83d\\ude00 😀","deep":[{"b":{}}]}trailing',
  ])('is passed through pure wherever it is cut: %s', (said) => {
    const whole = shaped(instructed, cut(said, said.length));
    expect(whole.failure).toBeUndefined();
    expect(JSON.parse(whole.content)).toHaveProperty('a');
    for (let at = 0; at < said.length; at++) {
      expect(shaped(instructed, cut(said, at)).content, `cut at ${at}`).toBe(whole.content);
    }
    const letters = shaped(instructed, [...[...said].map((letter) => [text(letter)]), [finish()]]);
    expect(letters.content).toBe(whole.content);
  });

  it('comes as it is written: no delta waits for the end', () => {
    const answer = createJsonAnswer(instructed);
    expect(answer.push([text('So: {"a":')])).toEqual([text('{"a":')]);
    expect(answer.push([text('"x')])).toEqual([text('"x')]);
  });

  it('a bracket in prose is no array, unless an array was asked for', () => {
    expect(shaped(instructed, cut('As in [1]: {"a":"x"}', 3)).content).toBe('{"a":"x"}');
    const list: JsonFormat = { type: 'instructed', schema: { type: 'array' }, check: undefined };
    expect(shaped(list, cut('Here: [{"a":1},2] !', 8)).content).toBe('[{"a":1},2]');
  });

  it('a list among the alternatives is passed through whole, and a bare value as it is', () => {
    const mixed = { anyOf: [{ type: 'array' }, { type: 'object' }] };
    const either: JsonFormat = { type: 'instructed', schema: mixed, check: mixed };
    expect(shaped(either, cut('```json\n[{"a":1},{"a":2}]\n```', 12)).content).toBe('[{"a":1},{"a":2}]');
    const bare: JsonFormat = { type: 'instructed', schema: { type: 'string' }, check: { type: 'string' } };
    expect(shaped(bare, cut('"hello"', 3))).toMatchObject({ content: '"hello"', failure: undefined });
  });

  it('what misses the schema is delivered, with the problems named', () => {
    const { content, failure, finish: ends, outcome } = shaped(instructed, cut('{"b":1}', 2));
    expect([content, failure, ends]).toEqual(['{"b":1}', undefined, ['end']]);
    expect(outcome).toMatchObject({ isJson: true, isJudged: true });
    expect(outcome.problems.length).toBeGreaterThan(0);
  });

  it.each(['I cannot.', '', '{"a":"x'])('what is no JSON is a 502 without a finish: %j', (said) => {
    const { finish: ends, failure, outcome } = shaped(instructed, [[text(said)], [finish()]]);
    expect(failure).toBeInstanceOf(ApiError);
    expect(failure).toMatchObject({ status: 502, code: 'malformed_model_output' });
    expect(ends).toEqual([]);
    expect(outcome).toMatchObject({ isJson: false, isJudged: true, text: said });
  });

  it.each([
    ['max_tokens', 'length'],
    ['refusal', 'refusal'],
    ['stop_sequence', 'stop-sequence'],
  ])('cut off by %s there is nothing to hold against a schema', (reason, expected) => {
    const { finish: ends, failure, outcome } = shaped(instructed, [[text('{"a":"x')], [finish(reason)]]);
    expect([ends, failure, outcome.isJudged]).toEqual([[expected], undefined, false]);
  });

  // Behaviour 4.6: text beside calls is kept.
  it("a call of the client's own tools instead is passed on, with what was said before it", () => {
    const events = [text('I will look.'), call('7'), piece('{}'), finish('tool_use')];
    const { types, failure, content } = shaped(instructed, [events]);
    const expected = ['text', 'tool-call', 'tool-arguments', 'finish'];
    expect([types, failure, content]).toEqual([expected, undefined, 'I will look.']);
  });

  it('reasoning and usage are passed on, the usage also told with the outcome', () => {
    const usage: Usage = { input: 1, cacheRead: 2, cacheWrite: 3, output: 4 };
    const events: ChatEvent[] = [
      { type: 'reasoning', text: 'Hm' },
      { type: 'usage', usage },
      text('{"a":"x"}'),
      finish(),
    ];
    const { types, outcome } = shaped(instructed, [events]);
    expect(types).toEqual(['reasoning', 'usage', 'text', 'finish']);
    expect(outcome.usage).toEqual(usage);
  });
});

describe('JSON as the arguments of a forced tool', () => {
  it('is the content, and the call is nowhere to be seen', () => {
    const {
      content,
      types,
      finish: ends,
    } = shaped(forced, [[call(), piece('{"a":')], [piece('"x"}')], [finish('tool_use')]]);
    expect([content, ends]).toEqual(['{"a":"x"}', ['end']]);
    expect(types).toEqual(['text', 'text', 'finish']);
  });

  it('words beside the call and a second call are noise', () => {
    const events = [
      text('Sure {'),
      call('1'),
      piece('{"a":"x"}'),
      call('2'),
      piece('{"a":"y"}'),
      finish('tool_use'),
    ];
    expect(shaped(forced, [events]).content).toBe('{"a":"x"}');
  });

  it('said in words although a call was demanded', () => {
    expect(shaped(forced, [[text('{"a":'), text('"x"}'), finish()]]).content).toBe('{"a":"x"}');
    expect(shaped(forced, [[text('No.'), finish()]]).failure).toMatchObject({ status: 502 });
  });

  it('cut off by the limit it is passed on as it is', () => {
    const {
      content,
      finish: ends,
      failure,
    } = shaped(forced, [[call(), piece('{"a":"x'), finish('max_tokens')]]);
    expect([content, ends, failure]).toEqual(['{"a":"x', ['length'], undefined]);
  });

  it('refused there is nothing', () => {
    const { content, finish: ends, failure } = shaped(forced, [[text('I cannot help.'), finish('refusal')]]);
    expect([content, ends, failure]).toEqual(['', ['refusal'], undefined]);
  });
});

it('native JSON is passed on as it is, and checked for being JSON', () => {
  expect(shaped(native, [[text(' {"a":"x"}'), finish()]]).content).toBe(' {"a":"x"}');
  expect(shaped(native, [[text('oops'), finish()]]).failure).toMatchObject({ status: 502 });
});

describe('one more try', () => {
  const { prompt } = normalized({});
  const outcome = { text: 'almost', isJson: false, problems: [], usage: undefined, isJudged: true };

  it('shows the model what it said and what was wrong', () => {
    const { turns } = repairPrompt(prompt, outcome);
    expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(turns[1]?.parts).toEqual([{ type: 'text', text: 'almost' }]);
  });

  it('names at most ten problems', () => {
    const problems = Array.from({ length: 50 }, (_, index) => `problem ${index};`);
    const said = JSON.stringify(repairPrompt(prompt, { ...outcome, isJson: true, problems }).turns);
    expect(said).toContain('problem 9;');
    expect(said).not.toContain('problem 10;');
  });

  it('an empty answer leaves no empty turn behind', () => {
    const { turns } = repairPrompt(prompt, { ...outcome, text: ' ' });
    expect(turns).toHaveLength(1);
    expect(turns[0]?.parts).toHaveLength(2);
  });

  it('is paid for as well', () => {
    const first: Usage = { input: 1, cacheRead: 2, cacheWrite: 3, output: 4, reasoning: 1 };
    const second: Usage = { input: 10, cacheRead: 20, cacheWrite: 30, output: 40 };
    expect(addUsage(first, second)).toEqual({
      input: 11,
      cacheRead: 22,
      cacheWrite: 33,
      output: 44,
      reasoning: 1,
      tries: [first, second],
    });
    expect(addUsage(undefined, second)).toEqual(second);
    expect(addUsage(first, undefined)).toEqual(first);
    expect(addUsage(second, second)?.reasoning).toBeUndefined();
  });
});
