/** A stream as it is read: when it has begun, what its waits hear, and how it ends. Upstreams that misbehave. */

import { describe, expect, it } from 'vitest';
import type { ReadBatch } from '../../src/adapters/adapter.ts';
import { anthropicMessages } from '../../src/adapters/anthropic-messages/index.ts';
import type { ClaudeEvent } from '../../src/adapters/anthropic-messages/wire.ts';
import { bedrockConverse } from '../../src/adapters/bedrock-converse/index.ts';
import type { ConverseEvent } from '../../src/adapters/bedrock-converse/wire.ts';
import type { ChatEvent } from '../../src/core/chat.ts';
import { ApiError, type Origin, upstreamFailed } from '../../src/core/errors.ts';
import { StreamReading } from '../../src/pipeline/read-answer.ts';
import type { ReadingListener } from '../../src/providers/timeouts.ts';

const origin: Origin = { upstream: 'anthropic', requestId: 'req_1', rateLimits: {} };
const options = { tools: { restore: (name: string) => name }, tag: null };
const lost = upstreamFailed('The connection was lost.');

/** What one piece makes whole; an error where the connection fails instead. */
type Piece<Event> = ReadBatch<Event> | Error;
const piece = <Event>(...events: Event[]): Piece<Event> => ({ events, failure: undefined });
const failing = <Event>(...events: Event[]): Piece<Event> => ({ events, failure: lost });

const watchCalls = (calls: string[]): ReadingListener => ({
  activity: () => calls.push('activity'),
  listening: (isListening) => calls.push(isListening ? 'listening' : 'not listening'),
  finished: () => calls.push('finished'),
  done: (complete) => calls.push(complete ? 'complete' : 'given up'),
});

/** Plays the pieces, each found by its number in a buffer. */
const play = <Event>(played: readonly Piece<Event>[]) => {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (const [index, each] of played.entries()) {
      if (each instanceof Error) throw each;
      yield Buffer.from([index]);
    }
  }
  const read = (buffer: Buffer) => played[buffer[0] ?? 0] as ReadBatch<Event>;
  return { origin, pieces: pieces(), read };
};

const readClaude = (...played: readonly Piece<ClaudeEvent>[]) => {
  const calls: string[] = [];
  return {
    reading: new StreamReading(play(played), anthropicMessages.createDecoder(options), watchCalls(calls)),
    calls,
  };
};

const start = {
  type: 'message_start',
  message: { id: 'msg_1', content: [], usage: { input_tokens: 1, output_tokens: 1 } },
} as unknown as ClaudeEvent;
const open = {
  type: 'content_block_start',
  index: 0,
  content_block: { type: 'text', text: '' },
} as ClaudeEvent;
const delta = (text: string) =>
  ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }) as ClaudeEvent;
/** Arguments of a call that was never announced. */
const stray = {
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'input_json_delta', partial_json: '{' },
} as ClaudeEvent;
const close = { type: 'content_block_stop', index: 0 } as ClaudeEvent;
const ending = [
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
  { type: 'message_stop' },
] as unknown as ClaudeEvent[];

/** All that is said, then how it ended. */
const readAll = async (events: AsyncIterable<readonly ChatEvent[]>) => {
  let text = '';
  try {
    for await (const batch of events)
      for (const event of batch) if (event.type === 'text') text += event.text;
  } catch (error) {
    if (error instanceof ApiError) return { text, error: error.message };
    throw error;
  }
  return { text, error: undefined };
};

const unfinished = expect.stringContaining('before it was complete') as unknown;

