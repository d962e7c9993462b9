/**
 * What a client must get for a recording, read from it in the plainest way there is. Knows nothing of the
 * server: nothing here may come from src/.
 */

import type { Fields, RecordedEvent, Recording } from './replay.ts';

export interface ExpectedCall {
  readonly id: string;
  readonly name: string;
  /** As text; the server may write it otherwise, as long as it says the same. */
  readonly arguments: string;
}

export type ExpectedBlock =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'redacted_thinking'; readonly data: string };

export interface ExpectedUsage {
  readonly prompt: number;
  readonly completion: number;
  readonly total: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
}

export interface ExpectedAnswer {
  readonly kind: 'answer';
  /** Undefined: the upstream gives none. */
  readonly id: string | undefined;
  readonly text: string;
  readonly reasoning: string;
  readonly blocks: readonly ExpectedBlock[];
  readonly calls: readonly ExpectedCall[];
  readonly finish: string;
  /** Undefined: the upstream gives none. */
  readonly usage: ExpectedUsage | undefined;
  /** Text deltas that hold something; undefined where the server may divide the text otherwise. */
  readonly textDeltas: number | undefined;
}

export interface ExpectedError {
  readonly kind: 'error';
  readonly status: number;
  readonly type: string;
  /** Undefined: either word will do. */
  readonly code?: string | null;
  /** The upstream's own words, where the client is to have them. */
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The failure comes in the middle of a stream, after this text. */
  readonly textBefore?: string;
  /** It comes before anything was said: a status, for a stream too. */
  readonly atOnce?: boolean;
}

export type Expected = ExpectedAnswer | ExpectedError;

type Loose = Record<string, never> & Fields;
const loose = (value: unknown): Loose => (value ?? {}) as Loose;
const list = (value: unknown): Loose[] => (value ?? []) as Loose[];
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

const finishes: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
};

/** By the calls there are, wherever the answer came to a good end. */
const finishOf = (word: unknown, calls: readonly unknown[]): string => {
  const finish = finishes[String(word)] ?? 'stop';
  if (finish !== 'stop' && finish !== 'tool_calls') return finish;
  return calls.length > 0 ? 'tool_calls' : 'stop';
};

const usageOf = (fresh: number, read: number, write: number, output: number, reasoning: number) => ({
  prompt: fresh + read + write,
  completion: output,
  total: fresh + read + write + output,
  cached: read,
  cacheWrite: write,
  reasoning,
});

// ---- Claude: the Messages API, at Anthropic or by InvokeModel ---------------------------------------

const claudeData = (event: RecordedEvent): Loose => loose(event.data ?? event.payload);

/** The message that the stream's events describe. */
const claudeMessage = (events: readonly RecordedEvent[]): Loose => {
  const message: Fields = {};
  const content: Fields[] = [];
  for (const event of events) {
    const data = claudeData(event);
    const delta = loose(data.delta);
    const block = loose(content[number(data.index)]);
    if (data.type === 'message_start') Object.assign(message, data.message);
    if (data.type === 'content_block_start') content[number(data.index)] = { ...loose(data.content_block) };
    if (delta.type === 'text_delta') block.text = `${block.text ?? ''}${delta.text}` as never;
    if (delta.type === 'thinking_delta') block.thinking = `${block.thinking ?? ''}${delta.thinking}` as never;
    if (delta.type === 'signature_delta')
      block.signature = `${block.signature ?? ''}${delta.signature}` as never;
    if (delta.type === 'input_json_delta') block.json = `${block.json ?? ''}${delta.partial_json}` as never;
    if (data.type === 'message_delta') {
      message.stop_reason = delta.stop_reason;
      const later = Object.entries(loose(data.usage)).filter(([, value]) => value !== null);
      message.usage = { ...loose(message.usage), ...Object.fromEntries(later) };
    }
  }
  return loose({ ...message, content });
};

const readClaude = (message: Loose, textDeltas: number | undefined): ExpectedAnswer => {
  const content = list(message.content);
  const thinking = content.filter((block) => block.type === 'thinking');
  const usage = loose(message.usage);
  const calls = content
    .filter((block) => block.type === 'tool_use')
    .map((block) => ({
      id: String(block.id),
      name: String(block.name),
      arguments: String(block.json ?? '') || JSON.stringify(block.input ?? {}),
    }));
  return {
    kind: 'answer',
    id: String(message.id),
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    reasoning: thinking.map((block) => block.thinking).join(''),
    blocks: content.flatMap((block): ExpectedBlock[] => {
      if (block.type === 'redacted_thinking')
        return [{ type: 'redacted_thinking', data: String(block.data) }];
      if (block.type !== 'thinking' || !block.signature) return [];
      return [
        { type: 'thinking', thinking: String(block.thinking ?? ''), signature: String(block.signature) },
      ];
    }),
    calls,
    finish: finishOf(message.stop_reason, calls),
    usage: usageOf(
      number(usage.input_tokens),
      number(usage.cache_read_input_tokens),
      number(usage.cache_creation_input_tokens),
      number(usage.output_tokens),
      number(loose(usage.output_tokens_details).thinking_tokens),
    ),
    textDeltas,
  };
};

