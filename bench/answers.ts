/** What the fake upstream says, serialised once: one text on every wire, in one piece and as a stream. */

import { eventFrame } from '../simulator/bedrock/frames.ts';

export type Operation = 'messages' | 'invoke' | 'converse';

export const deltaCount = 200;
const words = [
  'the ',
  'slow ',
  'river ',
  'carries ',
  'every ',
  'boat ',
  'along, ',
  'and ',
  'nobody ',
  'hurries. ',
];
/** Found in the first delta alone. */
export const firstText = 'Once ';
const deltas = Array.from({ length: deltaCount }, (_, index) =>
  index === 0 ? firstText : (words[index % words.length] ?? ''),
);
export const streamText = deltas.join('');
export const plainText =
  'A river carries every boat along, and nobody on it hurries, because the water does not.';

export interface Answer {
  readonly plain: Buffer;
  readonly plainType: string;
  /** All that comes before the second delta, then a piece for each delta, then the end. */
  readonly pieces: readonly Buffer[];
  readonly streamType: string;
}

type Fields = Readonly<Record<string, unknown>>;

const claudeMessage = {
  id: 'msg_01BenchmarkBenchmark0000',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5-20251001',
  content: [{ type: 'text', text: plainText }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: {
    input_tokens: 25,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 21,
    service_tier: 'standard',
  },
};

const claudeEvents = {
  start: [
    {
      type: 'message_start',
      message: { ...claudeMessage, content: [], stop_reason: null },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'ping' },
  ],
  delta: (text: string) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  end: [
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: deltaCount },
    },
    { type: 'message_stop' },
  ],
};

const converseMessage = {
  metrics: { latencyMs: 412 },
  output: { message: { role: 'assistant', content: [{ text: plainText }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 25, outputTokens: 21, totalTokens: 46 },
};

const converseEvents = {
  start: [{ type: 'messageStart', role: 'assistant' }],
  delta: (text: string) => ({ type: 'contentBlockDelta', contentBlockIndex: 0, delta: { text } }),
  end: [
    { type: 'contentBlockStop', contentBlockIndex: 0 },
    { type: 'messageStop', stopReason: 'end_turn' },
    {
      type: 'metadata',
      usage: { inputTokens: 25, outputTokens: deltaCount, totalTokens: 25 + deltaCount },
      metrics: { latencyMs: 412 },
    },
  ],
};

interface Events {
  readonly start: readonly Event[];
  delta(text: string): Event;
  readonly end: readonly Event[];
}
type Event = Fields & { readonly type: string };

const toPieces = ({ start, delta, end }: Events, encode: (event: Event) => Buffer): readonly Buffer[] => {
  const [first = Buffer.alloc(0), ...rest] = deltas.map((text) => encode(delta(text)));
  return [Buffer.concat([...start.map(encode), first]), ...rest, Buffer.concat(end.map(encode))];
};

const sse = (event: Event): Buffer => Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

const padding = 'abcdefghijklmnopqrstuvwxyz';
const converseFrame = ({ type, ...payload }: Event): Buffer => eventFrame(type, { ...payload, p: padding });
const invokeFrame = (event: Event): Buffer =>
  eventFrame('chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: padding });

const eventStream = 'application/vnd.amazon.eventstream';

export const answers: Readonly<Record<Operation, Answer>> = {
  messages: {
    plain: Buffer.from(JSON.stringify(claudeMessage)),
    plainType: 'application/json',
    pieces: toPieces(claudeEvents, sse),
    streamType: 'text/event-stream; charset=utf-8',
  },
  invoke: {
    plain: Buffer.from(JSON.stringify(claudeMessage)),
    plainType: 'application/json',
    pieces: toPieces(claudeEvents, invokeFrame),
    streamType: eventStream,
  },
  converse: {
    plain: Buffer.from(JSON.stringify(converseMessage)),
    plainType: 'application/json',
    pieces: toPieces(converseEvents, converseFrame),
    streamType: eventStream,
  },
};
