import { describe, expect, it } from 'vitest';
import { parameterNames } from '../../src/api/chat-completions/parameter-names.ts';
import { parameters } from '../../src/api/chat-completions/parameters.ts';
import { refuseChanges } from '../../src/normalize/index.ts';
import { parse } from '../support/parse.ts';
import { type Body, type Fitted, hello, normalized, refusal } from './fit.ts';

const opus = 'claude-opus-5-5';
const sonnet4 = 'claude-4-sonnet';

const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];

interface Effect {
  readonly name: string;
  readonly model?: string;
  readonly upstream?: 'anthropic' | 'bedrock';
  readonly defaultMaxTokens?: number;
  readonly input: Body;
  readonly expected: Partial<Fitted['settings']>;
  readonly ignored?: readonly string[];
  readonly adjusted?: readonly string[];
}

const effects: readonly Effect[] = [
  // Behaviour 2, max_completion_tokens and max_tokens.
  {
    name: 'an explicit cap is kept',
    input: { max_tokens: 100 },
    expected: { maxTokens: 100, maxTokensIsExplicit: true },
  },
  {
    name: 'max_completion_tokens wins over a different max_tokens, which is reported',
    input: { max_tokens: 100, max_completion_tokens: 200 },
    expected: { maxTokens: 200 },
    ignored: ['max_tokens'],
  },
  {
    name: 'both spellings of one cap are no conflict',
    input: { max_tokens: 200, max_completion_tokens: 200 },
    expected: { maxTokens: 200 },
  },
  {
    name: 'both spellings of one cap above the maximum are no conflict either',
    input: { max_tokens: 100_000, max_completion_tokens: 100_000 },
    expected: { maxTokens: 64_000 },
    adjusted: ['max_completion_tokens'],
  },
  {
    name: "a cap above the model's maximum is lowered and reported, not refused upstream",
    input: { max_tokens: 1_000_000 },
    expected: { maxTokens: 64_000, maxTokensIsExplicit: true },
    adjusted: ['max_tokens'],
  },
  {
    name: 'no ceiling is made up for a model nobody wrote down',
    model: 'claude-sonnet-9',
    input: { max_tokens: 900_000 },
    expected: { maxTokens: 900_000 },
  },
  {
    name: 'absent: 32,000 on a 200k window',
    input: {},
    expected: { maxTokens: 32_000, maxTokensIsExplicit: false },
  },
  { name: 'absent: 64,000 on a larger window', model: opus, input: {}, expected: { maxTokens: 64_000 } },
  {
    name: "absent: never above the model's maximum",
    model: 'claude-3-5-haiku',
    input: {},
    expected: { maxTokens: 8192 },
  },
  {
    name: 'absent: left out on Converse, which has its own',
    model: 'nova-lite',
    input: {},
    expected: { maxTokens: undefined },
  },
  {
    name: 'absent: DEFAULT_MAX_TOKENS overrides',
    defaultMaxTokens: 1000,
    input: {},
    expected: { maxTokens: 1000, maxTokensIsExplicit: false },
  },
  {
    name: 'absent: DEFAULT_MAX_TOKENS overrides on Converse too',
    model: 'nova-lite',
    defaultMaxTokens: 1000,
    input: {},
    expected: { maxTokens: 1000 },
  },
  {
    name: "DEFAULT_MAX_TOKENS stays within the model's maximum",
    model: 'nova-lite',
    defaultMaxTokens: 50_000,
    input: {},
    expected: { maxTokens: 10_000 },
  },

  // temperature
  { name: 'temperature 0 is a value, not absent', input: { temperature: 0 }, expected: { temperature: 0 } },
  { name: 'temperature up to 1 goes as it is', input: { temperature: 0.7 }, expected: { temperature: 0.7 } },
  {
    name: 'temperature above 1 becomes 1 and is reported',
    input: { temperature: 1.6 },
    expected: { temperature: 1 },
    adjusted: ['temperature'],
  },
  {
    name: 'temperature 2 is still within the range',
    model: 'nova-lite',
    input: { temperature: 2 },
    expected: { temperature: 1 },
    adjusted: ['temperature'],
  },

  // top_p, top_k
  {
    name: 'top_p alone goes as it is',
    input: { top_p: 0.5 },
    expected: { topP: 0.5, temperature: undefined },
  },
  {
    name: 'top_p beside temperature is dropped where the model takes only one',
    input: { temperature: 0.2, top_p: 0.5 },
    expected: { temperature: 0.2, topP: undefined },
    ignored: ['top_p'],
  },
  {
    name: 'top_p beside temperature stays where the model takes both',
    model: sonnet4,
    input: { temperature: 0.2, top_p: 0.5 },
    expected: { temperature: 0.2, topP: 0.5 },
  },
  {
    name: 'top_p beside temperature stays on Nova',
    model: 'nova-pro',
    input: { temperature: 0.2, top_p: 0.5, top_k: 20 },
    expected: { temperature: 0.2, topP: 0.5, topK: 20 },
  },
  { name: 'top_k is an extension both families have', input: { top_k: 5 }, expected: { topK: 5 } },

  // sampling on a model that takes none
  {
    name: 'sampling a model does not take is dropped and reported, not a 400 upstream',
    model: opus,
    input: { temperature: 0.2, top_p: 0.9, top_k: 40 },
    expected: { temperature: undefined, topP: undefined, topK: undefined },
    ignored: ['temperature', 'top_p', 'top_k'],
  },
  {
    name: 'temperature 1 and top_p 1 have their effect where sampling is off',
    model: opus,
    input: { temperature: 1, top_p: 1 },
    expected: { temperature: undefined, topP: undefined },
  },
  {
    name: 'top_k 1 is no neutral value: it is greedy decoding',
    model: opus,
    input: { top_k: 1 },
    expected: { topK: undefined },
    ignored: ['top_k'],
  },
  {
    name: 'sampling beside thinking is dropped and reported',
    input: { reasoning_effort: 'low', temperature: 0.2, top_k: 3 },
    expected: { temperature: undefined, topK: undefined },
    ignored: ['temperature', 'top_k'],
  },
  {
    name: 'temperature 1 and top_p 1 have their effect beside thinking',
    input: { reasoning_effort: 'low', temperature: 1, top_p: 1 },
    expected: { temperature: undefined, topP: undefined },
  },
  {
    name: 'sampling stays when thinking is switched off',
    input: { reasoning_effort: 'none', temperature: 0.2 },
    expected: { temperature: 0.2 },
  },

  // stop
  { name: 'a stop string becomes a list', input: { stop: 'END' }, expected: { stop: ['END'] } },
  { name: 'a stop list stays in order', input: { stop: ['a', 'b'] }, expected: { stop: ['a', 'b'] } },
  {
    name: 'white space around a stop word is part of it',
    input: { stop: ['\nHuman:'] },
    expected: { stop: ['\nHuman:'] },
  },
  {
    name: 'blank stop entries, which upstreams refuse, are dropped and reported',
    input: { stop: ['\n', 'END', ''] },
    expected: { stop: ['END'] },
    adjusted: ['stop'],
  },
  {
    name: 'a stop list of blanks alone leaves nothing',
    input: { stop: ['\n\n', ' '] },
    expected: { stop: [] },
    ignored: ['stop'],
  },
  {
    name: 'a blank stop string leaves nothing',
    input: { stop: '' },
    expected: { stop: [] },
    ignored: ['stop'],
  },
  { name: 'an empty stop list asks for nothing', input: { stop: [] }, expected: { stop: [] } },

  // stream
  { name: 'stream', input: { stream: true }, expected: { stream: true, includeUsage: false } },
  {
    name: 'stream with usage',
    input: { stream: true, stream_options: { include_usage: true } },
    expected: { stream: true, includeUsage: true },
  },
  {
    name: 'usage options of a plain request have no effect',
    input: { stream_options: { include_usage: true } },
    expected: { stream: false },
    ignored: ['stream_options'],
  },
  {
    name: 'stream_options without a wish are nothing',
    input: { stream: true, stream_options: { include_usage: null } },
    expected: { includeUsage: false },
  },

  // user, safety_identifier, metadata
  { name: 'user goes upstream', input: { user: 'u-1' }, expected: { user: 'u-1' } },
  { name: 'safety_identifier goes upstream', input: { safety_identifier: 's-1' }, expected: { user: 's-1' } },
  {
    name: 'of two different identifiers the newer wins, the other is reported',
    input: { user: 'u-1', safety_identifier: 's-1' },
    expected: { user: 's-1' },
    ignored: ['user'],
  },
  {
    name: 'one identifier under both names is no conflict',
    input: { user: 'u-1', safety_identifier: 'u-1' },
    expected: { user: 'u-1' },
  },
  {
    name: 'an e-mail address as user is hashed and reported',
    input: { user: 'ada@example.org' },
    expected: { user: 'cfe00dde46ef942601ffafb9e2825e802858b460e586b8305b344c1eb826357d' },
    adjusted: ['user'],
  },
  { name: 'an empty user names nobody', input: { user: '' }, expected: { user: undefined } },
  {
    name: 'metadata is kept for the log and never reported',
    input: { metadata: { job: '7' } },
    expected: { metadata: { job: '7' }, user: undefined },
  },
  {
    name: "metadata.user_id is Claude's user",
    input: { metadata: { user_id: 'u-1' } },
    expected: { user: 'u-1' },
  },
  {
    name: 'user wins over metadata.user_id',
    input: { metadata: { user_id: 'u-2' }, user: 'u-1' },
    expected: { user: 'u-1' },
  },

  // service_tier
  {
    name: 'service_tier default has an equal',
    input: { service_tier: 'default' },
    expected: { serviceTier: 'default' },
  },
  {
    name: 'service_tier priority has an equal',
    input: { service_tier: 'priority' },
    expected: { serviceTier: 'priority' },
  },
  {
    name: 'service_tier flex has an equal on Nova',
    model: 'nova-lite',
    input: { service_tier: 'flex' },
    expected: { serviceTier: 'flex' },
  },
  {
    name: 'service_tier scale has no equal',
    input: { service_tier: 'scale' },
    expected: { serviceTier: undefined },
    ignored: ['service_tier'],
  },

  // without effect
  ...(
    [
      ['seed', 7],
      ['n', 2],
      ['presence_penalty', 0.5],
      ['frequency_penalty', -1],
      ['logit_bias', { 50256: -100 }],
      ['logprobs', true],
      ['top_logprobs', 3],
      ['verbosity', 'low'],
      ['store', true],
      ['prediction', { type: 'content', content: 'x' }],
      ['prompt_cache_key', 'k'],
      ['web_search_options', {}],
      ['some_unknown_field', false],
    ] as const
  ).map(
    ([parameter, value]): Effect => ({
      name: `${parameter} is accepted, has no effect and is reported`,
      input: { [parameter]: value },
      expected: {},
      ignored: [parameter],
    }),
  ),
  // An SDK user's seed may be any 64-bit integer.
  {
    name: 'a 64-bit seed is accepted',
    input: { seed: 2 ** 63 },
    expected: {},
    ignored: ['seed'],
  },

  // neutral values
  ...(
    [
      { n: 1 },
      { presence_penalty: 0, frequency_penalty: 0 },
      { logit_bias: {} },
      { logprobs: false, top_logprobs: 0 },
      { store: false },
      { service_tier: 'auto' },
      { verbosity: 'medium' },
      { tool_choice: 'auto' },
      { tool_choice: 'required' },
      { tool_choice: 'none', tools: [] },
      { parallel_tool_calls: false },
      { parallel_tool_calls: true, tools },
      { modalities: ['text'] },
      { response_format: { type: 'text' } },
      { stream: false },
      { allow_ignored_params: false },
    ] as const
  ).map(
    (input): Effect => ({
      name: `${JSON.stringify(input).slice(0, 60)} already has its effect and is not reported`,
      input,
      expected: {},
    }),
  ),
];

