import zlib, { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { expectError } from '../support/errors.ts';
import { serverOfTest, useServer, useSimulator } from '../support/fixtures.ts';
import { testKey } from '../support/server.ts';

const bodyLimit = 100_000;

const simulator = useSimulator();
const server = useServer({ upstream: simulator, env: { BODY_LIMIT_BYTES: String(bodyLimit) } });

type Pack = (body: Buffer) => Buffer;

// Not in the types of the oldest Node, nor in that Node itself.
const { zstdCompressSync } = zlib as { zstdCompressSync?: Pack };

const packed: readonly { name: string; encoding: string; pack: Pack }[] = [
  { name: 'gzip', encoding: 'gzip', pack: (body) => gzipSync(body) },
  { name: 'gzip by its older name', encoding: 'x-gzip', pack: (body) => gzipSync(body) },
  { name: 'gzip in capitals', encoding: ' GZIP ', pack: (body) => gzipSync(body) },
  { name: 'deflate as it is defined', encoding: 'deflate', pack: (body) => deflateSync(body) },
  { name: 'deflate, fast', encoding: 'deflate', pack: (body) => deflateSync(body, { level: 1 }) },
  { name: 'deflate as some send it', encoding: 'deflate', pack: (body) => deflateRawSync(body) },
  { name: 'br', encoding: 'br', pack: (body) => brotliCompressSync(body) },
  { name: 'nothing, by name', encoding: 'identity', pack: (body) => body },
  { name: 'nothing, without a name', encoding: '', pack: (body) => body },
  ...(zstdCompressSync === undefined ? [] : [{ name: 'zstd', encoding: 'zstd', pack: zstdCompressSync }]),
];

const ask = (content: string, model = 'claude-4-5-haiku') =>
  JSON.stringify({ model, messages: [{ role: 'user', content }] });

const post = (encoding: string, body: Buffer | string, key = testKey) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-encoding': encoding,
    },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });

const refusal = async (response: Response) => ({
  status: response.status,
  ...expectError(await response.text(), response.headers),
});

// Behaviour 1.7
describe('a body packed as', () => {
  it.each(packed)('$name is read like any other, long texts included', async ({ encoding, pack }) => {
    for (const model of ['claude-4-5-haiku', 'nova-lite']) {
      const long = `Gr\u00fc\u00dfe ${'word '.repeat(5000)}\ud83d\udc4b`;
      const response = await post(encoding, pack(Buffer.from(ask(long, model))));
      expect(response.status).toBe(200);
      await response.text();
      expect(JSON.stringify(simulator.requests.at(-1)?.body)).toContain(long);
    }
  });

  it.each(packed.filter(({ encoding }) => /\S/.test(encoding) && encoding !== 'identity'))(
    '$name may be as large as any other when unpacked, and not larger',
    async ({ encoding, pack }) => {
      const frame = ask('').length;
      const atLimit = Buffer.from(ask('x'.repeat(bodyLimit - frame)));
      expect(atLimit.length).toBe(bodyLimit);
      const served = await post(encoding, pack(atLimit));
      await served.text();
      expect(served.status).toBe(200);
      const over = await post(encoding, pack(Buffer.from(ask('x'.repeat(bodyLimit - frame + 1)))));
      expect(await refusal(over)).toMatchObject({ status: 413, code: 'request_too_large' });
    },
  );

  it.each(packed.filter(({ encoding }) => /\S/.test(encoding) && encoding !== 'identity'))(
    '$name, but broken, cut off, or something else, is a 400',
    async ({ encoding, pack }) => {
      const whole = pack(Buffer.from(ask('word '.repeat(2000))));
      const broken = Buffer.from(whole);
      broken.fill(0xff, 20, 40);
      for (const body of [broken, whole.subarray(0, -6), Buffer.from(ask('Hi'))]) {
        const error = await refusal(await post(encoding, body));
        expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param: null });
        expect(error.message).toContain(encoding.trim().toLowerCase());
      }
    },
  );
});

describe('a packed body', () => {
  it('that would fill the memory is refused without being unpacked whole', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
    expect(bomb.length).toBeLessThan(bodyLimit);
    const before = process.memoryUsage().arrayBuffers;
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('gzip', bomb)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(413));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('takes its turn, so that many bombs at once hold little more memory than a few', async () => {
    const mebibyte = 1024 * 1024;
    const wide = await serverOfTest({
      upstream: simulator,
      played: ['anthropic'],
      env: { BODY_LIMIT_BYTES: String(16 * mebibyte) },
    });
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(17 * mebibyte), { level: 9 }));
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }, 1);
    const send = () =>
      fetch(`${wide.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${testKey}`,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
        },
        body: bomb,
      });
    const answers = await Promise.all(Array.from({ length: 24 }, send));
    clearInterval(watch);
    expect(answers.map(({ status }) => status)).toEqual(Array(24).fill(413));
    // Two that are unpacked, and what those before them left to the collector.
    expect(peak).toBeLessThan(200 * mebibyte);
  });

  it('that is too large as it was sent is refused as well', async () => {
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, n) => (n * 7919 * (n >> 3)) & 255));
    const body = gzipSync(noise, { level: 0 });
    expect(await refusal(await post('gzip', body))).toMatchObject({ status: 413 });
  });

  it('whose JSON is none says so', async () => {
    const { status, message } = await refusal(await post('gzip', gzipSync('{"model": oops}')));
    expect(status).toBe(400);
    expect(message).toContain('not valid JSON');
  });

  it('that is empty is a 400', async () => {
    for (const body of [gzipSync(''), '']) {
      expect(await refusal(await post('gzip', body))).toMatchObject({ status: 400 });
    }
  });

  it('is not looked at without a key', async () => {
    expect((await post('gzip', 'no gzip', 'wrong')).status).toBe(401);
  });

  it.each(['compress', 'snappy', 'gzip, br', 'gzip, gzip', 'constructor'])(
    'of encoding %s is a 415 that names the ones taken',
    async (encoding) => {
      const response = await post(encoding, gzipSync(ask('Hi')));
      expect(response.headers.get('accept-encoding')).toMatch(/^gzip, deflate, br(, zstd)?$/);
      const { status, code, message } = await refusal(response);
      expect({ status, code }).toEqual({ status: 415, code: 'unsupported_media_type' });
      expect(message).toContain('gzip, deflate, br');
    },
  );
});