// ---- Converse -------------------------------------------------------------------------------------

/** The blocks that the stream's events describe, in the form of a plain answer. */
const converseContent = (events: readonly RecordedEvent[]): Fields[] => {
  const content: Fields[] = [];
  for (const { type, payload } of events) {
    const data = loose(payload);
    const index = number(data.contentBlockIndex);
    if (type === 'contentBlockStart') {
      const start = loose(data.start);
      content[index] = start.toolUse ? { toolUse: { ...loose(start.toolUse), json: '' } } : { foreign: true };
    }
    if (type !== 'contentBlockDelta') continue;
    content[index] ??= {};
    const block = loose(content[index]);
    const delta = loose(data.delta);
    if (block.foreign) continue;
    if (delta.text !== undefined) block.text = `${block.text ?? ''}${delta.text}` as never;
    if (delta.toolUse !== undefined) {
      const call = loose(block.toolUse);
      call.json = `${call.json}${loose(delta.toolUse).input ?? ''}` as never;
    }
    if (delta.reasoningContent !== undefined) {
      const piece = loose(delta.reasoningContent);
      const before = loose(loose(block.reasoningContent).reasoningText);
      block.reasoningContent = (
        piece.redactedContent === undefined
          ? {
              reasoningText: {
                text: `${before.text ?? ''}${piece.text ?? ''}`,
                signature: `${before.signature ?? ''}${piece.signature ?? ''}`,
              },
            }
          : { redactedContent: piece.redactedContent }
      ) as never;
    }
  }
  return content.filter((block) => block !== undefined);
};

/** Nova 1 thinks aloud where it has tools: between tags, in its text. */
const hasTags = ({ model, tags }: Recording): boolean =>
  /nova-(lite|micro|pro)-v1/.test(model) && (tags.includes('tools') || tags.includes('tool-call'));

const tagged = /<thinking>([\s\S]*?)<\/thinking>\s*/g;

const readConverse = (
  recording: Recording,
  content: readonly Loose[],
  stopReason: unknown,
  figures: unknown,
  textDeltas: number | undefined,
): ExpectedAnswer => {
  const whole = content
    .map((block) => {
      if (block.citationsContent)
        return list(loose(block.citationsContent).content)
          .map((cited) => cited.text ?? '')
          .join('');
      return block.text ?? '';
    })
    .join('');
  const aloud = hasTags(recording) ? [...whole.matchAll(tagged)].map(([, inner]) => inner).join('') : '';
  const reasoned = content.map((block) => loose(block.reasoningContent));
  const usage = loose(figures);
  const calls = content
    .map((block) => loose(block.toolUse))
    .filter((call) => call.toolUseId !== undefined && call.type !== 'server_tool_use')
    .map((call) => ({
      id: String(call.toolUseId),
      name: String(call.name),
      arguments: String(call.json ?? '') || JSON.stringify(call.input ?? {}),
    }));
  return {
    kind: 'answer',
    id: undefined,
    text: hasTags(recording) ? whole.replace(tagged, '') : whole,
    reasoning: aloud + reasoned.map((each) => loose(each.reasoningText).text ?? '').join(''),
    blocks: reasoned.flatMap((each): ExpectedBlock[] => {
      if (each.redactedContent !== undefined) {
        const data = Buffer.from(String(each.redactedContent), 'base64').toString('utf8');
        return [{ type: 'redacted_thinking', data }];
      }
      const { text, signature } = loose(each.reasoningText);
      return signature
        ? [{ type: 'thinking', thinking: String(text ?? ''), signature: String(signature) }]
        : [];
    }),
    calls,
    finish: finishOf(stopReason, calls),
    usage:
      figures === undefined
        ? undefined
        : usageOf(
            number(usage.inputTokens),
            number(usage.cacheReadInputTokens),
            number(usage.cacheWriteInputTokens),
            number(usage.outputTokens),
            0,
          ),
    textDeltas: hasTags(recording) ? undefined : textDeltas,
  };
};

// ---- failures -------------------------------------------------------------------------------------

const failure = (
  status: number,
  type: string,
  code: string | null | undefined,
  more: Partial<ExpectedError> = {},
): ExpectedError => ({ kind: 'error', status, type, ...(code === undefined ? {} : { code }), ...more });

const noRetry = { 'x-should-retry': 'false' };

