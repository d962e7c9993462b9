import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventFrame } from '../../simulator/bedrock/frames.ts';
import { serverOfTest } from '../support/fixtures.ts';
import { listen } from '../support/listen.ts';
import { request } from '../support/raw.ts';
import { type TestServer, testKey } from '../support/server.ts';
import { until } from '../support/until.ts';

const megabyte = 1024 * 1024;
/** What the upstream has to say, and what may be under way of it: buffers of the system and of this process. */
const supply = 200 * megabyte;
const allowance = 40 * megabyte;

const piece = 'so much to say '.repeat(1000);
const sse = (type: string, event: object) =>
  Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...event })}\n\n`);

/** An answer that is longer than anyone would wait for, in each upstream's own frames. */
const wires = {
  anthropic: {
    model: 'claude-4-5-haiku',
    contentType: 'text/event-stream',
    opening: Buffer.concat([
      sse('message_start', {
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'claude-haiku-4-5-20251001',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 1, output_tokens: 1 },
        },
      }),
      sse('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ]),
    delta: sse('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } }),
  },
  'bedrock-converse': {
    model: 'nova-lite',
    contentType: 'application/vnd.amazon.eventstream',
    opening: eventFrame('messageStart', { role: 'assistant' }),
    delta: eventFrame('contentBlockDelta', { contentBlockIndex: 0, delta: { text: piece } }),
  },
} as const;
type Wire = keyof typeof wires;

/** An upstream that sends as fast as it is taken from, and knows how much was taken. */
const startTorrent = async ({ contentType, opening, delta }: (typeof wires)[Wire]) => {
  const state = { taken: 0, isCancelled: false };
  const pour = async (response: ServerResponse): Promise<void> => {
    response.setMaxListeners(0);
    response.writeHead(200, { 'content-type': contentType });
    response.write(opening);
    while (state.taken < supply && !response.destroyed) {
      state.taken += delta.length;
      if (!response.write(delta)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
  };
  const server: Server = createServer((incoming, response) => {
    response.once('close', () => {
      state.isCancelled = !response.writableFinished;
    });
    incoming.resume().once('end', () => void pour(response));
  });
  const { url, close } = await listen(server);
  return { state, url, close };
};

let torrent: Awaited<ReturnType<typeof startTorrent>>;
let server: TestServer;
let client: Socket;
afterEach(async () => {
  client.destroy();
  await torrent.close();
});

const start = async (wire: Wire, env: Record<string, string> = {}): Promise<{ received: number }> => {
  torrent = await startTorrent(wires[wire]);
  server = await serverOfTest({
    upstream: torrent,
    played: [wire === 'anthropic' ? 'anthropic' : 'bedrock'],
    env,
  });
  const body = JSON.stringify({
    model: wires[wire].model,
    stream: true,
    messages: [{ role: 'user', content: 'Talk.' }],
  });
  const head = {
    authorization: `Bearer ${testKey}`,
    'content-type': 'application/json',
    'content-length': String(body.length),
  };
  const seen = { received: 0 };
  client = connect(Number(new URL(server.url).port), '127.0.0.1');
  client.on('error', () => undefined);
  client.on('data', (bytes) => {
    seen.received += bytes.length;
  });
  client.write(request('POST /v1/chat/completions', head, body));
  return seen;
};

/** Waits until a number has stayed the same for a while. */
const settled = async (read: () => number): Promise<number> => {
  let last = -1;
  let same = 0;
  await until(
    () => {
      const now = read();
      same = now === last ? same + 1 : 0;
      last = now;
      return same > 100;
    },
    'it stands still',
    15_000,
  );
  return last;
};

// Behaviour 8.10
describe('a client that stops reading', () => {
  it.each(Object.keys(wires) as Wire[])(
    'holds %s back instead of filling memory',
    async (wire) => {
      const seen = await start(wire);
      await until(() => seen.received > megabyte, 'the first megabyte', 10_000);
      client.pause();
      const taken = await settled(() => torrent.state.taken);
      expect(taken).toBeGreaterThan(megabyte);
      expect(taken).toBeLessThan(allowance);

      // Held back, not cut off.
      const before = seen.received;
      client.resume();
      await until(() => seen.received > before + allowance, 'more than was under way', 20_000);

      client.pause();
      expect(await settled(() => torrent.state.taken)).toBeLessThan(seen.received + allowance);
      client.destroy();
      await until(() => torrent.state.isCancelled, 'the upstream call is cancelled');
      await until(() => server.logs.some((line) => line.ended === 'client_gone'), 'the log line');
    },
    60_000,
  );

  it('does not hold its place for ever', async () => {
    const seen = await start('anthropic', { TOTAL_TIMEOUT_MS: '3000', STREAM_TIMEOUT_MS: '3000' });
    await until(() => seen.received > megabyte, 'the first megabyte', 10_000);
    client.pause();
    await until(() => torrent.state.isCancelled, 'the upstream call is cancelled', 10_000);
    await until(() => server.logs.some((line) => line.ended === 'client_gone'), 'the log line', 10_000);
  }, 30_000);
});
