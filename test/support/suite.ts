/**
 * What every recording has to pass, the shared ones and our own: asked plainly, asked as a stream, cut
 * anywhere, read by the official client, the answer is the one that was recorded.
 */

import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { APIError } from 'openai';
import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from 'openai/resources';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFrameParser } from '../../src/providers/bedrock/frames.ts';
import { createSseParser } from '../../src/providers/http/sse.ts';
import { readUntilCut } from './cut.ts';
import { type ExpectedAnswer, type ExpectedError, readExpected } from './expected.ts';
import { cutsOf, longCap, modelRow, requestFor, sizes, streaming, upstreamKeys } from './recorded.ts';
import {
  type Cut,
  cutBytes,
  type Fields,
  type Recording,
  type Replay,
  replayId,
  startReplay,
  wireBytes,
} from './replay.ts';
import { startServer, type TestServer } from './server.ts';

// ---- schema ---------------------------------------------------------------------------------------

const schemaFile = new URL('../../../shared/reference/openai-chat.schema.json', import.meta.url);

/** OpenAI's own schema, where it is at hand; elsewhere the shape is checked by what the tests compare. */
const readSchema = (): Fields | undefined => {
  try {
    return JSON.parse(readFileSync(schemaFile, 'utf8')) as Fields;
  } catch {
    return undefined;
  }
};

const compileSchema = () => {
  const schema = readSchema();
  if (schema === undefined) return undefined;
  const ajv = new Ajv({ strict: false, formats: { unixtime: true, uri: true, date: true } });
  ajv.addSchema(schema, 'openai');
  const named = (name: string): ValidateFunction => {
    const found = ajv.getSchema(`openai#/components/schemas/${name}`);
    if (found === undefined) throw new Error(`no schema ${name}`);
    return found;
  };
  return {
    completion: named('CreateChatCompletionResponse'),
    chunk: named('CreateChatCompletionStreamResponse'),
    error: named('ErrorResponse'),
  };
};
const schemas = compileSchema();

const expectValid = (kind: 'completion' | 'chunk' | 'error', value: unknown): void => {
  const validate = schemas?.[kind];
  if (validate === undefined) return;
  validate(value);
  expect(validate.errors ?? [], JSON.stringify(value).slice(0, 300)).toEqual([]);
};

// ---- asking ---------------------------------------------------------------------------------------

export interface Bench {
  readonly server: TestServer;
  readonly replay: Replay;
  close(): Promise<void>;
}

export const openBench = async (recordings: readonly Recording[]): Promise<Bench> => {
  const replay = await startReplay(recordings);
  const server = await startServer({
    anthropicUrl: replay.url,
    bedrockUrl: replay.url,
    // What is recorded once is asked once.
    env: { MAX_RETRIES: '0' },
    models: recordings.flatMap((recording) => cutsOf(recording).map((cut) => modelRow(recording, cut))),
  });
  return {
    server,
    replay,
    close: async () => {
      await server.close();
      await replay.close();
    },
  };
};

/** For failures: a server of its own, because a server learns from them. */
const withBench = async (recording: Recording, use: (bench: Bench) => Promise<void>): Promise<void> => {
  const bench = await openBench([recording]);
  try {
    await use(bench);
  } finally {
    await bench.close();
  }
};

// ---- reading the server's answers -----------------------------------------------------------------

/** An answer in one form, however it came. */
interface Told {
  readonly id: string;
  readonly text: string;
  readonly reasoning: string;
  readonly blocks: unknown;
  readonly calls: unknown;
  readonly finish: unknown;
  readonly usage: unknown;
}

interface WireMessage {
  readonly content: string | null;
  readonly reasoning_content?: string;
  readonly thinking_blocks?: unknown;
  readonly tool_calls?: readonly { id: string; function: { name: string; arguments: string } }[];
}

