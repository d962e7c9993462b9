/** What an answer cost, told in the header, the usage and the log. Behaviour 7.9. */

import { describe, expect, it } from 'vitest';
import { useScripted, useServer, useSimulator } from '../support/fixtures.ts';
import type { Fields } from '../support/replay.ts';
import { textBlock } from '../support/scripted-upstream.ts';
import { type TestServer, testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { cached_tokens: number; cache_write_tokens: number };
  readonly cost?: number;
  readonly cost_details?: Record<string, number>;
}

interface Told {
  readonly response: Response;
  readonly usage: Usage | undefined;
  readonly line: Record<string, unknown>;
}

const chunksOf = (text: string) =>
  text
    .split('\n\n')
    .filter((each) => each.startsWith('data: {'))
    .map((each) => JSON.parse(each.slice('data: '.length)) as { choices: unknown[]; usage?: Usage | null });

const askAt = async (server: TestServer, body: object): Promise<Told> => {
  server.clearLogs();
  const response = await server.post({ messages: [{ role: 'user', content: 'Say hello.' }], ...body });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  await until(() => server.logs.length > 0, 'the log line');
  const usage = text.startsWith('data:')
    ? (chunksOf(text).findLast((chunk) => chunk.choices.length === 0)?.usage ?? undefined)
    : (JSON.parse(text) as { usage?: Usage }).usage;
  return { response, usage, line: server.logs.at(-1) ?? {} };
};

const included = { usage: { include: true } };
const streamed = { ...included, stream: true };

// ---- against the simulator --------------------------------------------------------------------------