describe('a parameter has its effect, and every change is reported', () => {
  it.each(effects)('$name', ({ model, upstream, defaultMaxTokens, input, expected, ignored, adjusted }) => {
    const { settings, report } = normalized(input, {
      ...(model === undefined ? {} : { model }),
      ...(upstream === undefined ? {} : { upstream }),
      ...(defaultMaxTokens === undefined ? {} : { defaultMaxTokens }),
    });
    expect(settings).toMatchObject(expected);
    expect(report).toEqual({ ignored: ignored ?? [], adjusted: adjusted ?? [] });
  });
});

describe('null means absent', () => {
  const bare = normalized({});
  it.each(
    Object.keys(parameters)
      .filter((name) => name !== 'model' && name !== 'messages')
      .concat('unknown_field'),
  )('%s: null', (name) => {
    expect(normalized({ [name]: null })).toEqual(bare);
  });

  it.each([
    { name: 'stream_options', input: { stream_options: { include_usage: null, include_obfuscation: null } } },
    {
      name: 'extended_thinking',
      input: { extended_thinking: { enabled: null, budget_tokens: null, include_reasoning: null } },
    },
    { name: 'metadata values', input: { metadata: { a: null } } },
  ])('inside $name', ({ input }) => {
    expect(normalized(input)).toEqual(bare);
  });

  it('inside tools', () => {
    const given = {
      tools: [{ type: null, function: { name: 'look', description: null, parameters: null, strict: null } }],
    };
    const absent = { tools: [{ type: 'function', function: { name: 'look' } }] };
    expect(normalized(given)).toEqual(normalized(absent));
  });
});

