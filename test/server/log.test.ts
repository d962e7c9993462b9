import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  ClientDisconnected,
  credentialRefused,
  internalError,
  invalidRequest,
  UpstreamFault,
  upstreamFailed,
  upstreamTimeout,
} from '../../src/core/errors.ts';
import { notTheProtocol } from '../../src/providers/errors.ts';
import { createLogger, describeError } from '../../src/server/logger.ts';
import { readUntilCut } from '../support/cut.ts';
import { useServer, useSimulator } from '../support/fixtures.ts';
import { pixel } from '../support/images.ts';
import { testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const simulator = useSimulator();
const server = useServer({
  upstream: simulator,
  env: { LOG_LEVEL: 'trace', INFERENCE_KEY: `${testKey},marker-key-5d1f`, MAX_RETRIES: '0' },
});

const say = (content: unknown) => ({ model: 'claude-4-5-haiku', messages: [{ role: 'user', content }] });
const withKey = { authorization: 'Bearer marker-key-5d1f' };

// Behaviour 11.2: never a prompt, a completion, a key, an image, an upstream's text, a refused value.
describe('no log line holds what belongs to a client', () => {
  const requests: readonly { name: string; body: unknown; headers?: Record<string, string> }[] = [
    { name: 'a prompt and its completion', body: say('marker-prompt-5d1f [[say marker-completion-5d1f]]') },
    { name: 'a stream', body: { ...say('marker-prompt-5d1f [[say marker-completion-5d1f]]'), stream: true } },
    { name: 'Nova', body: { ...say('marker-prompt-5d1f'), model: 'nova-lite' } },
    {
      name: 'a system prompt',
      body: {
        ...say('Hi'),
        messages: [
          { role: 'system', content: 'marker-system-5d1f' },
          { role: 'user', content: 'x' },
        ],
      },
    },
    { name: 'a client with the key', body: say('Hi'), headers: withKey },
    { name: 'a wrong key', body: say('Hi'), headers: { authorization: 'Bearer marker-wrong-5d1f' } },
    {
      name: 'an image',
      body: say([{ type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } }]),
    },
    {
      name: 'an image that is none',
      body: say([{ type: 'image_url', image_url: { url: 'data:image/png;base64,bWFya2VyLWltYWdl' } }]),
    },
    { name: 'a refused value', body: { ...say('Hi'), temperature: 'marker-value-5d1f' } },
    {
      name: 'an unknown role',
      body: { ...say('Hi'), messages: [{ role: 'marker-role-5d1f', content: 'x' }] },
    },
    {
      name: 'a refused field whose name is endless',
      body: { ...say('Hi'), metadata: { ['x'.repeat(20_000)]: 5 } },
    },
    {
      name: "an upstream's refusal, which quotes the prompt",
      body: say('[[fault status=400 message="marker-upstream-5d1f"]]'),
    },
    { name: "an upstream's rate limit", body: say('[[fault status=429 message="marker-upstream-5d1f"]]') },
    { name: "an upstream's failure", body: say('[[fault status=500 message="marker-upstream-5d1f"]]') },
    { name: "an upstream's HTML", body: say('[[fault html]] marker-prompt-5d1f') },
    {
      name: 'a stream that breaks',
      body: {
        ...say('[[fault error-event after=4 message="marker-upstream-5d1f"]] [[length 200]]'),
        stream: true,
      },
    },
    { name: 'an end user', body: { ...say('Hi'), user: 'marker-user-5d1f@example.org' } },
    {
      name: 'tool arguments',
      body: {
        ...say('Hi'),
        messages: [
          {
            role: 'assistant',
            tool_calls: [
              { id: 'a', type: 'function', function: { name: 'f', arguments: 'marker-arguments-5d1f' } },
            ],
          },
        ],
      },
    },
  ];

  it('over all kinds of requests', async () => {
    for (const { body, headers } of requests) await readUntilCut(await server.post(body, headers));
    const broken = {
      method: 'POST',
      headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    };
    await fetch(`${server.url}/v1/chat/completions`, { ...broken, body: '{"marker-json-5d1f": oops}' });
    await fetch(`${server.url}/nothing?q=marker-query-5d1f`, {
      headers: { authorization: `Bearer ${testKey}` },
    });
    await until(() => server.logs.length >= requests.length + 2, 'a line for each request');
    const text = JSON.stringify(server.logs);
    expect(text.match(/.{60}5d1f.{20}/g) ?? []).toEqual([]);
    expect(text).not.toContain('marker-');
    expect(text).not.toContain(pixel.slice(0, 40));
    expect(text).not.toContain('bWFya2Vy');
    expect(text).not.toContain(testKey);
    expect(text).not.toContain('sk-ant');
    expect(text).not.toContain('test-anthropic-key');
    expect(text).not.toContain('test-bearer');
    expect(Math.max(...server.logs.map((line) => JSON.stringify(line).length))).toBeLessThan(10_000);
  });

  it('and none grows with the length of a field name', async () => {
    const before = server.logs.length;
    await (await server.post({ ...say('Hi'), ['f'.repeat(100_000)]: 1 })).text();
    await until(() => server.logs.length > before, 'the log line');
    expect(JSON.stringify(server.logs.at(-1)).length).toBeLessThan(3000);
  });
});

