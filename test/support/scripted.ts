/**
 * An upstream that answers every request with the blocks a test gives it: as a whole message and as a stream whose
 * deltas are cut as told, in the wire of the Anthropic API, of Claude on Bedrock and of Converse.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fields, frame } from './replay.ts';

export type ScriptedBlock =
  | { readonly text: string }
  | { readonly tool: string; readonly id?: string; readonly input: Fields; readonly json?: string };

export interface Script {
  readonly blocks: readonly ScriptedBlock[];
  readonly stop?: string;
  /** Characters of a streamed delta. */
  readonly size?: number;
}

export interface ScriptedUpstream {
  readonly url: string;
  /** What was asked, oldest first. */
  readonly bodies: Fields[];
  /** The answer to a request, which may depend on it. */
  answer: (body: Fields) => Script;
  close(): Promise<void>;
}

const pieces = (text: string, size: number): string[] =>
  text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [''];

const idOf = (block: ScriptedBlock, index: number): string =>
  'tool' in block ? (block.id ?? `toolu_${index}`) : '';

// ---- Claude --------------------------------------------------------------------------------------

const claudeHead = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_sequence: null };
const usage = { input_tokens: 1, output_tokens: 1 };

const claudeBlock = (block: ScriptedBlock, index: number): Fields =>
  'tool' in block
    ? { type: 'tool_use', id: idOf(block, index), name: block.tool, input: block.input }
    : { type: 'text', text: block.text };

const claudeMessage = ({ blocks, stop = 'end_turn' }: Script): Fields => ({
  ...claudeHead,
  content: blocks.map(claudeBlock),
  stop_reason: stop,
  usage,
});

const claudeStream = ({ blocks, stop = 'end_turn', size = 3 }: Script): Fields[] => [
  { type: 'message_start', message: { ...claudeHead, content: [], stop_reason: null, usage } },
  ...blocks.flatMap((block, index) => {
    const isCall = 'tool' in block;
    const text = isCall ? (block.json ?? JSON.stringify(block.input)) : block.text;
    return [
      {
        type: 'content_block_start',
        index,
        content_block: isCall ? { ...claudeBlock(block, index), input: {} } : { type: 'text', text: '' },
      },
      ...pieces(text, size).map((piece) => ({
        type: 'content_block_delta',
        index,
        delta: isCall
          ? { type: 'input_json_delta', partial_json: piece }
          : { type: 'text_delta', text: piece },
      })),
      { type: 'content_block_stop', index },
    ];
  }),
  { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 2 } },
  { type: 'message_stop' },
];

// ---- Converse ------------------------------------------------------------------------------------

const converseBlock = (block: ScriptedBlock, index: number): Fields =>
  'tool' in block
    ? { toolUse: { toolUseId: idOf(block, index), name: block.tool, input: block.input } }
    : { text: block.text };

const converseUsage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };

const converseMessage = ({ blocks, stop = 'end_turn' }: Script): Fields => ({
  output: { message: { role: 'assistant', content: blocks.map(converseBlock) } },
  stopReason: stop,
  usage: converseUsage,
});

const converseStream = ({
  blocks,
  stop = 'end_turn',
  size = 3,
}: Script): [type: string, payload: Fields][] => [
  ['messageStart', { role: 'assistant' }],
  ...blocks.flatMap((block, contentBlockIndex): [string, Fields][] => {
    const isCall = 'tool' in block;
    const text = isCall ? (block.json ?? JSON.stringify(block.input)) : block.text;
    const start = isCall ? { toolUse: { toolUseId: idOf(block, contentBlockIndex), name: block.tool } } : {};
    return [
      ...(isCall ? ([['contentBlockStart', { contentBlockIndex, start }]] as [string, Fields][]) : []),
      ...pieces(text, size).map((piece): [string, Fields] => [
        'contentBlockDelta',
        { contentBlockIndex, delta: isCall ? { toolUse: { input: piece } } : { text: piece } },
      ]),
      ['contentBlockStop', { contentBlockIndex }],
    ];
  }),
  ['messageStop', { stopReason: stop }],
  ['metadata', { usage: converseUsage }],
];

const eventFrame = (type: string, payload: unknown): Buffer =>
  frame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);

// ---- server --------------------------------------------------------------------------------------

const isStream = (path: string, body: Fields): boolean => path.includes('stream') || body.stream === true;

const bytesOf = (path: string, body: Fields, script: Script): [contentType: string, bytes: Buffer] => {
  const isConverse = path.includes('/converse');
  if (!isStream(path, body)) {
    const message = isConverse ? converseMessage(script) : claudeMessage(script);
    return ['application/json', Buffer.from(JSON.stringify(message))];
  }
  const eventStream = 'application/vnd.amazon.eventstream';
  if (isConverse)
    return [eventStream, Buffer.concat(converseStream(script).map(([type, each]) => eventFrame(type, each)))];
  const events = claudeStream(script);
  if (!path.startsWith('/model/')) {
    const text = events.map((each) => `event: ${String(each.type)}\ndata: ${JSON.stringify(each)}\n\n`);
    return ['text/event-stream', Buffer.from(text.join(''))];
  }
  const bytes = events.map((each) =>
    eventFrame('chunk', { bytes: Buffer.from(JSON.stringify(each)).toString('base64') }),
  );
  return [eventStream, Buffer.concat(bytes)];
};

export const startScripted = async (): Promise<ScriptedUpstream> => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Fields;
      upstream.bodies.push(body);
      const [type, bytes] = bytesOf(request.url ?? '', body, upstream.answer(body));
      response.writeHead(200, { 'content-type': type }).end(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const upstream: ScriptedUpstream = {
    url: `http://127.0.0.1:${port}`,
    bodies: [],
    answer: () => ({ blocks: [{ text: 'ok' }] }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return upstream;
};
