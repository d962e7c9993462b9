import type { Answer, Block } from '../ask.ts';
import type { CachedInput } from '../cache.ts';
import { claudeId, numbers } from '../ids.ts';
import type { Fields } from '../json.ts';
import { splitJson, splitText } from '../tokens.ts';
import type { ClaudeRequest } from './request.ts';
import { cacheCreation, inputUsage } from './usage.ts';

/** A finished answer together with what its envelope needs. */
export interface ClaudeAnswer {
  readonly request: ClaudeRequest;
  readonly answer: Answer;
  readonly input: CachedInput;
  readonly seed: string;
  /** `input_transformations`, for who asked for them. */
  readonly transformations: Fields;
}

export interface ClaudeEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

const detailsOf = (answer: Answer): Fields =>
  answer.thinkingTokens > 0 ? { output_tokens_details: { thinking_tokens: answer.thinkingTokens } } : {};

const refusalDetails = (answer: Answer): Fields => ({
  stop_details:
    answer.stop === 'refusal'
      ? {
          type: 'refusal',
          category: 'general_harms',
          explanation: 'This request was blocked under the Usage Policy.',
        }
      : null,
});

const envelope = ({ request, seed }: ClaudeAnswer): Fields => ({
  model: request.model.id,
  id: claudeId(request.via === 'invoke' ? 'msg_bdrk_' : 'msg_', seed),
  type: 'message',
  role: 'assistant',
});

const caller = (request: ClaudeRequest): Fields =>
  request.via === 'api' ? { caller: { type: 'direct' } } : {};

const toBlock = (request: ClaudeRequest, block: Block): Fields => {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text };
    case 'thinking':
      return { type: 'thinking', thinking: block.text, signature: block.signature ?? '' };
    case 'redacted':
      return { type: 'redacted_thinking', data: block.data };
    case 'call':
      return {
        type: 'tool_use',
        id: block.id,
        name: block.name,
        input: block.cut ? {} : block.input,
        ...caller(request),
      };
  }
};

const serviceUsage = (request: ClaudeRequest): Fields => ({
  service_tier: 'standard',
  ...(request.via === 'api' ? { inference_geo: 'not_available' } : {}),
});

export const toMessage = (full: ClaudeAnswer): Fields => ({
  ...envelope(full),
  content: full.answer.blocks.map((block) => toBlock(full.request, block)),
  stop_reason: full.answer.stop,
  stop_sequence: full.answer.stopSequence,
  ...refusalDetails(full.answer),
  ...full.transformations,
  usage: {
    ...inputUsage(full.input),
    ...cacheCreation(full.input),
    output_tokens: full.answer.outputTokens,
    ...detailsOf(full.answer),
    ...serviceUsage(full.request),
  },
});

/** The deltas of one block; a call without arguments has one empty delta, as recorded. */
const deltasOf = (block: Block, next: (below: number) => number): Fields[] => {
  switch (block.type) {
    case 'text':
      return splitText(block.text, next).map((text) => ({ type: 'text_delta', text }));
    case 'thinking':
      return [
        ...splitText(block.text, next).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: block.signature ?? '' },
      ];
    case 'redacted':
      return [];
    case 'call':
      return ['', ...(block.json === '{}' ? [] : splitJson(block.json, next))].map((partial_json) => ({
        type: 'input_json_delta',
        partial_json,
      }));
  }
};

const startOf = (request: ClaudeRequest, block: Block): Fields => {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: '' };
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'redacted':
      return toBlock(request, block);
    case 'call':
      return { type: 'tool_use', id: block.id, name: block.name, input: {}, ...caller(request) };
  }
};

/** The events of a stream in wire order, without the pings, which belong to the API alone. */
export function* toEvents(full: ClaudeAnswer): Generator<ClaudeEvent> {
  const { request, answer, input, seed } = full;
  const next = numbers(seed);
  yield {
    type: 'message_start',
    message: {
      ...envelope(full),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      ...full.transformations,
      usage: {
        ...inputUsage(input),
        ...cacheCreation(input),
        output_tokens: Math.min(answer.outputTokens, 1 + next(4)),
        ...serviceUsage(request),
      },
    },
  };
  for (const [index, block] of answer.blocks.entries()) {
    yield { type: 'content_block_start', index, content_block: startOf(request, block) };
    for (const delta of deltasOf(block, next)) yield { type: 'content_block_delta', index, delta };
    yield { type: 'content_block_stop', index };
  }
  yield {
    type: 'message_delta',
    delta: { stop_reason: answer.stop, stop_sequence: answer.stopSequence, ...refusalDetails(answer) },
    usage: {
      ...(request.via === 'api' ? inputUsage(input) : {}),
      output_tokens: answer.outputTokens,
      ...detailsOf(answer),
    },
  };
  yield { type: 'message_stop' };
}