describe('an error as the log shows it', () => {
  const origin = { upstream: 'anthropic', requestId: 'req_1', rateLimits: {} } as const;

  it.each([
    {
      name: 'our refusal',
      error: invalidRequest('messages[0].content: secret', 'messages[0].content'),
      shows: { status: 400, param: 'messages[0].content' },
    },
    {
      name: "an upstream's failure",
      error: upstreamFailed('secret', { cause: new UpstreamFault(origin, 500, 'api_error') }),
      shows: {
        cause: {
          upstream: 'anthropic',
          upstream_status: 500,
          upstream_type: 'api_error',
          upstream_request_id: 'req_1',
        },
      },
    },
    { name: 'a crash', error: new Error('secret'), shows: { name: 'Error' } },
    {
      name: 'a crash with a system code',
      error: Object.assign(new Error('secret'), { code: 'ECONNRESET' }),
      shows: { code: 'ECONNRESET' },
    },
    { name: 'a client who left', error: new ClientDisconnected(), shows: { name: 'ClientDisconnected' } },
    { name: 'something thrown that is no error', error: 'secret', shows: { name: 'string' } },
  ])('$name: kind and place, not text', ({ error, shows }) => {
    const shown = describeError(error);
    expect(shown).toMatchObject(shows);
    expect(JSON.stringify(shown)).not.toContain('secret');
  });

  // Behaviour 11.2
  it.each([
    { name: 'a crash', error: new Error('secret') },
    { name: 'a crash while a request was served', error: internalError('req_1', new Error('secret')) },
    {
      name: 'a crash of ours over what an upstream sent',
      error: notTheProtocol(origin, new TypeError('secret')),
    },
  ])('$name has one stack, because the fault is ours', ({ error }) => {
    const shown = JSON.stringify(describeError(error));
    expect(shown).toContain('log.test.ts');
    expect(shown.match(/"stack"/g)).toHaveLength(1);
    expect(shown).not.toContain('secret');
  });

  const lost = Object.assign(new Error('secret'), { name: 'SocketError', code: 'UND_ERR_SOCKET' });
  const lostLater = Object.assign(new UpstreamFault(origin, 502, 'connection_lost'), { cause: lost });
  it.each([
    {
      name: 'a connection that could not be made',
      error: upstreamFailed('secret', { cause: lost }),
      cause: { name: 'SocketError', code: 'UND_ERR_SOCKET' },
    },
    {
      name: 'a connection lost after the headers',
      error: upstreamFailed('secret', { cause: lostLater }),
      cause: { upstream_type: 'connection_lost', name: 'SocketError', code: 'UND_ERR_SOCKET' },
    },
    {
      name: 'a credential that was not found',
      error: credentialRefused('bedrock', Object.assign(new Error('secret'), { name: 'ProviderError' })),
      cause: { name: 'ProviderError' },
    },
    { name: 'a timeout', error: upstreamTimeout('The upstream did not answer in time', 5), cause: undefined },
  ])('$name has no stack, because name and code say it', ({ error, cause }) => {
    const shown = describeError(error);
    expect(JSON.stringify(shown)).not.toContain('stack');
    if (cause !== undefined) expect(shown).toMatchObject({ cause });
  });
});

describe('secrets by name', () => {
  it('are redacted wherever someone logs them', () => {
    const lines: string[] = [];
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        lines.push(chunk.toString());
        done();
      },
    });
    const logger = createLogger('info', sink);
    logger.info(
      {
        authorization: 'secret',
        headers: { authorization: 'secret', 'x-api-key': 'secret', 'api-key': 'secret' },
        config: { apiKey: 'secret', keys: ['secret'], bearerToken: 'secret' },
      },
      'x',
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('secret');
  });
});