const readCompletion = (body: unknown): Told => {
  const { id, choices, usage } = body as {
    id: string;
    choices: [{ message: WireMessage; finish_reason: string }];
    usage?: unknown;
  };
  const [{ message, finish_reason }] = choices;
  return {
    id,
    text: message.content ?? '',
    reasoning: message.reasoning_content ?? '',
    blocks: message.thinking_blocks ?? [],
    calls: (message.tool_calls ?? []).map((call) => ({
      id: call.id,
      name: call.function.name,
      arguments: call.function.arguments,
    })),
    finish: finish_reason,
    usage,
  };
};

interface WireChunk {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly delta: {
      role?: string;
      content?: string | null;
      reasoning_content?: string;
      thinking_blocks?: readonly unknown[];
      tool_calls?: readonly {
        index: number;
        id?: string;
        function: { name?: string; arguments?: string };
      }[];
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: unknown;
  readonly error?: { type: string; code: string | null; message: string };
}

/** The `data` of each frame; what is no frame fails the test. */
const readFrames = (text: string): string[] => {
  const frames = text.split('\n\n');
  expect(frames.pop()).toBe('');
  return frames
    .filter((frame) => !frame.startsWith(': '))
    .map((frame) => {
      expect(frame).toMatch(/^data: [^\n]+$/);
      return frame.slice('data: '.length);
    });
};

/** The order of behaviour 7.4, checked chunk by chunk, and what the chunks add up to. */
const readChunks = (chunks: readonly WireChunk[]): Told & { readonly textDeltas: number } => {
  const [first, ...others] = chunks;
  expect(first?.choices[0]?.delta.role).toBe('assistant');
  let text = '';
  let textDeltas = 0;
  let reasoning = '';
  let blocks: readonly unknown[] = [];
  let finish: string | undefined;
  let usage: unknown;
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const chunk of chunks) {
    expectValid('chunk', chunk);
    expect([chunk.id, chunk.created, chunk.model]).toEqual([first?.id, first?.created, first?.model]);
    const [choice] = chunk.choices;
    if (choice === undefined) {
      expect(finish, 'usage comes after the finish').toBeDefined();
      expect(usage, 'usage comes once').toBeUndefined();
      expect(chunk.usage).toBeTruthy();
      usage = chunk.usage;
      continue;
    }
    expect(chunk.usage).toBeNull();
    expect(finish, 'nothing after the finish').toBeUndefined();
    const { delta } = choice;
    if (choice.finish_reason !== null) {
      expect(delta).toEqual({});
      finish = choice.finish_reason;
    }
    if (delta.content) {
      text += delta.content;
      textDeltas += 1;
    }
    reasoning += delta.reasoning_content ?? '';
    if (delta.thinking_blocks !== undefined) {
      expect(blocks, 'thinking_blocks come once').toEqual([]);
      blocks = delta.thinking_blocks;
    }
    for (const piece of delta.tool_calls ?? []) {
      if (piece.id !== undefined) {
        expect(piece.index).toBe(calls.length);
        calls.push({ id: piece.id, name: piece.function.name ?? '', arguments: '' });
      }
      const call = calls[piece.index];
      expect(call, 'arguments of a call that was announced').toBeDefined();
      if (call !== undefined) call.arguments += piece.function.arguments ?? '';
    }
  }
  for (const chunk of others) expect(chunk.choices[0]?.delta.role).toBeUndefined();
  return { id: first?.id ?? '', text, reasoning, blocks, calls, finish, usage, textDeltas };
};

