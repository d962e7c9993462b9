import { describe, expect, it } from 'vitest';
import { useServer, useSimulator } from '../support/fixtures.ts';

type Fields = Record<string, unknown>;

const simulator = useSimulator();
const server = useServer({ upstream: simulator, env: { LOG_LEVEL: 'silent' } });

const messages = [{ role: 'user', content: 'Hello' }];
const ask = async (body: Fields) => {
  const response = await server.post({ messages, ...body });
  const { error } = (await response.json()) as { error?: { message: string; param: string } };
  return {
    status: response.status,
    error: error?.param,
    ignored: response.headers.get('x-ignored-params'),
    adjusted: response.headers.get('x-adjusted-params'),
  };
};

const models = [
  'claude-4-5-haiku',
  'claude-opus-4-5',
  'claude-opus-4-6',
  'claude-sonnet-5',
  'claude-sonnet-5-5',
  'nova-lite',
  'nova-2-lite',
];

/** What a client sends that spells every default out. */
const spelledOut = {
  n: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  logit_bias: {},
  logprobs: false,
  top_logprobs: 0,
  store: false,
  service_tier: 'auto',
  verbosity: 'medium',
  modalities: ['text'],
  stop: [],
  tools: [],
  tool_choice: 'auto',
  parallel_tool_calls: true,
  response_format: { type: 'text' },
  stream_options: null,
  metadata: { job: '7', customer: 'a b' },
  seed: null,
};

// Behaviour 2
describe('a value that already has its effect is not reported as ignored', () => {
  it.each(models)('on %s', async (model) => {
    const body = { ...spelledOut, allow_ignored_params: false };
    expect(await ask({ model, ...body })).toEqual({ status: 200, ignored: null, adjusted: null });
  });

  it.each([
    { name: 'where a model takes no sampling', body: { model: 'claude-sonnet-5', temperature: 1, top_p: 1 } },
    {
      name: 'where it thinks',
      body: { model: 'claude-4-5-haiku', temperature: 1, top_p: 1, reasoning_effort: 'low' },
    },
    {
      name: 'beside a temperature, a top_p of 1',
      body: { model: 'claude-4-5-haiku', temperature: 0.4, top_p: 1 },
    },
    {
      name: 'thinking on, beside a word that says how much',
      body: { model: 'claude-4-5-haiku', reasoning_effort: 'high', thinking: { type: 'enabled' } },
    },
    {
      name: 'adaptive thinking, beside a word that became a budget',
      body: { model: 'claude-4-5-haiku', reasoning_effort: 'high', thinking: { type: 'adaptive' } },
    },
    {
      name: 'the word alone, beside a form of two fields',
      body: { model: 'claude-opus-5', reasoning_effort: 'low', reasoning: { enabled: true } },
    },
    { name: 'without tools, one call at a time', body: { model: 'nova-lite', parallel_tool_calls: false } },
    { name: 'without tools, a forced one', body: { model: 'nova-lite', tool_choice: 'required' } },
    { name: 'thinking off where there is none', body: { model: 'nova-lite', reasoning_effort: 'none' } },
    { name: 'thinking off where there is none', body: { model: 'nova-lite', reasoning: { enabled: false } } },
  ])('$name', async ({ body }) => {
    expect(await ask(body)).toEqual({ status: 200, ignored: null, adjusted: null });
  });

  it.each([
    { body: { model: 'claude-sonnet-5', temperature: 0.4 }, ignored: 'temperature' },
    { body: { model: 'claude-4-5-haiku', temperature: 0.4, top_p: 0.9 }, ignored: 'top_p' },
    {
      body: {
        model: 'claude-4-5-haiku',
        reasoning_effort: 'low',
        thinking: { type: 'enabled', budget_tokens: 2000 },
      },
      ignored: 'thinking',
    },
    {
      body: {
        model: 'claude-4-5-haiku',
        max_tokens: 500,
        reasoning_effort: 'low',
        thinking: { type: 'enabled' },
      },
      ignored: 'reasoning_effort, thinking',
    },
    { body: { model: 'claude-4-5-haiku', n: 2, verbosity: 'low', seed: 7 }, ignored: 'n, seed, verbosity' },
    {
      body: {
        model: 'nova-lite',
        parallel_tool_calls: false,
        tools: [{ type: 'function', function: { name: 'look' } }],
      },
      ignored: 'parallel_tool_calls',
    },
    {
      body: { model: 'claude-4-5-haiku', parallel_tool_calls: true, functions: [{ name: 'look' }] },
      ignored: 'parallel_tool_calls',
    },
  ])('what has none is: $ignored', async ({ body, ignored }) => {
    const { ignored: told, ...rest } = await ask(body);
    expect(told?.split(', ').sort()).toEqual(ignored.split(', '));
    expect(rest).toEqual({ status: 200, adjusted: null });
  });

  it.each([
    { max_tokens: 0 },
    { max_tokens: -1 },
    { max_completion_tokens: 0 },
    { temperature: 2.1 },
    { temperature: -0.1 },
    { top_p: 1.1 },
    { modalities: ['text', 'audio'] },
  ])('nonsense is a 400 that names it: %j', async (body) => {
    const { status, error } = await ask({ model: 'claude-4-5-haiku', ...body });
    expect({ status, error }).toEqual({ status: 400, error: Object.keys(body)[0] });
  });
});

it('what a response_format says of the whole goes with its schema', async () => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'string' } },
    required: ['a'],
    additionalProperties: false,
  };
  const format = { type: 'json_schema', json_schema: { name: 'x', description: 'A city.', schema } };
  expect(await ask({ model: 'claude-4-5-haiku', response_format: format })).toMatchObject({
    status: 200,
    ignored: null,
  });
  expect(JSON.stringify(simulator.requests.at(-1)?.body)).toContain('A city.');
});

// platform.claude.com/docs/en/build-with-claude/extended-thinking: top_p from 0.95 to 1
describe('top_p beside thinking goes where Claude takes it', () => {
  it.each([
    { top_p: 0.95, sent: 0.95, ignored: null },
    { top_p: 0.97, sent: 0.97, ignored: null },
    { top_p: 0.94, sent: undefined, ignored: 'top_p' },
  ])('$top_p', async ({ top_p, sent, ignored }) => {
    for (const model of ['claude-4-5-haiku', 'claude-sonnet-4-6']) {
      const told = await ask({ model, top_p, temperature: 1, reasoning_effort: 'low' });
      expect(told).toEqual({ status: 200, ignored, adjusted: null });
      const { body } = simulator.requests.at(-1) ?? {};
      expect(body as Fields).toMatchObject({
        max_tokens: expect.anything(),
        ...(sent === undefined ? {} : { top_p: sent }),
      });
      if (sent === undefined) expect(body).not.toHaveProperty('top_p');
    }
  });
});

describe('service_tier default at Bedrock, which serves Claude so anyway', () => {
  const bedrock = useServer({ upstream: simulator, played: ['bedrock'], env: { LOG_LEVEL: 'silent' } });

  it.each([
    { service_tier: 'default', ignored: null },
    { service_tier: 'priority', ignored: 'service_tier' },
    { service_tier: 'flex', ignored: 'service_tier' },
  ])('$service_tier', async ({ service_tier, ignored }) => {
    const response = await bedrock.post({ model: 'claude-4-5-haiku', messages, service_tier });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-ignored-params')).toBe(ignored);
    expect(response.headers.get('x-request-cost')).not.toBeNull();
  });
});
