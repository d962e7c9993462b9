import { describe, expect, it } from 'vitest';
import { parameterNames } from '../../src/api/chat-completions/parameter-names.ts';
import { contextLengthExceeded, invalidRequest } from '../../src/core/errors.ts';
import { BadJson, Corrections, type Question } from '../../src/pipeline/correction.ts';
import type { JsonOutcome } from '../../src/pipeline/json-output.ts';
import { type Body, normalized, targetOf } from '../normalize/fit.ts';

const questionOf = (body: Body, model = 'claude-4-5-haiku'): Question => {
  const { prompt, settings } = normalized(body, { model });
  return { target: targetOf(model), settings, prompt, names: parameterNames };
};

const tooLong = contextLengthExceeded('exceed context limit: 199000 + 32000 > 200000', 200_000);

const outcome: JsonOutcome = {
  text: '["a"]',
  isJson: true,
  problems: ['must be numbers'],
  usage: undefined,
  isJudged: true,
};
const numbers = {
  response_format: {
    type: 'json_schema',
    json_schema: { name: 'numbers', schema: { type: 'array', items: { type: 'number' } } },
  },
};

describe('corrections', () => {
  it('each is made once for a question', () => {
    const corrections = new Corrections();
    const question = questionOf({});
    expect(corrections.next(question, tooLong)?.prompt.maxTokens).toBe(1000);
    expect(corrections.next(question, tooLong)).toBeUndefined();
    expect(new Corrections().next(question, tooLong)).toBeDefined();
  });

  it('leave the question as it is', () => {
    const question = questionOf({});
    const before = structuredClone({ ...question.prompt, texts: undefined });
    new Corrections().next(question, tooLong);
    expect({ ...question.prompt, texts: undefined }).toEqual(before);
  });

  it.each([
    { name: 'a refusal that says nothing of the kind', failure: invalidRequest('messages.0: no') },
    { name: 'a fault of ours', failure: new TypeError('Expected `thinking` or `redacted_thinking`') },
    { name: 'nothing at all', failure: undefined },
  ])('are none for $name', ({ failure }) => {
    expect(new Corrections().next(questionOf({ reasoning_effort: 'medium' }), failure)).toBeUndefined();
  });

  it.each([
    { name: 'JSON that misses the schema', bad: outcome, says: /does not fit the schema/ },
    { name: 'no JSON at all', bad: { ...outcome, isJson: false, problems: [] }, says: /not valid JSON/ },
  ])('ask again for $name', ({ bad, says }) => {
    const corrected = new Corrections().next(questionOf(numbers, 'claude-4-sonnet'), new BadJson(bad));
    expect(corrected?.prompt.turns.at(-1)).toMatchObject({
      role: 'user',
      parts: [{ text: expect.stringMatching(says) }],
    });
    expect(corrected?.adjusted).toBeUndefined();
  });

  it.each([
    { name: 'fits', bad: { ...outcome, problems: [] } },
    { name: 'was cut off', bad: { ...outcome, isJudged: false } },
  ])('do not ask again for JSON that $name', ({ bad }) => {
    const question = questionOf(numbers, 'claude-4-sonnet');
    expect(new Corrections().next(question, new BadJson(bad))).toBeUndefined();
  });

  it('do not ask again where the upstream itself brings the JSON about', () => {
    const question = questionOf({ response_format: { type: 'json_object' } }, 'claude-4-sonnet');
    expect(question.prompt.format.type).toBe('forced-tool');
    expect(new Corrections().next(question, new BadJson(outcome))).toBeUndefined();
  });
});