const parseArguments = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const expectAnswer = (told: Told, expected: ExpectedAnswer): void => {
  const calls = told.calls as { id: string; name: string; arguments: string }[];
  expect({
    text: told.text,
    reasoning: told.reasoning,
    blocks: told.blocks,
    calls: calls.map((call) => ({ ...call, arguments: parseArguments(call.arguments) })),
    finish: told.finish,
    usage: told.usage,
  }).toEqual({
    text: expected.text,
    reasoning: expected.reasoning,
    blocks: expected.blocks.map((block, index) => ({ index, ...block })),
    calls: expected.calls.map((call) => ({ ...call, arguments: parseArguments(call.arguments) })),
    finish: expected.finish,
    usage:
      expected.usage === undefined
        ? undefined
        : {
            prompt_tokens: expected.usage.prompt,
            completion_tokens: expected.usage.completion,
            total_tokens: expected.usage.total,
            prompt_tokens_details: {
              cached_tokens: expected.usage.cached,
              cache_write_tokens: expected.usage.cacheWrite,
            },
            completion_tokens_details: { reasoning_tokens: expected.usage.reasoning },
          },
  });
  if (expected.id === undefined) expect(told.id).toMatch(/^msg_01[A-Za-z0-9]{22}$/);
  else expect(told.id).toBe(expected.id);
};

/** Headers that tell where the answer comes from; and no figure that a client could not read. */
const expectHeaders = (response: Response, recording: Recording): void => {
  expect(response.headers.get('x-upstream')).toBe(upstreamKeys[recording.upstream]);
  const id = recording.headers?.['request-id'] ?? recording.headers?.['x-amzn-requestid'] ?? null;
  expect(response.headers.get('x-upstream-request-id')).toBe(id);
  expect(JSON.stringify([...response.headers])).not.toMatch(/NaN|undefined|Infinity/);
};

// ---- the checks -----------------------------------------------------------------------------------

const checkPlain = async (
  { server, replay }: Bench,
  recording: Recording,
  cut: Cut,
  expected: ExpectedAnswer,
): Promise<Told> => {
  const body = requestFor(recording, cut, recording.stream ? { max_tokens: longCap } : {});
  const response = await server.post(body);
  const text = await response.text();
  expect([response.status, response.status === 200 ? '' : text]).toEqual([200, '']);
  expectHeaders(response, recording);
  const completion = JSON.parse(text) as ChatCompletion;
  expectValid('completion', completion);
  const told = readCompletion(completion);
  expectAnswer(told, expected);
  const onlyCalls = expected.text === '' && expected.calls.length > 0;
  expect(completion.choices[0]?.message.content).toBe(onlyCalls ? null : expected.text);
  expect('tool_calls' in (completion.choices[0]?.message ?? {})).toBe(expected.calls.length > 0);
  const asked = replay.requests.findLast((request) => request.modelId === replayId(recording, cut));
  expect(asked?.stream).toBe(recording.stream);
  return told;
};

const checkStream = async (
  { server }: Bench,
  recording: Recording,
  cut: Cut,
  expected: ExpectedAnswer,
): Promise<Told> => {
  const response = await server.post(requestFor(recording, cut, streaming));
  const text = await response.text();
  expect(response.status, text.slice(0, 500)).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expectHeaders(response, recording);
  const frames = readFrames(text);
  expect(frames.pop()).toBe('[DONE]');
  const { textDeltas, ...told } = readChunks(frames.map((frame) => JSON.parse(frame) as WireChunk));
  expectAnswer(told, expected);
  // Deltas are passed on as they came, neither merged nor held back.
  if (expected.textDeltas !== undefined) expect(textDeltas).toBe(expected.textDeltas);
  return told;
};

/** The same by the official client: what its users see. */
const checkClient = async (
  { server }: Bench,
  recording: Recording,
  expected: ExpectedAnswer,
): Promise<void> => {
  const { client } = server;
  const body = requestFor(recording, 0, {}) as ChatCompletionCreateParamsNonStreaming;
  const completion = recording.stream
    ? await client.chat.completions.stream({ ...body, ...streaming }).finalChatCompletion()
    : await client.chat.completions.create(body);
  const { text, calls, finish, usage } = readCompletion({
    ...completion,
    usage: completion.usage ?? undefined,
  });
  // The helper keeps only the last piece of fields it does not know, such as the reasoning.
  const { id, reasoning, blocks } = {
    id: completion.id,
    reasoning: expected.reasoning,
    blocks: expected.blocks.map((block, index) => ({ index, ...block })),
  };
  expectAnswer({ id, text, reasoning, blocks, calls, finish, usage }, expected);
};