interface Refused {
  readonly name: string;
  readonly input: Body;
  readonly param: string;
  readonly says: RegExp;
  readonly code?: string;
}

const refused: readonly Refused[] = [
  {
    name: 'max_tokens 0 would warm a cache upstream and answer nothing',
    input: { max_tokens: 0 },
    param: 'max_tokens',
    says: /greater than 0/,
  },
  {
    name: 'max_completion_tokens 0',
    input: { max_completion_tokens: 0 },
    param: 'max_completion_tokens',
    says: /greater than 0/,
  },
  { name: 'max_tokens negative', input: { max_tokens: -1 }, param: 'max_tokens', says: /greater than 0/ },
  { name: 'max_tokens as a fraction', input: { max_tokens: 1.5 }, param: 'max_tokens', says: /integer/ },
  { name: 'temperature above 2', input: { temperature: 2.1 }, param: 'temperature', says: /at most 2/ },
  { name: 'temperature below 0', input: { temperature: -0.1 }, param: 'temperature', says: /at least 0/ },
  {
    name: 'temperature as text',
    input: { temperature: '0.5' },
    param: 'temperature',
    says: /must be a number/,
  },
  { name: 'top_p above 1', input: { top_p: 1.1 }, param: 'top_p', says: /at most 1/ },
  { name: 'n below 1', input: { n: 0 }, param: 'n', says: /at least 1/ },
  {
    name: 'an effort word that does not exist',
    input: { reasoning_effort: 'extreme' },
    param: 'reasoning_effort',
    says: /must be one of none, minimal/,
  },
  {
    name: 'audio as a modality',
    input: { modalities: ['text', 'audio'] },
    param: 'modalities',
    says: /only "text"/,
    code: 'unsupported_parameter',
  },
  {
    name: 'metadata with more than 16 pairs',
    input: { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`k${at}`, 'v'])) },
    param: 'metadata',
    says: /at most 16/,
  },
  { name: 'no messages', input: { messages: [] }, param: 'messages', says: /must not be empty/ },
  { name: 'messages missing', input: { messages: undefined }, param: 'messages', says: /is required/ },
  {
    name: 'messages null',
    input: { messages: null },
    param: 'messages',
    says: /must be an array|is required/,
  },
  {
    name: 'a list where a tool call belongs',
    input: { messages: [{ role: 'assistant', tool_calls: [[{ id: 'x' }]] }] },
    param: 'messages[0].tool_calls[0]',
    says: /must be an object/,
  },
  { name: 'model missing', input: { model: undefined }, param: 'model', says: /is required/ },
  {
    name: 'an unknown role',
    input: { messages: [{ role: 'robot', content: 'x' }] },
    param: 'messages[0].role',
    says: /must be one of/,
  },
  {
    name: 'an unknown content part, by its path',
    input: {
      messages: [...hello, { role: 'user', content: [{ type: 'text', text: 'x' }, { type: 'video' }] }],
    },
    param: 'messages[1].content[1].type',
    says: /must be one of/,
  },
  {
    name: 'a text part without text, by its path',
    input: { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
    param: 'messages[0].content[0].text',
    says: /is required/,
  },
  {
    name: 'a tool without a name, by its path',
    input: { tools: [{ type: 'function', function: {} }] },
    param: 'tools[0].function.name',
    says: /is required/,
  },
  { name: 'a stop entry of another type', input: { stop: ['a', 5] }, param: 'stop[1]', says: /string/ },
];

