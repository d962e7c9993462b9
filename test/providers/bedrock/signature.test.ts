import { randomBytes, randomInt } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Cancellation } from '../../../src/core/cancellation.ts';
import { createBedrock, modelPath } from '../../../src/providers/bedrock/bedrock.ts';
import { type Credentials, createSign, type Signable } from '../../../src/providers/bedrock/signature.ts';
import { listen } from '../../support/listen.ts';

const host = 'bedrock-runtime.eu-west-1.amazonaws.com';
const headers = { 'content-type': 'application/json', accept: 'application/json', host };
const permanent: Credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const temporary: Credentials = {
  ...permanent,
  accessKeyId: 'ASIAEXAMPLE',
  sessionToken: 'IQoJb3JpZ2luX2VjEXAMPLE==',
};

/** Names and values by turns, as an object. */
const toObject = ([name, value = '', ...rest]: readonly string[]): Record<string, string> =>
  name === undefined ? {} : { [name]: value, ...toObject(rest) };

/** What the official SDK signs the same request as. */
const bySdk = async (
  { path, body }: Signable,
  given: Record<string, string>,
  credentials: Credentials,
  signingDate: Date,
): Promise<Record<string, string>> => {
  const { config } = new BedrockRuntimeClient({
    region: 'eu-west-1',
    credentials: async () => ({ ...credentials }) as never,
  });
  const scheme = { name: 'sigv4', signingName: 'bedrock', signingRegion: 'eu-west-1', properties: {} };
  const signer = (await config.signer(scheme as never)) as {
    sign(request: object, options: object): Promise<{ headers: Record<string, string> }>;
  };
  const request = {
    method: 'POST',
    protocol: 'https:',
    hostname: host,
    path,
    query: {},
    headers: { ...given },
    body,
  };
  return (await signer.sign(request, { signingDate })).headers;
};

describe('the signature of a request', () => {
  it.each([
    ['a model id', modelPath('eu.amazon.nova-pro-v1:0', 'converse'), permanent],
    ['a stream', modelPath('eu.amazon.nova-pro-v1:0', 'converse-stream'), permanent],
    [
      'an ARN',
      modelPath('arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2', 'invoke'),
      permanent,
    ],
    ['characters that only some escape', "/model/a!b'c(d)e*f~g-h_i.j k/invoke", permanent],
    ['an id that is a place in a folder', modelPath('.', 'converse'), permanent],
    ['an id that is the folder above', modelPath('..', 'converse'), permanent],
    ['an id that ends a folder', modelPath('a/', 'converse'), permanent],
    ['temporary credentials', modelPath('eu.amazon.nova-pro-v1:0', 'converse'), temporary],
    [
      'a session token that is empty',
      modelPath('eu.amazon.nova-pro-v1:0', 'converse'),
      { ...permanent, sessionToken: '' },
    ],
  ])('is the one of the official SDK: %s', async (_name, path, credentials) => {
    const request = {
      path,
      body: Buffer.from('{"messages":[{"role":"user","content":[{"text":"größer"}]}]}'),
    };
    const date = new Date('2026-01-02T03:04:05.678Z');
    const signed = createSign('eu-west-1', headers)(request, credentials, date.getTime());
    expect(toObject(signed)).toEqual(await bySdk(request, headers, credentials, date));
  });

  it('is the one of the official SDK for anything, with one signer over days and credentials', async () => {
    const given = { ...headers, accept: ` a  b\t${randomBytes(4).toString('hex')} ` };
    const sign = createSign('eu-west-1', given);
    for (let run = 0; run < 60; run += 1) {
      const request = {
        path: modelPath(randomBytes(randomInt(1, 30)).toString('latin1'), 'converse'),
        body: randomBytes(randomInt(0, 300)),
      };
      const credentials = run % 3 === 0 ? temporary : { ...permanent, secretAccessKey: `secret${run % 4}` };
      const date = new Date(
        Date.UTC(2026, randomInt(12), randomInt(28), randomInt(24), randomInt(60), randomInt(60)),
      );
      expect(toObject(sign(request, credentials, date.getTime()))).toEqual(
        await bySdk(request, given, credentials, date),
      );
    }
  });

  it('holds when more models are asked for than are kept in mind', async () => {
    const sign = createSign('eu-west-1', headers);
    const date = new Date('2026-01-02T03:04:05Z');
    const request = (model: number) => ({
      path: modelPath(`model:${model}`, 'converse'),
      body: Buffer.from('{}'),
    });
    for (let model = 0; model < 2100; model += 1) sign(request(model), permanent, date.getTime());
    for (const model of [0, 999, 1000, 2099]) {
      expect(toObject(sign(request(model), permanent, date.getTime()))).toEqual(
        await bySdk(request(model), headers, permanent, date),
      );
    }
  });
});

describe('what an endpoint is sent', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const body = Buffer.from('{"messages":[]}');
  const path = modelPath('eu.amazon.nova-pro-v1:0', 'converse');

  /** The path and headers a request arrives with. */
  const sentTo = async (prefix: string) => {
    const seen: { path: string | undefined; headers: IncomingHttpHeaders }[] = [];
    const server = createServer((request, response) => {
      seen.push({ path: request.url, headers: request.headers });
      request.resume().on('end', () => response.end('{}'));
    });
    const { url, host, close } = await listen(server);
    const bedrock = createBedrock({
      region: 'eu-west-1',
      endpoint: `${url}${prefix}`,
      bearerToken: undefined,
      hasAccessKey: false,
      connectTimeout: 1000,
      connections: 1,
    });
    try {
      await bedrock.post('bedrock', path, body, 'application/json', new Cancellation());
    } finally {
      await bedrock.close();
      await close();
    }
    return { host, seen };
  };

  it.each([
    { name: 'no path', prefix: '', expected: path },
    { name: 'a path', prefix: '/bedrock', expected: `/bedrock${path}` },
    { name: 'a path that ends with a slash', prefix: '/proxy/bedrock/', expected: `/proxy/bedrock${path}` },
  ])('is signed for the whole path: $name', async ({ prefix, expected }) => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', temporary.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', temporary.secretAccessKey);
    vi.stubEnv('AWS_SESSION_TOKEN', temporary.sessionToken);
    vi.stubEnv('AWS_PROFILE', undefined);

    const { host: own, seen } = await sentTo(prefix);
    expect(seen.map((each) => each.path)).toEqual([expected]);
    const arrived = seen[0]?.headers ?? {};
    const time = String(arrived['x-amz-date']);
    const date = new Date(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
    const given = { ...headers, 'accept-encoding': 'identity', host: own };
    expect(arrived).toMatchObject(await bySdk({ path: expected, body }, given, temporary, date));
  });
});
