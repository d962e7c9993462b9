import type { Answer, Block } from '../ask.ts';
import type { CachedInput } from '../cache.ts';
import { numbers } from '../ids.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../json.ts';
import type { Model } from '../models.ts';
import { splitJson, splitText } from '../tokens.ts';

export interface ConverseAnswer {
  readonly answer: Answer;
  readonly input: CachedInput;
  readonly seed: string;
  readonly model: Model;
  readonly body: Fields;
}

interface ConverseEvent {
  readonly type: string;
  readonly payload: Fields;
}

/** On this wire the bytes of a redacted block are the text of the Messages API's `data`, in base64 once more. */
const redactedBytes = (data: string): string => Buffer.from(data).toString('base64');

const callType = (model: Model): Fields => (model.family === 'claude' ? { type: 'tool_use' } : {});

const toBlock = (model: Model, block: Block): Fields => {
  switch (block.type) {
    case 'text':
      return { text: block.text };
    case 'thinking':
      return {
        reasoningContent: {
          reasoningText: {
            text: block.text,
            ...(block.signature === undefined ? {} : { signature: block.signature }),
          },
        },
      };
    case 'redacted':
      return { reasoningContent: { redactedContent: redactedBytes(block.data) } };
    case 'call':
      return {
        toolUse: {
          toolUseId: block.id,
          name: block.name,
          input: block.cut ? {} : block.input,
          ...callType(model),
        },
      };
  }
};

const stopReason = ({ answer, model }: ConverseAnswer): string =>
  answer.stop === 'refusal' && model.family === 'nova' ? 'content_filtered' : answer.stop;

const usageOf = ({ input, answer }: ConverseAnswer): Fields => {
  const fresh = input.total - input.read - input.written;
  return {
    cacheReadInputTokenCount: input.read,
    cacheReadInputTokens: input.read,
    cacheWriteInputTokenCount: input.written,
    cacheWriteInputTokens: input.written,
    inputTokens: fresh,
    outputTokens: answer.outputTokens,
    ...(input.written1h > 0 ? { cacheDetails: [{ inputTokens: input.written1h, ttl: '1h' }] } : {}),
    serverToolUsage: {},
    totalTokens: input.total + answer.outputTokens,
  };
};

/** Of the paths a caller may ask for, the one that says something: the stop sequence. */
const extraFields = ({ body, answer }: ConverseAnswer): Fields =>
  listOf(body.additionalModelResponseFieldPaths).map(textOf).includes('/stop_sequence')
    ? { additionalModelResponseFields: { stop_sequence: answer.stopSequence } }
    : {};

/** The tier that served, in answers to requests that named one. */
const servedTier = ({ body }: ConverseAnswer): Fields => {
  const { type } = fieldsOf(body.serviceTier);
  return type === undefined ? {} : { serviceTier: { type } };
};

const latency = (full: ConverseAnswer): Fields => ({
  metrics: { latencyMs: 200 + full.answer.outputTokens },
});

export const converseOutput = (full: ConverseAnswer): Fields => ({
  ...latency(full),
  output: {
    message: { content: full.answer.blocks.map((block) => toBlock(full.model, block)), role: 'assistant' },
  },
  ...servedTier(full),
  stopReason: stopReason(full),
  ...extraFields(full),
  usage: usageOf(full),
});

/** Claude sends arguments in pieces, Nova in one; a call without arguments has no delta that says anything. */
const argumentDeltas = (model: Model, json: string, next: (below: number) => number): Fields[] => {
  if (model.family === 'nova') return [{ toolUse: { input: json } }];
  return json === '{}' ? [] : ['', ...splitJson(json, next)].map((input) => ({ toolUse: { input } }));
};

const deltasOf = (model: Model, block: Block, next: (below: number) => number): Fields[] => {
  switch (block.type) {
    case 'text':
      return splitText(block.text, next).map((text) => ({ text }));
    case 'thinking':
      return [
        ...splitText(block.text, next).map((text) => ({ reasoningContent: { text } })),
        ...(block.signature === undefined ? [] : [{ reasoningContent: { signature: block.signature } }]),
      ];
    case 'redacted':
      return [{ reasoningContent: { redactedContent: redactedBytes(block.data) } }];
    case 'call':
      return argumentDeltas(model, block.json, next);
  }
};

/** Text and reasoning have no start event; `metadata` comes after `messageStop`. */
export function* converseEvents(full: ConverseAnswer): Generator<ConverseEvent> {
  const { answer, model, seed } = full;
  const next = numbers(seed);
  yield { type: 'messageStart', payload: { role: 'assistant' } };
  for (const [contentBlockIndex, block] of answer.blocks.entries()) {
    if (block.type === 'call') {
      const start = { toolUse: { name: block.name, toolUseId: block.id, ...callType(model) } };
      yield { type: 'contentBlockStart', payload: { contentBlockIndex, start } };
    }
    for (const delta of deltasOf(model, block, next)) {
      yield { type: 'contentBlockDelta', payload: { contentBlockIndex, delta } };
    }
    yield { type: 'contentBlockStop', payload: { contentBlockIndex } };
  }
  yield { type: 'messageStop', payload: { ...extraFields(full), stopReason: stopReason(full) } };
  yield { type: 'metadata', payload: { ...latency(full), ...servedTier(full), usage: usageOf(full) } };
}
