/** An upstream on loopback, all three wires, that says what a test tells it to say, in the wire's own blocks. */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fields, frame } from './replay.ts';

export interface WireAnswer {
  /** Content blocks as a plain answer has them. */
  readonly blocks?: readonly Fields[];
  readonly stop?: string;
  readonly stopDetails?: Fields;
  /** For a stream: the events of the blocks, instead of those that the API makes of them. */
  readonly blockEvents?: readonly Fields[];
}

export interface WireRequest {
  readonly path: string;
  readonly body: Fields;
  /** The body's own bytes. */
  readonly text: string;
}

export interface WireUpstream {
  readonly url: string;
  /** Requests so far, oldest first. */
  readonly requests: WireRequest[];
  /** From now on. */
  say(answer: WireAnswer): void;
  close(): Promise<void>;
}

// ---- Messages -------------------------------------------------------------------------------------

const message = ({ blocks = [], stop = 'end_turn', stopDetails = {} }: WireAnswer): Fields => ({
  id: 'msg_scripted',
  type: 'message',
  role: 'assistant',
  model: 'scripted',
  content: blocks,
  stop_reason: stop,
  stop_sequence: null,
  stop_details: Object.keys(stopDetails).length === 0 ? null : stopDetails,
  usage: { input_tokens: 3, output_tokens: 5 },
});

const claudeBlockEvents = (block: Fields, index: number): Fields[] => {
  const of = (content_block: Fields, ...deltas: Fields[]): Fields[] => [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
  if (block.type === 'text')
    return of({ type: 'text', text: '' }, { type: 'text_delta', text: block.text as string });
  if (block.type !== 'tool_use') return of(block);
  const partial_json = JSON.stringify(block.input);
  return of({ ...block, input: {} }, { type: 'input_json_delta', partial_json });
};

const claudeEvents = (answer: WireAnswer): Fields[] => {
  const { stop_reason, stop_details, ...rest } = message(answer);
  return [
    { type: 'message_start', message: { ...rest, content: [], stop_reason: null } },
    ...(answer.blockEvents ?? (answer.blocks ?? []).flatMap(claudeBlockEvents)),
    { type: 'message_delta', delta: { stop_reason, stop_details }, usage: { output_tokens: 5 } },
    { type: 'message_stop' },
  ];
};

// ---- Converse -------------------------------------------------------------------------------------

const figures = { inputTokens: 3, outputTokens: 5, totalTokens: 8 };

const converseBlockEvents = (block: Fields, contentBlockIndex: number): Fields[] => {
  const delta = (value: Fields): Fields => ({ contentBlockDelta: { contentBlockIndex, delta: value } });
  const stop = { contentBlockStop: { contentBlockIndex } };
  if (block.toolUse === undefined) return [delta(block), stop];
  const { input, ...toolUse } = block.toolUse as Fields;
  return [
    { contentBlockStart: { contentBlockIndex, start: { toolUse } } },
    delta({ toolUse: { input: JSON.stringify(input) } }),
    stop,
  ];
};

const converseEvents = ({ blocks = [], blockEvents, stop = 'end_turn' }: WireAnswer): Fields[] => [
  { messageStart: { role: 'assistant' } },
  ...(blockEvents ?? blocks.flatMap(converseBlockEvents)),
  { messageStop: { stopReason: stop } },
  { metadata: { usage: figures, metrics: { latencyMs: 1 } } },
];

const eventFrame = (type: string, payload: unknown): Buffer =>
  frame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);

// ---- server ---------------------------------------------------------------------------------------

const plain = (response: ServerResponse, body: Fields): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const frames = (response: ServerResponse, all: readonly Buffer[]): void => {
  response
    .writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    .end(Buffer.concat([...all]));
};

const tell = (response: ServerResponse, path: string, body: Fields, answer: WireAnswer): void => {
  if (path.endsWith('/converse')) {
    const output = { message: { role: 'assistant', content: answer.blocks ?? [] } };
    plain(response, { output, stopReason: answer.stop ?? 'end_turn', usage: figures });
  } else if (path.endsWith('/converse-stream')) {
    const all = converseEvents(answer).flatMap((event) => Object.entries(event));
    frames(
      response,
      all.map(([type, payload]) => eventFrame(type, payload)),
    );
  } else if (path.endsWith('/invoke-with-response-stream')) {
    frames(
      response,
      claudeEvents(answer).map((event) =>
        eventFrame('chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64') }),
      ),
    );
  } else if (body.stream === true) {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(
      claudeEvents(answer)
        .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
        .join(''),
    );
  } else plain(response, message(answer));
};

export const startWireUpstream = async (): Promise<WireUpstream> => {
  let answer: WireAnswer = {};
  const requests: WireRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      const text = Buffer.concat(chunks).toString('utf8');
      const body = JSON.parse(text) as Fields;
      requests.push({ path, body, text });
      tell(response, path, body, answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    say: (next) => {
      answer = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