/** Nothing of what the model said may be in the log. */
const expectSilentLog = (lines: readonly unknown[], expected: ExpectedAnswer): void => {
  const log = JSON.stringify(lines);
  for (const said of [expected.text, expected.reasoning, ...expected.calls.map((call) => call.arguments)]) {
    if (said.length >= 12) expect(log).not.toContain(JSON.stringify(said.slice(0, 40)).slice(1, -1));
  }
};

const checkAnswer = async (bench: Bench, recording: Recording, expected: ExpectedAnswer): Promise<void> => {
  const before = bench.server.logs.length;
  if (!recording.stream) {
    for (const cut of cutsOf(recording)) await checkPlain(bench, recording, cut, expected);
  } else {
    const told = await Promise.all(
      sizes.flatMap((cut) => [
        checkStream(bench, recording, cut, expected),
        checkPlain(bench, recording, cut, expected),
      ]),
    );
    // To the letter, the text of arguments included. An id of our own making differs by nature.
    const [first, ...others] = told.map((each) => ({
      ...each,
      id: expected.id === undefined ? '' : each.id,
    }));
    for (const other of others) expect(other).toEqual(first);
  }
  await checkClient(bench, recording, expected);
  expectSilentLog(bench.server.logs.slice(before), expected);
};

const expectErrorBody = (body: unknown, expected: ExpectedError): void => {
  expectValid('error', body);
  const { error } = body as { error: Record<string, unknown> };
  expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
  expect(error.type).toBe(expected.type);
  if (expected.code !== undefined) expect(error.code).toBe(expected.code);
  if (expected.message !== undefined) expect(error.message).toContain(expected.message);
  expect(String(error.message).length).toBeGreaterThan(10);
};

const checkErrorReply = async (
  { server }: Bench,
  recording: Recording,
  cut: Cut,
  more: Fields,
  expected: ExpectedError,
): Promise<void> => {
  const response = await server.post(requestFor(recording, cut, more));
  expect(response.status).toBe(expected.status);
  expect(response.headers.get('content-type')).toContain('application/json');
  expectHeaders(response, recording);
  expectErrorBody(await response.json(), expected);
  for (const [name, value] of Object.entries(expected.headers ?? {}))
    expect(response.headers.get(name), name).toBe(value);
};

/** A stream that breaks: what was said until then, one error frame, and nothing that looks like an end. */
const checkBrokenStream = async (
  { server }: Bench,
  recording: Recording,
  cut: Cut,
  expected: ExpectedError,
): Promise<void> => {
  const response = await server.post(requestFor(recording, cut, streaming));
  const { text: body, isCut } = await readUntilCut(response);
  // Before anything was said a failure is still a status.
  if (expected.atOnce === true) expect(response.status).toBe(expected.status);
  if (response.status !== 200) {
    expect(response.status).toBe(expected.status);
    expectErrorBody(JSON.parse(body), expected);
    return;
  }
  expect(isCut).toBe(true);
  const frames = readFrames(body).map((text) => (text === '[DONE]' ? text : JSON.parse(text)) as WireChunk);
  expect(body).not.toContain('[DONE]');
  expectErrorBody(frames.pop(), expected);
  let text = '';
  for (const chunk of frames) {
    expectValid('chunk', chunk);
    expect(chunk.choices[0]?.finish_reason).toBeNull();
    text += chunk.choices[0]?.delta.content ?? '';
  }
  expect((expected.textBefore ?? '').startsWith(text), text).toBe(true);
};

