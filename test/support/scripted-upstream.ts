/**
 * An upstream on loopback whose answers a test writes down: all three protocols, plain and streamed, and failures.
 * Blocks are written as the Messages API has them; for Converse they are translated.
 */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { Simulator } from '../../simulator/index.ts';
import { listen } from './listen.ts';
import { type Fields, frame } from './replay.ts';

export type ScriptedBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'redacted_thinking'; readonly data: string }
  | {
      readonly type: 'tool_use' | 'server_tool_use';
      readonly id: string;
      readonly name: string;
      readonly input: Fields;
      /** How a stream writes the input. */
      readonly json?: string;
    };

export interface ScriptedAnswer {
  readonly blocks?: readonly ScriptedBlock[];
  /** In a stream these stand for the blocks: the events of the protocol that is asked. */
  readonly blockEvents?: readonly Fields[];
  /** Default: `tool_use` where a block is a call, else `end_turn`. */
  readonly stop?: string;
  readonly stopDetails?: Fields;
  /** The figures in the protocol's own form; null: none. */
  readonly usage?: Fields | null;
  /** Those that a stream of the Messages API begins with, if they are others. */
  readonly firstUsage?: Fields | null;
  /** Further members of a plain answer of Converse, or of its stream's last event. */
  readonly more?: Fields;
  /** The stream stays open behind its blocks. */
  readonly isOpen?: boolean;
  /** Characters of a delta in a stream. Default: a block is one delta. */
  readonly deltaLength?: number;
  /** Instead of an answer; the status is 400 by default. */
  readonly error?: { readonly status?: number; readonly type: string; readonly message: string };
}

/** A body as sent upstream. What tests ask for often has a type. */
export interface SentBody {
  readonly messages: readonly {
    readonly role: string;
    readonly content: string | readonly { readonly type: string; readonly [field: string]: unknown }[];
  }[];
  readonly thinking?: Fields;
  readonly output_config?: Fields;
  readonly [field: string]: unknown;
}

export interface SentRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: SentBody;
  /** The body as it was written. */
  readonly text: string;
}

/** `count`: how many requests there were since the last reset, this one included. */
export type Script =
  | ScriptedAnswer
  | ((body: SentBody, count: number) => ScriptedAnswer | Promise<ScriptedAnswer>);

export interface ScriptedUpstream {
  readonly url: string;
  /** Since the last reset, oldest first; refused ones too. */
  readonly requests: readonly SentRequest[];
  /** From now on. */
  answer(script: Script): void;
  /** Forgets the requests and the script; the answer is the text `ok` again. */
  reset(): void;
  close(): Promise<void>;
}

export const textBlock = (text: string): ScriptedBlock => ({ type: 'text', text });

export const callBlock = (
  name: string,
  input: Fields = {},
  more: { readonly id?: string; readonly json?: string } = {},
): ScriptedBlock => ({ type: 'tool_use', id: 'toolu_1', name, input, ...more });