/** Behaviour 8.4, by the upstream's status and its own name for the error. */
const expectedFailure = (status: number, name: string, message: string, wait: string): ExpectedError => {
  const said = message === '' ? {} : { message };
  if (status === 400 && /identifier is invalid/.test(message))
    return failure(404, 'invalid_request_error', 'model_not_found', { headers: noRetry });
  if (status === 400 && /Input Tokens Exceeded/.test(message))
    return failure(400, 'invalid_request_error', 'context_length_exceeded', said);
  if (status === 400) return failure(400, 'invalid_request_error', null, said);
  if (status === 401 || status === 403)
    return failure(502, 'server_error', 'upstream_credential_refused', { headers: noRetry });
  if (status === 404) return failure(404, 'invalid_request_error', 'model_not_found', { headers: noRetry });
  if (status === 429)
    return failure(429, 'rate_limit_error', 'rate_limit_exceeded', {
      ...said,
      headers: { 'retry-after': wait },
    });
  if (status === 529 || status === 503)
    return failure(503, 'server_error', 'overloaded', { headers: { 'retry-after': wait } });
  // Whether a model's error is worth repeating the upstream does not say.
  if (status === 424 || /ModelError|ModelStreamError/i.test(name))
    return failure(502, 'server_error', undefined);
  return failure(502, 'server_error', 'upstream_error');
};

const statusOfName: Readonly<Record<string, number>> = {
  overloaded_error: 529,
  rate_limit_error: 429,
  api_error: 500,
  throttlingException: 429,
  modelStreamErrorException: 424,
  internalServerException: 500,
  serviceUnavailableException: 503,
  validationException: 400,
};

const defaultWait = '2';

const textOf = (events: readonly RecordedEvent[]): string =>
  events
    .map((event) => loose(loose(event.data ?? event.payload).delta).text)
    .filter((text) => typeof text === 'string')
    .join('');

/** What is wrong with a stream, if anything is. */
const brokenStream = ({ upstream, events = [] }: Recording): ExpectedError | undefined => {
  const textBefore = textOf(events);
  const error = events.find((event) => event.event === 'error' || event.messageType === 'exception');
  if (error !== undefined) {
    const told = loose(error.data === undefined ? error.payload : loose(error.data).error);
    const name = String(error.data === undefined ? error.type : told.type);
    const expected = expectedFailure(
      statusOfName[name] ?? 500,
      name,
      String(told.message ?? ''),
      defaultWait,
    );
    const atOnce = events.every((event) => event === error || event.event === 'ping');
    return { ...expected, textBefore, atOnce };
  }
  const ends = (event: RecordedEvent) =>
    upstream === 'bedrock-converse'
      ? event.type === 'messageStop'
      : claudeData(event).type === 'message_stop';
  if (!events.some(ends)) return failure(502, 'server_error', 'upstream_error', { textBefore });
  const stop = events.find((event) => event.type === 'messageStop');
  if (/^malformed/.test(String(loose(stop?.payload).stopReason)))
    return failure(502, 'server_error', 'malformed_model_output', { textBefore });
  // An answer that begins anew after half of it was passed on: nobody can take back what was said.
  const starts = events.filter((event) => claudeData(event).type === 'message_start');
  if (starts.length > 1) return failure(502, 'server_error', 'upstream_error', { textBefore });
  return undefined;
};

/** Pieces of text that hold something, those of blocks the client never sees left out. */
const countTextDeltas = (events: readonly RecordedEvent[]): number => {
  const texts = new Set<unknown>();
  let count = 0;
  for (const event of events) {
    const data = loose(event.data ?? event.payload);
    const block = loose(data.content_block);
    const { text } = loose(data.delta);
    if (block.type === 'text') texts.add(data.index);
    if (block.type === 'text' && block.text) count += 1;
    if (text && (event.type === 'contentBlockDelta' || texts.has(data.index))) count += 1;
  }
  return count;
};

export const readExpected = (recording: Recording): Expected => {
  const { upstream, status, body, headers, stream, events = [] } = recording;
  if (status !== 200) {
    const said = loose(typeof body === 'string' ? {} : body);
    const message = String(loose(said.error).message ?? said.message ?? '');
    const name = headers?.['x-amzn-errortype'] ?? '';
    return expectedFailure(status, name, message, headers?.['retry-after'] ?? defaultWait);
  }
  if (!stream) {
    if (upstream !== 'bedrock-converse') return readClaude(loose(body), undefined);
    const { output, stopReason, usage } = loose(body);
    if (/^malformed/.test(String(stopReason)))
      return failure(502, 'server_error', 'malformed_model_output', { headers: noRetry });
    return readConverse(
      recording,
      list(loose(loose(output).message).content),
      stopReason,
      usage ?? undefined,
      undefined,
    );
  }
  const broken = brokenStream(recording);
  if (broken !== undefined) return broken;
  const deltas = countTextDeltas(events);
  if (upstream !== 'bedrock-converse') return readClaude(claudeMessage(events), deltas);
  const payload = (type: string) => loose(events.find((event) => event.type === type)?.payload);
  return readConverse(
    recording,
    list(converseContent(events)),
    payload('messageStop').stopReason,
    payload('metadata').usage,
    deltas,
  );
};