const checkError = async (recording: Recording, expected: ExpectedError): Promise<void> => {
  await withBench(recording, async (bench) => {
    if (!recording.stream) {
      await checkErrorReply(bench, recording, 0, {}, expected);
    } else {
      // Folded, the failure comes before the first byte to the client: a status.
      await checkErrorReply(bench, recording, 7, { max_tokens: longCap }, expected);
    }
  });
  await withBench(recording, async (bench) => {
    if (recording.stream) for (const cut of sizes) await checkBrokenStream(bench, recording, cut, expected);
    // A refusal is the same to a stream; a plain answer found malformed was never one.
    else if (recording.status !== 200) await checkErrorReply(bench, recording, 7, streaming, expected);
  });
  await withBench(recording, async ({ server }) => {
    const body = requestFor(recording, 0, {}) as ChatCompletionCreateParamsNonStreaming;
    const failed = recording.stream
      ? server.client.chat.completions.stream({ ...body, ...streaming }).finalChatCompletion()
      : server.client.chat.completions.create(body);
    const error = await failed.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(APIError);
    if (!recording.stream) expect((error as APIError).status).toBe(expected.status);
    expect((error as APIError).type).toBe(expected.type);
    const log = JSON.stringify(server.logs);
    if (expected.message !== undefined) expect(log).not.toContain(expected.message);
  });
};

/** Half of a good answer is a failure, whether the upstream hangs up politely or not. */
const checkHalf = async (recording: Recording, whole: ExpectedAnswer): Promise<void> => {
  for (const cut of ['half', 'lost'] as const) {
    await withBench(recording, async (bench) => {
      const broken: ExpectedError = {
        kind: 'error',
        status: 502,
        type: 'server_error',
        code: 'upstream_error',
        textBefore: whole.text,
      };
      await checkBrokenStream(bench, recording, cut, broken);
      await checkErrorReply(bench, recording, cut, { max_tokens: longCap }, broken);
    });
  }
};

/** The parsers alone, where every piece really is read by itself. */
const checkParsers = (recording: Recording): void => {
  const { events = [], upstream } = recording;
  const bytes = wireBytes(recording);
  // One long recording is cut coarser: byte by byte it would cost a second.
  for (const size of bytes.length > 100_000 ? [61, 1021] : [1, 7, 1021]) {
    const pieces = cutBytes(bytes, size);
    if (upstream === 'anthropic') {
      const parser = createSseParser();
      const seen = pieces.flatMap((piece) => parser.push(piece).events);
      expect(seen).toEqual(events.map((event) => event.data));
    } else {
      const parser = createFrameParser();
      const seen = pieces.flatMap((piece) => parser.push(piece).frames);
      expect(seen.map((frame) => [frame.messageType, frame.type])).toEqual(
        events.map((event) => [event.messageType ?? 'event', event.type]),
      );
    }
  }
};

/** `recordings` empty: the suite is there, and skipped. */
export const describeRecordings = (title: string, recordings: readonly Recording[]): void => {
  describe.skipIf(recordings.length === 0)(title, () => {
    const answered = recordings.flatMap((recording) => {
      const expected = readExpected(recording);
      return expected.kind === 'answer' ? [[recording.id, recording, expected] as const] : [];
    });
    const refused = recordings.flatMap((recording) => {
      const expected = readExpected(recording);
      return expected.kind === 'error' ? [[recording.id, recording, expected] as const] : [];
    });
    let bench: Bench;
    beforeAll(async () => {
      bench = await openBench(recordings);
    });
    afterAll(async () => {
      await bench.close();
    });

    test('none is left out', () => {
      expect(answered.length + refused.length).toBe(recordings.length);
    });
    describe('an answer that loses, gains or changes something on its way', () => {
      test.each(answered)('%s', (_id, recording, expected) => checkAnswer(bench, recording, expected));
    });
    describe("an upstream's failure that does not reach the client as one", () => {
      test.each(refused)('%s', (_id, recording, expected) => checkError(recording, expected));
    });
    describe('half an answer taken for a whole one', () => {
      const streams = answered.filter(([, recording]) => recording.stream);
      test.each(streams)('%s', (_id, recording, expected) => checkHalf(recording, expected));
    });
    describe('events that depend on where the network cut them', () => {
      const streams = recordings
        .filter((recording) => recording.stream)
        .map((each) => [each.id, each] as const);
      test.each(streams)('%s', (_id, recording) => checkParsers(recording));
    });
  });
};