const stopOf = ({ blocks = [], stop }: ScriptedAnswer): string =>
  stop ?? (blocks.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn');

const deltasOf = (text: string, { deltaLength }: ScriptedAnswer): readonly string[] =>
  (deltaLength === undefined ? null : text.match(new RegExp(`[^]{1,${deltaLength}}`, 'g'))) ?? [text];

const jsonOf = ({ json, input }: { readonly json?: string; readonly input: Fields }): string =>
  json ?? JSON.stringify(input);

// ---- Messages ------------------------------------------------------------------------------------

const messageBlock = (block: ScriptedBlock): Fields => {
  if (block.type !== 'tool_use' && block.type !== 'server_tool_use') return block;
  const { json: _, ...sent } = block;
  return sent;
};

const message = (answer: ScriptedAnswer): Fields => ({
  id: 'msg_scripted',
  type: 'message',
  role: 'assistant',
  model: 'scripted',
  content: (answer.blocks ?? []).map(messageBlock),
  stop_reason: stopOf(answer),
  stop_sequence: null,
  stop_details: answer.stopDetails ?? null,
  usage: answer.usage === undefined ? { input_tokens: 3, output_tokens: 5 } : (answer.usage ?? undefined),
});

const messageBlockEvents = (answer: ScriptedAnswer, block: ScriptedBlock, index: number): Fields[] => {
  const events = (content_block: Fields, deltas: readonly Fields[]): Fields[] => [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
  switch (block.type) {
    case 'text':
      return events(
        { ...block, text: '' },
        deltasOf(block.text, answer).map((text) => ({ type: 'text_delta', text })),
      );
    case 'thinking':
      return events({ ...block, thinking: '', signature: '' }, [
        ...deltasOf(block.thinking, answer).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: block.signature },
      ]);
    case 'redacted_thinking':
      return events(block, []);
    case 'tool_use':
    case 'server_tool_use':
      return events(
        { ...messageBlock(block), input: {} },
        deltasOf(jsonOf(block), answer).map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      );
    default:
      return block satisfies never;
  }
};

const messageEvents = (answer: ScriptedAnswer): Fields[] => {
  const { stop_reason, stop_details, usage, ...head } = message(answer);
  const { blocks = [], blockEvents, firstUsage = usage } = answer;
  const events: Fields[] = [
    { type: 'message_start', message: { ...head, content: [], stop_reason: null, usage: firstUsage } },
    ...(blockEvents ?? blocks.flatMap((block, index) => messageBlockEvents(answer, block, index))),
  ];
  if (answer.isOpen) return events;
  return [
    ...events,
    { type: 'message_delta', delta: { stop_reason, stop_details, stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
};

// ---- Converse ------------------------------------------------------------------------------------

const converseBlock = (block: ScriptedBlock): Fields => {
  switch (block.type) {
    case 'text':
      return { text: block.text };
    case 'thinking':
      return {
        reasoningContent: { reasoningText: { text: block.thinking, signature: block.signature } },
      };
    case 'redacted_thinking':
      return { reasoningContent: { redactedContent: block.data } };
    case 'tool_use':
    case 'server_tool_use': {
      const { type, id: toolUseId, name, input } = block;
      return { toolUse: { toolUseId, name, input, ...(type === 'tool_use' ? {} : { type }) } };
    }
    default:
      return block satisfies never;
  }
};

const converseEnd = ({ usage, more }: ScriptedAnswer): Fields => ({
  usage: usage === undefined ? { inputTokens: 3, outputTokens: 5, totalTokens: 8 } : (usage ?? undefined),
  metrics: { latencyMs: 1 },
  ...more,
});

const converseMessage = (answer: ScriptedAnswer): Fields => ({
  output: { message: { role: 'assistant', content: (answer.blocks ?? []).map(converseBlock) } },
  stopReason: stopOf(answer),
  ...converseEnd(answer),
});

const converseDeltas = (answer: ScriptedAnswer, block: ScriptedBlock): Fields[] => {
  switch (block.type) {
    case 'text':
      return deltasOf(block.text, answer).map((text) => ({ text }));
    case 'thinking':
      return [
        ...deltasOf(block.thinking, answer).map((text) => ({ reasoningContent: { text } })),
        { reasoningContent: { signature: block.signature } },
      ];
    case 'redacted_thinking':
      return [converseBlock(block)];
    case 'tool_use':
    case 'server_tool_use':
      return deltasOf(jsonOf(block), answer).map((input) => ({ toolUse: { input } }));
    default:
      return block satisfies never;
  }
};

const converseBlockEvents = (
  answer: ScriptedAnswer,
  block: ScriptedBlock,
  contentBlockIndex: number,
): Fields[] => {
  const { toolUse } = converseBlock(block) as { toolUse?: Fields };
  const { input: _, ...announced } = toolUse ?? {};
  return [
    // Only calls are announced.
    ...(toolUse === undefined
      ? []
      : [{ contentBlockStart: { contentBlockIndex, start: { toolUse: announced } } }]),
    ...converseDeltas(answer, block).map((delta) => ({ contentBlockDelta: { contentBlockIndex, delta } })),
    { contentBlockStop: { contentBlockIndex } },
  ];
};

const converseEvents = (answer: ScriptedAnswer): Fields[] => {
  const { blocks = [], blockEvents } = answer;
  const events: Fields[] = [
    { messageStart: { role: 'assistant' } },
    ...(blockEvents ?? blocks.flatMap((block, index) => converseBlockEvents(answer, block, index))),
  ];
  if (answer.isOpen) return events;
  return [...events, { messageStop: { stopReason: stopOf(answer) } }, { metadata: converseEnd(answer) }];
};

// ---- bytes ---------------------------------------------------------------------------------------

const eventFrame = (type: string, payload: unknown): Buffer =>
  frame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);

const isBedrock = (path: string): boolean => path.startsWith('/model/');

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

const json = (body: Fields, status = 200, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

const stream = (contentType: string, events: readonly (string | Buffer)[]): Reply => ({
  status: 200,
  headers: { 'content-type': contentType },
  body: Buffer.concat(events.map((event) => Buffer.from(event))),
});

const binaryStream = 'application/vnd.amazon.eventstream';

const replyTo = ({ path, body }: SentRequest, answer: ScriptedAnswer): Reply => {
  if (answer.error !== undefined) {
    const { status = 400, type, message: text } = answer.error;
    return isBedrock(path)
      ? json({ message: text }, status, { 'x-amzn-errortype': type })
      : json({ type: 'error', error: { type, message: text }, request_id: 'req_scripted' }, status);
  }
  const operation = isBedrock(path) ? path.slice(path.lastIndexOf('/') + 1) : 'messages';
  switch (operation) {
    case 'messages':
      return body.stream === true
        ? stream(
            'text/event-stream; charset=utf-8',
            messageEvents(answer).map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
          )
        : json(message(answer));
    case 'invoke':
      return json(message(answer));
    case 'invoke-with-response-stream':
      return stream(
        binaryStream,
        messageEvents(answer).map((event) =>
          eventFrame('chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64') }),
        ),
      );
    case 'converse':
      return json(converseMessage(answer));
    case 'converse-stream':
      return stream(
        binaryStream,
        converseEvents(answer)
          .flatMap((event) => Object.entries(event))
          .map(([type, payload]) => eventFrame(type, payload)),
      );
    default:
      return json({ message: `No such operation: ${operation}` }, 404);
  }
};

// ---- server --------------------------------------------------------------------------------------

/** What the simulator says against a request, in its own words; nothing where it takes the request. */
const refusalOf = async (
  { path, headers, text }: SentRequest,
  simulator: Simulator,
): Promise<Reply | undefined> => {
  const base = isBedrock(path) ? simulator.bedrockUrl : simulator.anthropicUrl;
  const { host: _, connection: __, 'content-length': ___, ...sent } = headers;
  const checked = await fetch(base + path, {
    method: 'POST',
    headers: sent as Record<string, string>,
    body: text,
  });
  const body = await checked.text();
  if (checked.status === 200) return undefined;
  const type = checked.headers.get('x-amzn-errortype');
  return {
    status: checked.status,
    headers: { 'content-type': 'application/json', ...(type === null ? {} : { 'x-amzn-errortype': type }) },
    body,
  };
};

/** With a simulator every request has to pass its checks first. */
export const startScriptedUpstream = async (simulator?: Simulator): Promise<ScriptedUpstream> => {
  const ok: ScriptedAnswer = { blocks: [textBlock('ok')] };
  const requests: SentRequest[] = [];
  let script: Script = ok;

  const respond = async (request: SentRequest, response: ServerResponse): Promise<void> => {
    const refusal = simulator && (await refusalOf(request, simulator));
    const answer = () => (typeof script === 'function' ? script(request.body, requests.length) : script);
    const scripted = refusal === undefined ? await answer() : {};
    const { status, headers, body } = refusal ?? replyTo(request, scripted);
    response.writeHead(status, headers).write(body);
    if (!scripted.isOpen) response.end();
  };

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { url: path = '', headers } = incoming;
      const text = Buffer.concat(chunks).toString('utf8');
      const request = { path, headers, body: JSON.parse(text) as SentBody, text };
      requests.push(request);
      respond(request, response).catch(() => response.destroy());
    });
  });
  const { url, close } = await listen(server);
  return {
    url,
    requests,
    answer: (next) => {
      script = next;
    },
    reset: () => {
      requests.length = 0;
      script = ok;
    },
    close,
  };
};
