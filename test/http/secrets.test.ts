import { describe, expect, it } from 'vitest';
import { readUntilCut } from '../support/cut.ts';
import { serverOfTest, useHttp, useServer, useSimulator } from '../support/fixtures.ts';

const simulator = useSimulator();
const server = useServer({
  upstream: simulator,
  env: {
    INFERENCE_KEY: 'marker-client-key',
    MAX_RETRIES: '0',
    LOG_LEVEL: 'trace',
    CLAUDE_UPSTREAMS: 'anthropic,bedrock',
  },
});

const models = {
  anthropic: 'claude-4-5-haiku',
  'bedrock-invoke': 'claude-4-sonnet',
  'bedrock-converse': 'nova-lite',
};

/** Every header a client could hope to have passed on, or to get in the way with; but for anthropic-beta, which is. */
const hostile = {
  authorization: 'Bearer marker-client-key',
  cookie: 'session=marker-cookie',
  'x-api-key': 'marker-api-key',
  'proxy-authorization': 'Basic marker-proxy',
  'anthropic-version': 'marker-version',
  'x-amz-security-token': 'marker-token',
  'x-amzn-bedrock-guardrailidentifier': 'marker-guardrail',
  'x-forwarded-for': 'marker-forwarded',
  forwarded: 'for=marker-forwarded',
  'x-request-id': 'marker-request-id',
  'user-agent': 'marker-agent',
  referer: 'https://marker.example/',
  origin: 'https://marker.example',
  'x-anything': 'marker-anything',
};

describe('what a client sends as headers', () => {
  it.each(Object.keys(models) as (keyof typeof models)[])('never reaches %s', async (upstream) => {
    for (const stream of [true, false]) {
      const content = 'Hi';
      const response = await server.post(
        { model: models[upstream], stream, messages: [{ role: 'user', content }] },
        hostile,
      );
      expect(response.status).toBe(200);
      await response.text();
      const seen = simulator.requests.at(-1);
      expect(seen?.upstream).toBe(upstream);
      expect(JSON.stringify(seen?.headers)).not.toContain('marker');
      expect(Object.keys(seen?.headers ?? {})).not.toContain('cookie');
    }
  });

  const seen: unknown[] = [];
  const host = useHttp((request, response) => {
    seen.push(request.headers);
    response.writeHead(404).end();
  });

  it('never reaches the host of an image', async () => {
    const open = await serverOfTest({
      upstream: simulator,
      played: ['bedrock'],
      env: { INFERENCE_KEY: 'marker-client-key', IMAGE_FETCH_ALLOW_HOSTS: '127.0.0.1' },
    });
    const url = `${host.url}/a.png`;
    const image = { type: 'image_url', image_url: { url } };
    const response = await open.post(
      { model: 'nova-lite', messages: [{ role: 'user', content: [image] }] },
      hostile,
    );
    expect(response.status).toBe(400);
    expect(seen).toHaveLength(1);
    expect(JSON.stringify(seen)).not.toContain('marker');
    expect(JSON.stringify(seen)).not.toMatch(/test-(bearer|secret|anthropic-key)/);
  });
});

describe('where the upstreams are, and with what they are asked', () => {
  const faults = [
    '[[fault status=401]]',
    '[[fault status=403]]',
    '[[fault status=404]]',
    '[[fault status=429]]',
    '[[fault status=500]]',
    '[[fault html]]',
    '[[fault refuse]]',
    '[[fault reset after=0]]',
    '[[fault reset after=4]]',
    '[[fault end-early after=4]]',
    '[[fault garbage after=4]]',
  ];
  it.each(Object.keys(models) as (keyof typeof models)[])(
    'is told to nobody by failures of %s',
    async (upstream) => {
      let told = '';
      let failures = 0;
      for (const content of faults) {
        for (const stream of [true, false]) {
          const response = await server.post(
            {
              model: models[upstream],
              stream,
              messages: [{ role: 'user', content: `${content} [[length 60]]` }],
            },
            hostile,
          );
          const { text } = await readUntilCut(response);
          if (text.includes('"error"')) failures += 1;
          told += `${JSON.stringify([...response.headers])}${text}`;
        }
      }
      expect(failures).toBe(2 * faults.length);
      told += JSON.stringify(server.logs);
      const ports = [simulator.anthropicUrl, simulator.bedrockUrl].map((url) => new URL(url).port);
      for (const secret of [
        ...ports.map((port) => `127.0.0.1:${port}`),
        'test-anthropic-key',
        'test-bearer',
        'test-secret',
        'AKIATESTTESTTESTTEST',
        'marker-client-key',
        'marker-cookie',
        'marker-api-key',
      ])
        expect(told).not.toContain(secret);
    },
  );
});