describe('a value that cannot be sent is a 400 with its path', () => {
  it.each(refused)('$name', ({ input, param, says, code }) => {
    const error = refusal(() => normalized(input));
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param, code: code ?? null });
    expect(error.message).toMatch(says);
  });

  it.each([null, [], 'text', 5, undefined])('a body that is %j', (body) => {
    expect(refusal(() => parse(body))).toMatchObject({ status: 400, type: 'invalid_request_error' });
  });
});

describe('allow_ignored_params: false', () => {
  it('names everything that was ignored or adjusted in one 400, param the first', () => {
    const { report } = normalized({ seed: 1, n: 3, temperature: 1.5, foo: 1 });
    const error = refusal(() => refuseChanges(report, 'anthropic', parameterNames));
    expect(error).toMatchObject({ status: 400, code: 'unsupported_parameter', param: report.ignored[0] });
    for (const name of ['seed', 'n', 'temperature', 'foo']) expect(error.message).toContain(name);
  });

  it('does not give back as many names as a client cares to make up', () => {
    const { report } = normalized(Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`x${n}`, n])));
    const error = refusal(() => refuseChanges(report, 'anthropic', parameterNames));
    expect(error.message).toContain('x0, x1,');
    expect(error.message).toContain('x49 and 9950 more would have no effect');
    expect(error.message.length).toBeLessThan(1000);
  });

  it('lets a request through in which nothing was changed', () => {
    const { report } = normalized({ seed: null, n: 1, temperature: 1 });
    expect(() => refuseChanges(report, 'anthropic', parameterNames)).not.toThrow();
  });
});

describe('unknown fields', () => {
  it('cannot reach an object prototype', () => {
    const body = JSON.parse('{"__proto__": {"stream": true}, "constructor": 1, "toString": 2}') as Body;
    const { settings, report } = normalized(body);
    expect(settings.stream).toBe(false);
    expect(report.ignored).toEqual(expect.arrayContaining(['constructor', 'toString']));
    expect(({} as { stream?: unknown }).stream).toBeUndefined();
  });
});

describe('the table itself', () => {
  it('holds every parameter that the server began with', () => {
    const documented =
      'model messages max_tokens temperature top_p stream stop tools tool_choice response_format seed n presence_penalty frequency_penalty logit_bias user metadata extended_thinking allow_ignored_params';
    expect(Object.keys(parameters)).toEqual(expect.arrayContaining(documented.split(' ')));
  });
});
