import { describe, expect, it } from 'vitest';
import type { UpstreamName } from '../../src/core/chat.ts';
import { UpstreamFault } from '../../src/core/errors.ts';
import type { KnownUpstream } from '../../src/models/upstreams.ts';
import { type Failure, notTheProtocol, toApiError } from '../../src/providers/errors.ts';
import { expectError } from '../support/errors.ts';
import { useSimulated } from '../support/fixtures.ts';

const upstreams = ['anthropic', 'bedrock', 'bedrock-converse'] as const;

const failureOf = (upstream: UpstreamName, facts: Partial<Failure>): Failure => ({
  origin: { upstream, requestId: 'req_1', rateLimits: {} },
  modelId: 'the-configured-id',
  contextWindow: 200_000,
  status: 500,
  type: 'some_error',
  message: '',
  retryAfter: undefined,
  ...facts,
});

/** What the client sees of it; `retryAfter` and `shouldRetry` are headers, absent unless named. */
interface Seen {
  readonly status: number;
  readonly code: string | null;
  readonly type?: string;
  readonly retryAfter?: string;
  readonly final?: true;
}

const invalid: Seen = { status: 400, code: null, type: 'invalid_request_error' };
const tooLong: Seen = { status: 400, code: 'context_length_exceeded', type: 'invalid_request_error' };
const gone: Seen = { status: 404, code: 'model_not_found', type: 'invalid_request_error', final: true };
const credential: Seen = { status: 502, code: 'upstream_credential_refused', final: true };
const spent: Seen = {
  status: 429,
  code: 'insufficient_quota',
  type: 'rate_limit_error',
  retryAfter: '60',
  final: true,
};
const rate: Seen = { status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error', retryAfter: '2' };
const busy: Seen = { status: 503, code: 'overloaded', retryAfter: '2' };
const late: Seen = { status: 504, code: 'upstream_timeout' };
const failed: Seen = { status: 502, code: 'upstream_error' };
const unreadable: Seen = { status: 502, code: 'malformed_model_output', final: true };

interface Row extends Seen {
  readonly given: number;
  readonly says?: string;
  readonly wait?: number;
}

// Behaviour 8.4
describe.each(upstreams)('a refusal of %s', (upstream) => {
  it.each<Row>([
    { given: 400, says: 'messages.0.content: too short', ...invalid },
    { given: 400, ...invalid },
    { given: 400, says: 'prompt is too long: 210000 tokens > 200000 maximum', ...tooLong },
    {
      given: 400,
      says: 'input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000, decrease it',
      ...tooLong,
    },
    { given: 400, says: 'Input Tokens Exceeded: the limit is 300000', ...tooLong },
    { given: 400, says: 'Input is too long for requested model.', ...tooLong },
    { given: 400, says: 'The model returned: exceeds the maximum context length', ...tooLong },
    { given: 400, says: 'The provided model identifier is invalid.', ...gone },
    {
      given: 400,
      says: "Invocation of model ID amazon.nova with on-demand throughput isn't supported. Retry.",
      ...gone,
    },
    {
      given: 400,
      says: 'Invocation of model ID amazon.nova with on-demand throughput isn\u2019t supported. Retry.',
      ...gone,
    },
    { given: 400, says: 'Your credit balance is too low to access the Anthropic API.', ...spent },
    { given: 400, says: 'You have reached your specified API usage limits. Regain access on ...', ...spent },
    // The client's own words in the message: no quota of ours.
    { given: 400, says: "tools.0.custom.input_schema: property 'quota' is not valid", ...invalid },
    { given: 400, says: "tools.0.custom.name: 'set_spend limit' should match pattern", ...invalid },
    { given: 401, says: 'invalid x-api-key', ...credential },
    { given: 403, says: 'You do not have access', ...credential },
    { given: 402, says: 'Your account has no money', ...spent },
    { given: 402, ...spent },
    { given: 404, says: 'model: the-configured-id', ...gone },
    { given: 408, ...late },
    { given: 409, ...failed },
    { given: 413, status: 413, code: 'request_too_large', type: 'invalid_request_error' },
    { given: 422, ...failed },
    { given: 424, says: 'Model produced invalid sequence as part of ToolUse.', ...unreadable },
    { given: 424, says: 'The model could not be processed', ...failed },
    { given: 429, says: 'This request would exceed the rate limit of 50 requests per minute.', ...rate },
    { given: 429, ...rate },
    { given: 429, wait: 0.2, ...rate, retryAfter: '1' },
    { given: 429, wait: 13.1, ...rate, retryAfter: '14' },
    { given: 429, says: 'Too many requests, please wait before trying again.', ...rate },
    { given: 429, says: 'Too many tokens, please wait before trying again.', ...rate },
    { given: 429, says: 'Too many tokens per day, please wait before trying again.', ...spent },
    { given: 429, says: 'You have exceeded your current quota.', wait: 100, ...spent, retryAfter: '100' },
    { given: 500, ...failed },
    { given: 502, ...failed },
    { given: 503, ...busy },
    { given: 503, wait: 7, ...busy, retryAfter: '7' },
    { given: 503, wait: 0, ...busy, retryAfter: '1' },
    { given: 504, ...late },
    { given: 529, ...busy },
    { given: 418, ...failed },
    { given: 599, ...failed },
  ])('$given "$says" is a $status $code', (row) => {
    const { given, says = '', wait, status, code, type = 'server_error', retryAfter, final } = row;
    const error = toApiError(failureOf(upstream, { status: given, message: says, retryAfter: wait }));
    expect(error).toMatchObject({ status, code, type });
    expect(error.headers).toEqual({
      ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
      ...(final === undefined ? {} : { 'x-should-retry': 'false' }),
    });
    expect(error.message).not.toBe('');
    // For retries and the log: what it was at the upstream, never its words.
    expect(error.cause).toBeInstanceOf(UpstreamFault);
    expect(error.cause).toMatchObject({ status: given, type: 'some_error', origin: { upstream } });
    if (says !== '') expect((error.cause as Error).message).not.toContain(says);
    // Its words are the client's where they are about the request or the rate, and nobody's otherwise.
    if (says !== '' && code === 'context_length_exceeded') {
      expect(error.message).toContain("This model's maximum context length is 200000 tokens");
      expect(error.message).toContain('prompt is too long');
      expect(error.message).toContain(says);
    } else if (says !== '' && (status === 400 || status === 429)) expect(error.message).toBe(says);
    else if (says !== '' && code !== 'model_not_found') expect(error.message).not.toContain(says);
    if (code === 'model_not_found') expect(error.message).toContain('the-configured-id');
  });

  it('a 200 that is not its protocol is a 502', () => {
    const { origin } = failureOf(upstream, {});
    expect(notTheProtocol(origin)).toMatchObject({
      ...failed,
      headers: {},
      cause: { origin },
      retryable: 'nowhere',
      isOutage: false,
    });
  });

  // Behaviour 8.2, 8.3
  it.each([
    { statuses: [400, 404, 413, 418, 422, 424], retryable: 'nowhere', isOutage: false },
    { statuses: [401, 402, 403], retryable: 'elsewhere', isOutage: false },
    { statuses: [408, 409, 429, 529], retryable: 'anywhere', isOutage: false },
    { statuses: [500, 502, 503, 504], retryable: 'anywhere', isOutage: true },
    { statuses: [501, 599], retryable: 'nowhere', isOutage: true },
  ])('$statuses may be asked again $retryable, and speaks against its health: $isOutage', (row) => {
    for (const status of row.statuses) {
      const { retryable, isOutage } = toApiError(failureOf(upstream, { status }));
      expect({ status, retryable, isOutage }).toEqual({
        status,
        retryable: row.retryable,
        isOutage: row.isOutage,
      });
    }
  });
});

// Behaviour 8.4, 8.5, 1.4
describe('by the upstream\u2019s own names', () => {
  const { simulator, servers } = useSimulated({ MAX_RETRIES: '0' });

  const models = {
    anthropic: 'claude-4-5-haiku',
    bedrock: 'claude-4-sonnet',
    'bedrock-converse': 'nova-lite',
  };
  const ask = (upstream: KnownUpstream, stream: boolean) =>
    servers[upstream === 'anthropic' ? 'anthropic' : 'bedrock'].post({
      model: models[upstream],
      messages: [{ role: 'user', content: 'Hi' }],
      stream,
    });

  const expectSeen = async (response: Response, upstream: KnownUpstream, seen: Seen) => {
    const error = expectError(await response.text(), response.headers);
    const { status, code, type = 'server_error', retryAfter = null, final } = seen;
    expect({ status: response.status, code: error.code, type: error.type }).toEqual({ status, code, type });
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    expect(response.headers.get('x-should-retry')).toBe(final === undefined ? null : 'false');
    expect(response.headers.get('x-upstream')).toBe(upstream);
    expect(response.headers.get('x-upstream-request-id')).toBeTruthy();
  };

  const anthropicTypes = [
    { type: 'invalid_request_error', status: 400, seen: invalid },
    { type: 'authentication_error', status: 401, seen: credential },
    { type: 'billing_error', status: 402, seen: spent },
    { type: 'permission_error', status: 403, seen: credential },
    { type: 'not_found_error', status: 404, seen: gone },
    { type: 'rate_limit_error', status: 429, seen: rate },
    { type: 'api_error', status: 500, seen: failed },
    { type: 'timeout_error', status: 504, seen: late },
    { type: 'overloaded_error', status: 529, seen: busy },
    { type: 'some_new_error', status: 599, seen: failed },
  ];

  it.each(anthropicTypes)('anthropic: $type, as a status and as the first event', async (row) => {
    const { type, status, seen } = row;
    for (const stream of [false, true]) {
      simulator.inject({ kind: 'status', status, type, message: 'Words.' });
      await expectSeen(await ask('anthropic', stream), 'anthropic', seen);
    }
    simulator.inject({ kind: 'error-event', afterEvents: 0, type, message: 'Words.' });
    await expectSeen(await ask('anthropic', true), 'anthropic', seen);
  });

  it.each([
    { type: 'ValidationException', status: 400, seen: invalid },
    { type: 'ConflictException', status: 409, seen: invalid },
    { type: 'AccessDeniedException', status: 403, seen: credential },
    { type: 'UnrecognizedClientException', status: 403, seen: credential },
    { type: 'ExpiredTokenException', status: 403, seen: credential },
    { type: 'InvalidSignatureException', status: 403, seen: credential },
    { type: 'ResourceNotFoundException', status: 404, seen: gone },
    { type: 'ModelTimeoutException', status: 408, seen: late },
    { type: 'ModelErrorException', status: 424, seen: failed },
    { type: 'ModelStreamErrorException', status: 424, seen: failed },
    { type: 'ThrottlingException', status: 429, seen: rate },
    // Bedrock's own status says less than the name.
    { type: 'ServiceQuotaExceededException', status: 400, seen: spent },
    { type: 'ModelNotReadyException', status: 429, seen: busy },
    { type: 'InternalServerException', status: 500, seen: failed },
    { type: 'ServiceUnavailableException', status: 503, seen: busy },
    { type: 'SomeNewException', status: 500, seen: failed },
  ])('Bedrock: $type, as a status and as the first frame', async ({ type, status, seen }) => {
    for (const upstream of ['bedrock', 'bedrock-converse'] as const) {
      for (const stream of [false, true]) {
        simulator.inject({ kind: 'status', status, type, message: 'Words.' });
        await expectSeen(await ask(upstream, stream), upstream, seen);
      }
      const inFrame = type.charAt(0).toLowerCase() + type.slice(1);
      simulator.inject({ kind: 'error-event', afterEvents: 0, type: inFrame, message: 'Words.' });
      await expectSeen(await ask(upstream, true), upstream, seen);
    }
  });

  it.each(upstreams)('%s: a 429 passes on the wait and the words', async (upstream) => {
    for (const [header, seen] of [
      [{ 'retry-after': '9' }, '9'],
      [{ 'retry-after': new Date(Date.now() + 30_000).toUTCString() }, expect.stringMatching(/^(29|30)$/)],
      [{ 'retry-after': 'soon' }, '2'],
      [{ 'retry-after-ms': '1e300' }, String(24 * 3600)],
    ] as const) {
      simulator.inject({ kind: 'status', status: 429, message: 'Slow down, you.', headers: header });
      const response = await ask(upstream, false);
      expect(response.headers.get('retry-after')).toEqual(seen);
      expect(expectError(await response.text(), response.headers).message).toBe('Slow down, you.');
    }
  });

  it.each(upstreams)('%s: a page of some proxy is a 502 that quotes nothing', async (upstream) => {
    for (const status of [404, 500, 502, 503]) {
      simulator.inject({ kind: 'html', status });
      const response = await ask(upstream, true);
      const text = await response.text();
      expect(text).not.toMatch(/html|proxy/);
      expectError(text, response.headers);
    }
  });

  it.each(upstreams)('%s: a 200 that is not its protocol is a 502', async (upstream) => {
    for (const stream of [true, false]) {
      simulator.inject({ kind: 'html', status: 200 });
      const response = await ask(upstream, stream);
      expect(response.status).toBe(502);
      expect(response.headers.get('x-upstream')).toBe(upstream);
      expectError(await response.text(), response.headers);
    }
  });
});