describe('through the simulator', () => {
  const simulator = useSimulator();
  const env = { MAX_RETRIES: '0' };
  const server = useServer({
    upstream: simulator,
    env,
    models: [{ id: 'priceless', like: 'claude-4-5-haiku', price: null }],
  });
  const bedrock = useServer({
    upstream: simulator,
    played: ['bedrock'],
    env: { ...env, AWS_REGION: 'eu-west-1' },
    models: [
      {
        id: 'agreed',
        like: 'claude-4-5-haiku',
        price: { input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.6 },
      },
    ],
  });

  /** USD a million tokens, of prompts without anything cached. */
  const priced = [
    { name: 'Claude at the Anthropic API', at: 'server', model: 'claude-4-5-haiku', input: 1, output: 5 },
    { name: "Claude in Bedrock's EU", at: 'bedrock', model: 'claude-4-5-haiku', input: 1.1, output: 5.5 },
    { name: 'an older Claude there', at: 'bedrock', model: 'claude-4-sonnet', input: 3, output: 15 },
    { name: 'Nova 1 in the US', at: 'server', model: 'nova-lite', input: 0.06, output: 0.24 },
    { name: 'Nova 1 in the EU', at: 'bedrock', model: 'nova-lite', input: 0.069, output: 0.276 },
    { name: 'Nova 2 in the US', at: 'server', model: 'nova-2-lite', input: 0.33, output: 2.75 },
    { name: 'a price of the operator, wherever', at: 'bedrock', model: 'agreed', input: 0.5, output: 2.5 },
  ] as const;

  it.each(
    priced.flatMap((row) => [
      { ...row, stream: false },
      { ...row, stream: true },
    ]),
  )('$name, stream: $stream', async ({ at, model, input, output, stream }) => {
    const asked = at === 'server' ? server : bedrock;
    const { response, usage, line } = await askAt(asked, { model, ...included, stream });
    if (usage === undefined) throw new Error('no usage');
    const prompt = (usage.prompt_tokens * input) / 1e6;
    const completion = (usage.completion_tokens * output) / 1e6;
    expect(usage.cost).toBeCloseTo(prompt + completion, 12);
    expect(usage.cost).toBeGreaterThan(0);
    expect(usage.cost_details).toEqual({
      upstream_inference_cost: usage.cost,
      upstream_inference_prompt_cost: expect.closeTo(prompt, 12),
      upstream_inference_completions_cost: expect.closeTo(completion, 12),
    });
    expect(line.cost_usd).toBe(usage.cost);
    // A stream's headers have left long before.
    const header = response.headers.get('x-request-cost');
    if (stream) expect(header).toBeNull();
    else {
      expect(header).toMatch(/^0\.\d{5,12}$/);
      expect(Number(header)).toBe(usage.cost);
    }
    expect(response.headers.get('x-ignored-params')).toBeNull();
  });

  it.each([
    { service_tier: 'flex', factor: 0.5 },
    { service_tier: 'priority', factor: 1.75 },
    { service_tier: 'default', factor: 1 },
    { service_tier: 'auto', factor: 1 },
  ])(
    'Nova 2 Lite served by the tier $service_tier costs $factor times as much',
    async ({ service_tier, factor }) => {
      const { usage } = await askAt(server, { model: 'nova-2-lite', ...included, service_tier });
      if (usage === undefined) throw new Error('no usage');
      const list = (usage.prompt_tokens * 0.33 + usage.completion_tokens * 2.75) / 1e6;
      expect(usage.cost).toBeCloseTo(list * factor, 12);
    },
  );

  it.each([
    { name: 'a tier without a price', body: { model: 'nova-lite', service_tier: 'flex' } },
    { name: 'a model without a price', body: { model: 'priceless' } },
  ])('$name: no figure anywhere, and no nought', async ({ body }) => {
    for (const stream of [false, true]) {
      const { response, usage, line } = await askAt(server, { ...body, ...included, stream });
      expect(usage?.total_tokens).toBeGreaterThan(0);
      expect(usage).not.toHaveProperty('cost');
      expect(usage).not.toHaveProperty('cost_details');
      expect(line).not.toHaveProperty('cost_usd');
      expect(response.headers.get('x-request-cost')).toBeNull();
    }
  });

  it('a cache written for an hour costs twice the input, for five minutes 1.25 times, and a tenth to read', async () => {
    const prompts = (['1h', '5m'] as const).map((ttl) => ({
      ttl,
      messages: [
        {
          role: 'system',
          content: [
            {
              type: 'text',
              text: `${ttl}. ${'Answer in one short sentence. '.repeat(1500)}`,
              cache_control: { type: 'ephemeral', ttl },
            },
          ],
        },
        { role: 'user', content: 'Say hello.' },
      ],
    }));
    for (const { ttl, messages } of prompts) {
      const body = { model: 'claude-4-5-haiku', messages, ...included };
      const { usage: written, line } = await askAt(server, body);
      const { usage: read } = await askAt(server, { ...body, stream: true });
      if (written === undefined || read === undefined) throw new Error('no usage');
      const { cache_write_tokens: tokens } = written.prompt_tokens_details;
      expect(tokens).toBeGreaterThan(4096);
      expect(read.prompt_tokens_details.cached_tokens).toBe(tokens);
      const fresh = written.prompt_tokens - tokens;
      const rate = ttl === '1h' ? 2 : 1.25;
      expect(written.cost_details?.upstream_inference_prompt_cost).toBeCloseTo(
        (fresh + tokens * rate) / 1e6,
        12,
      );
      expect(read.cost_details?.upstream_inference_prompt_cost).toBeCloseTo((fresh + tokens * 0.1) / 1e6, 12);
      expect(line.cache_write_1h_tokens).toBe(ttl === '1h' ? tokens : undefined);
    }
    const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${testKey}` } });
    expect(await metrics.text()).toMatch(/parley_tokens_total\{.*kind="cache_write_1h"\} [1-9]/);
  });

  it('without being asked for, the cost stands in the header and the log alone', async () => {
    for (const usage of [undefined, null, {}, { include: false }]) {
      const told = await askAt(server, { model: 'claude-4-5-haiku', usage });
      expect(told.usage).not.toHaveProperty('cost');
      expect(told.response.headers.get('x-request-cost')).toBe(String(told.line.cost_usd));
      expect(told.response.headers.get('x-ignored-params')).toBeNull();
    }
  });

  it('a stream that is asked for its cost sends its usage, without being asked for that as well', async () => {
    const response = await server.post({
      model: 'claude-4-5-haiku',
      messages: [{ role: 'user', content: 'Hi' }],
      ...streamed,
    });
    const chunks = chunksOf(await response.text());
    expect(chunks.slice(0, -1).map((chunk) => chunk.usage)).toEqual(chunks.slice(1).map(() => null));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { cost: expect.any(Number) } });
    const { usage } = await askAt(server, { model: 'claude-4-5-haiku', ...streamed });
    expect(usage?.cost).toBeGreaterThan(0);
    const { usage: both } = await askAt(server, {
      model: 'claude-4-5-haiku',
      ...streamed,
      stream_options: { include_usage: true },
    });
    expect(both).toEqual(usage);
    const { usage: tokensAlone } = await askAt(server, {
      model: 'claude-4-5-haiku',
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(tokensAlone).not.toHaveProperty('cost');
  });

  it.each([
    { usage: 'yes', param: 'usage' },
    { usage: { include: 1 }, param: 'usage.include' },
  ])('a wish in another form is refused with its path: $param', async ({ usage, param }) => {
    const messages = [{ role: 'user', content: 'Hi' }];
    const response = await server.post({ model: 'claude-4-5-haiku', messages, usage });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param, type: 'invalid_request_error' } });
  });

  it('the price that /v1/models shows is that of the place that would be asked', async () => {
    const shown = await fetch(`${bedrock.url}/v1/models/claude-4-5-haiku`, {
      headers: { authorization: `Bearer ${testKey}` },
    });
    expect(await shown.json()).toMatchObject({ price_usd_per_million_tokens: { input: 1.1, output: 5.5 } });
  });
});

// ---- against an upstream that says what it is told to say -------------------------------------------

describe('from what the upstream tells', () => {
  const { upstream, server } = useScripted({ MAX_RETRIES: '0' });
  const blocks = [textBlock('Hello')];

  const claude = 'claude-opus-5-5';
  const tokens = { input_tokens: 1000, output_tokens: 100 };
  /** 4 and 20 USD a million tokens. */
  const list = 0.006;

  const messages: { name: string; usage: Fields; last?: Fields; prompt: number; cost: number | undefined }[] =
    [
      { name: 'input and output alone', usage: tokens, prompt: 1000, cost: list },
      {
        name: 'writes for both lifetimes',
        usage: {
          ...tokens,
          cache_creation_input_tokens: 3000,
          cache_read_input_tokens: 500,
          cache_creation: { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 2000 },
        },
        prompt: 4500,
        cost: list + (1000 * 5 + 2000 * 8 + 500 * 0.2) / 1e6,
      },
      {
        name: 'writes by lifetime and no sum of them',
        usage: {
          ...tokens,
          cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 2000 },
        },
        prompt: 3000,
        cost: list + (2000 * 8) / 1e6,
      },
      {
        name: 'later figures that lack the lifetimes, or are null',
        usage: {
          ...tokens,
          output_tokens: 1,
          cache_creation_input_tokens: 2000,
          cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 2000 },
          service_tier: 'standard',
        },
        last: { ...tokens, cache_creation_input_tokens: 2000, cache_read_input_tokens: null },
        prompt: 3000,
        cost: list + (2000 * 8) / 1e6,
      },
      { name: 'the usual tier', usage: { ...tokens, service_tier: 'standard' }, prompt: 1000, cost: list },
      {
        name: 'a tier by contract',
        usage: { ...tokens, service_tier: 'priority' },
        prompt: 1000,
        cost: undefined,
      },
      { name: 'kept in the US', usage: { ...tokens, inference_geo: 'us' }, prompt: 1000, cost: list * 1.1 },
      { name: 'anywhere', usage: { ...tokens, inference_geo: 'not_available' }, prompt: 1000, cost: list },
    ];
  it.each(messages)(
    'the Messages API: $name, plain and streamed alike',
    async ({ usage, last, prompt, cost }) => {
      upstream.answer(({ stream }) =>
        stream === true
          ? { blocks, firstUsage: usage, usage: last ?? usage }
          : { blocks, usage: { ...usage, ...last } },
      );
      const plain = await askAt(server, { model: claude, ...included });
      const stream = await askAt(server, { model: claude, ...streamed });
      expect(stream.usage).toEqual(plain.usage);
      expect(plain.usage).toMatchObject({ prompt_tokens: prompt, completion_tokens: 100 });
      if (cost === undefined) expect(plain.usage).not.toHaveProperty('cost');
      else expect(plain.usage?.cost).toBeCloseTo(cost, 12);
    },
  );

  const converseTokens = { inputTokens: 1000, outputTokens: 100, totalTokens: 1100 };
  const nova = 'nova-2-lite';
  /** .33 and 2.75 USD a million tokens by the US profile. */
  const novaList = 0.000605;
  const answers: { name: string; usage: Fields; more?: Fields; prompt: number; cost: number | undefined }[] =
    [
      { name: 'input and output alone', usage: converseTokens, prompt: 1000, cost: novaList },
      {
        name: "the cache's figures, of which one stands under its other name",
        usage: {
          ...converseTokens,
          cacheReadInputTokens: 200,
          cacheWriteInputTokenCount: 300,
          totalTokens: 1600,
        },
        prompt: 1500,
        cost: novaList + (200 * 0.0825 + 300 * 0.33) / 1e6,
      },
      {
        name: 'writes for five minutes',
        usage: {
          ...converseTokens,
          cacheWriteInputTokens: 300,
          cacheDetails: [{ ttl: '5m', inputTokens: 300 }],
          totalTokens: 1400,
        },
        prompt: 1300,
        cost: novaList + (300 * 0.33) / 1e6,
      },
      {
        name: 'writes for an hour, which have no price there',
        usage: {
          ...converseTokens,
          cacheWriteInputTokens: 300,
          cacheDetails: [{ ttl: '1h', inputTokens: 300 }],
          totalTokens: 1400,
        },
        prompt: 1300,
        cost: undefined,
      },
      {
        name: 'a tier that it says has served',
        usage: converseTokens,
        more: { serviceTier: { type: 'flex' } },
        prompt: 1000,
        cost: novaList / 2,
      },
      {
        name: 'a reserved tier',
        usage: converseTokens,
        more: { serviceTier: { type: 'reserved' } },
        prompt: 1000,
        cost: undefined,
      },
    ];
  it.each(answers)(
    'Converse: $name, plain and streamed alike',
    async ({ usage, more = {}, prompt, cost }) => {
      upstream.answer({ blocks, usage, more });
      const plain = await askAt(server, { model: nova, ...included });
      const stream = await askAt(server, { model: nova, ...streamed });
      expect(stream.usage).toEqual(plain.usage);
      expect(plain.usage).toMatchObject({
        prompt_tokens: prompt,
        completion_tokens: 100,
        total_tokens: prompt + 100,
      });
      if (cost === undefined) expect(plain.usage).not.toHaveProperty('cost');
      else expect(plain.usage?.cost).toBeCloseTo(cost, 12);
    },
  );

  it('an upstream that tells no usage has none, rather than one of nothing that cost nothing', async () => {
    upstream.answer({ blocks, usage: null });
    for (const model of [claude, nova]) {
      for (const stream of [false, true]) {
        const { usage, response, line } = await askAt(server, { model, ...included, stream });
        expect(usage).toBeUndefined();
        expect(response.headers.get('x-request-cost')).toBeNull();
        expect(line).not.toHaveProperty('cost_usd');
      }
    }
  });

  it('a stream that the client leaves has cost what was used until then', async () => {
    upstream.answer({ blocks, usage: tokens, isOpen: true });
    server.clearLogs();
    const leaving = new AbortController();
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: claude, messages: [{ role: 'user', content: 'Hi' }], stream: true }),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    await until(() => server.logs.length > 0, 'the log line');
    expect(server.logs[0]).toMatchObject({ ended: 'client_gone', prompt_tokens: 1000, cost_usd: list });
  });

  it('an answer that had to be asked for twice costs both tries, each priced by itself', async () => {
    const long = { input_tokens: 60_000, output_tokens: 10 };
    upstream.answer((_, count) => ({
      blocks: [textBlock(count === 1 ? 'No JSON here.' : '{"city":"Paris"}')],
      usage: long,
    }));
    const { usage, response, line } = await askAt(server, {
      model: 'claude-haiku-5-5',
      ...included,
      reasoning_effort: 'low',
      response_format: { type: 'json_object' },
    });
    // Together above the bound of 100,000 tokens from which that model costs five times as much; neither is.
    expect(usage).toMatchObject({ prompt_tokens: 120_000, completion_tokens: 20 });
    expect(usage?.cost).toBeCloseTo(0.012 + 0.00001, 12);
    expect(Number(response.headers.get('x-request-cost'))).toBe(usage?.cost);
    expect(line.cost_usd).toBe(usage?.cost);
  });
});
