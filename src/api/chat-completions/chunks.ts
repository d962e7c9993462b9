/**
 * Chat events to `chat.completion.chunk` frames. One chunk per upstream delta, a batch as one string.
 * The common frame, a piece of text, is a prefix built once per stream plus the escaped text: as correct
 * as stringifying the object and several times cheaper
 * (docs/decisions/2026-11-22-own-transports.md).
 */

import type { ChatEvent, Cost, ThinkingBlock, Usage } from '../../core/chat.ts';
import { customText } from '../content/custom-tool.ts';
import { type ReplyOptions, reasoningDetail, reasoningPiece, wireFinish, wireThinking } from './reply.ts';
import type { StreamHead } from './stream-head.ts';
import { toWireUsage } from './usage.ts';

export interface ChunkEncoder {
  /** The frames for a batch; empty where it holds nothing for the client. */
  push(events: readonly ChatEvent[]): string;
  /** What follows the last batch of an answer that ended well. */
  end(): string;
  /** Running totals and the ending so far. */
  readonly summary: () => { readonly usage: Usage | undefined; readonly finish: string | undefined };
}

export const errorFrame = (body: object): string => `data: ${JSON.stringify(body)}\n\n`;

const doneFrame = 'data: [DONE]\n\n';

export const createChunkEncoder = (
  options: ReplyOptions,
  head: StreamHead,
  costOf: (usage: Usage) => Cost | undefined,
): ChunkEncoder => {
  const { suffix, usageNull } = head;
  let calls = 0;
  // Arguments of the custom call under way, whose text is known once they are whole.
  let custom: string | undefined;
  let usage: Usage | undefined;
  let finish: string | undefined;
  const blocks: ThinkingBlock[] = [];

  const delta = (fields: string): string => head.prefix + fields + suffix;

  const callStart = (id: string, name: string): string => {
    calls += 1;
    if (options.customTools.has(name)) {
      custom = '';
      const call = { index: calls - 1, id, type: 'custom', custom: { name, input: '' } };
      return delta(`"tool_calls":[${JSON.stringify(call)}]`);
    }
    if (!options.legacyFunctions) {
      const call = { index: calls - 1, id, type: 'function', function: { name, arguments: '' } };
      return delta(`"tool_calls":[${JSON.stringify(call)}]`);
    }
    // The older spelling has room for one call.
    return calls === 1 ? delta(`"function_call":${JSON.stringify({ name, arguments: '' })}`) : '';
  };

  const customEnd = (): string => {
    if (custom === undefined) return '';
    const input = JSON.stringify(customText(custom));
    custom = undefined;
    return delta(`"tool_calls":[{"index":${calls - 1},"custom":{"input":${input}}}]`);
  };

  const callArguments = (text: string): string => {
    if (custom !== undefined) {
      custom += text;
      return '';
    }
    const json = JSON.stringify(text);
    if (!options.legacyFunctions) {
      return delta(`"tool_calls":[{"index":${calls - 1},"function":{"arguments":${json}}}]`);
    }
    return calls === 1 ? delta(`"function_call":{"arguments":${json}}`) : '';
  };

  const finishChunk = ({ kind, explanation }: Extract<ChatEvent, { type: 'finish' }>): string => {
    const refusal = explanation === undefined ? '' : delta(`"refusal":${JSON.stringify(explanation)}`);
    const thinking =
      options.includeReasoning && blocks.length > 0
        ? delta(`"thinking_blocks":${JSON.stringify(wireThinking(blocks))}`)
        : '';
    const word = wireFinish(kind, options);
    return `${thinking}${refusal}${head.prefix}},"logprobs":null,"finish_reason":"${word}"}]${usageNull}}\n\n`;
  };

  const reasoningChunk = (text: string): string => {
    const json = JSON.stringify(text);
    const content = `"reasoning_content":${json}`;
    switch (options.openRouterReasoning) {
      case 'none':
        return delta(content);
      case 'text':
        return delta(`${content},"reasoning":${json}`);
      case 'details': {
        // Under the index that the block will have, so that clients can join its pieces with its signature.
        const piece = JSON.stringify(reasoningPiece(text, blocks.length));
        return delta(`${content},"reasoning":${json},"reasoning_details":[${piece}]`);
      }
      default:
        return options.openRouterReasoning satisfies never;
    }
  };

  /** What OpenRouter's form still lacks of a block once its text has been sent. */
  const blockChunk = (block: ThinkingBlock, index: number): string =>
    options.openRouterReasoning === 'details'
      ? delta(`"reasoning_details":[${JSON.stringify(reasoningDetail(block, index, ''))}]`)
      : '';

  const encode = (event: ChatEvent): string => {
    switch (event.type) {
      case 'text':
        return `${head.prefix}"content":${JSON.stringify(event.text)}${suffix}`;
      case 'reasoning':
        return options.includeReasoning ? reasoningChunk(event.text) : '';
      case 'thinking-block':
        blocks.push(event.block);
        return options.includeReasoning ? blockChunk(event.block, blocks.length - 1) : '';
      case 'tool-call':
        return callStart(event.id, event.name);
      case 'tool-arguments':
        return callArguments(event.text);
      case 'usage':
        usage = event.usage;
        return '';
      case 'finish':
        finish = event.upstreamReason;
        return finishChunk(event);
      case 'start':
        return '';
      default:
        return event satisfies never;
    }
  };

  return {
    push: (events) => {
      let frames = '';
      for (const event of events) {
        if (head.prefix === '') frames += head.open(event.type === 'start' ? event.id : undefined);
        if (event.type !== 'tool-arguments') frames += customEnd();
        frames += encode(event);
      }
      return frames;
    },
    end: () => {
      if (!options.includeUsage || usage === undefined) return doneFrame;
      const wire = toWireUsage(usage, options.includeCost ? costOf(usage) : undefined);
      return `${head.start}],"usage":${JSON.stringify(wire)}}\n\n${doneFrame}`;
    },
    summary: () => ({ usage, finish }),
  };
};