describe('a stream that has begun', () => {
  const rows: readonly {
    name: string;
    played: readonly Piece<ClaudeEvent>[];
    text: string;
    error: unknown;
  }[] = [
    {
      name: 'is read to its end',
      played: [piece(start, open), piece(delta('a')), piece(delta('b'), close, ...ending)],
      text: 'ab',
      error: undefined,
    },
    {
      name: 'in one piece',
      played: [piece(start, open, delta('a'), close, ...ending)],
      text: 'a',
      error: undefined,
    },
    { name: 'ends early', played: [piece(start, open, delta('a'))], text: 'a', error: unfinished },
    {
      name: 'says what came before a failure',
      played: [piece(start), failing(open, delta('a')), piece(delta('b'))],
      text: 'a',
      error: lost.message,
    },
    {
      name: 'loses its connection',
      played: [piece(start, open, delta('a')), lost],
      text: 'a',
      error: lost.message,
    },
    {
      name: 'loses its connection after its finish',
      played: [piece(start, open, delta('a'), close, ...ending), lost],
      text: 'a',
      error: undefined,
    },
    {
      name: 'says nothing that a decoder knows: it is not asked for again',
      played: [piece(stray)],
      text: '',
      error: unfinished,
    },
    { name: 'says such things and fails', played: [piece(stray), lost], text: '', error: lost.message },
    {
      name: 'makes no sense from its first piece on',
      played: [piece(start, open, start)],
      text: '',
      error: expect.stringContaining('began its answer again') as unknown,
    },
    {
      name: 'is not what the protocol has',
      played: [piece({ type: 'content_block_start' } as unknown as ClaudeEvent)],
      text: '',
      error: expect.any(String) as unknown,
    },
  ];
  it.each(rows)('$name', async ({ played, text, error }) => {
    const { reading, calls } = readClaude(...played);
    expect(await reading.begin()).toBe(true);
    expect(calls).not.toContain('given up');
    expect(await readAll(reading)).toEqual({ text, error });
    expect(calls.filter((call) => call === 'complete' || call === 'given up')).toHaveLength(1);
  });

  it('whose only event says that the output is malformed says so', async () => {
    const stop = { messageStop: { stopReason: 'malformed_tool_use' } } as unknown as ConverseEvent;
    const reading = new StreamReading(
      play([piece(stop)]),
      bedrockConverse.createDecoder(options),
      watchCalls([]),
    );
    expect(await reading.begin()).toBe(true);
    await expect(readAll(reading)).resolves.toMatchObject({ text: '' });
    const again = new StreamReading(
      play([piece(stop)]),
      bedrockConverse.createDecoder(options),
      watchCalls([]),
    );
    await again.begin();
    const read = async () => {
      for await (const _ of again);
    };
    await expect(read()).rejects.toMatchObject({ code: 'malformed_model_output' });
  });

  it('tells its waits of each piece, and whose turn it is', async () => {
    const { reading, calls } = readClaude(piece(start, open), piece(delta('a')), piece(close, ...ending));
    await reading.begin();
    expect(calls).toEqual(['activity']);
    calls.length = 0;
    for await (const _ of reading) calls.push('taken');
    const turn = ['not listening', 'taken', 'listening'];
    expect(calls).toEqual([
      'listening',
      ...turn,
      ...['activity', ...turn],
      ...['activity', ...turn],
      'finished',
      'complete',
    ]);
  });

  it('that nobody reads on is given up, once', async () => {
    const { reading, calls } = readClaude(piece(start, open), piece(delta('a')), piece(close, ...ending));
    await reading.begin();
    for await (const _ of reading) break;
    expect(await readAll(reading)).toEqual({ text: '', error: undefined });
    expect(calls.filter((call) => call === 'given up')).toHaveLength(1);
  });
});

describe('a stream that has not begun', () => {
  it.each([
    { name: 'ends without a word', played: [] },
    { name: 'ends after what is no event', played: [piece<ClaudeEvent>()] },
  ])('$name', async ({ played }) => {
    expect(await readClaude(...played).reading.begin()).toBe(false);
  });

  it.each([
    { name: 'loses its connection', played: [lost] },
    { name: 'fails', played: [failing<ClaudeEvent>()] },
  ])('$name: that can still be an HTTP status', async ({ played }) => {
    await expect(readClaude(...played).reading.begin()).rejects.toBe(lost);
  });
});
