/** Chat events folded into one `chat.completion`. */

import type { ChatEvent, Cost, ThinkingBlock, Usage } from '../../core/chat.ts';
import { endedEarly } from '../../core/errors.ts';
import { customText, type ReplyOptions, reasoningDetail, wireFinish, wireThinking } from './reply.ts';
import { toWireUsage } from './usage.ts';

interface Call {
  readonly id: string;
  readonly name: string;
  arguments: string;
}

export interface Folded {
  readonly id: string | undefined;
  readonly text: string;
  readonly reasoning: string;
  readonly blocks: readonly ThinkingBlock[];
  readonly calls: readonly Call[];
  readonly usage: Usage | undefined;
  readonly finish: Extract<ChatEvent, { type: 'finish' }>;
}

/** Throws what the events throw, and 502 for events that end without a finish. `onUsage` hears each running total. */
export const fold = async (
  batches: AsyncIterable<readonly ChatEvent[]>,
  onUsage: (usage: Usage) => void,
): Promise<Folded> => {
  let id: string | undefined;
  let text = '';
  let reasoning = '';
  const blocks: ThinkingBlock[] = [];
  const calls: Call[] = [];
  let usage: Usage | undefined;
  let finish: Folded['finish'] | undefined;

  for await (const batch of batches) {
    for (const event of batch) {
      switch (event.type) {
        case 'start':
          id = event.id;
          break;
        case 'text':
          text += event.text;
          break;
        case 'reasoning':
          reasoning += event.text;
          break;
        case 'thinking-block':
          blocks.push(event.block);
          break;
        case 'tool-call':
          calls.push({ id: event.id, name: event.name, arguments: '' });
          break;
        case 'tool-arguments': {
          const call = calls.at(-1);
          if (call !== undefined) call.arguments += event.text;
          break;
        }
        case 'usage':
          usage = event.usage;
          onUsage(usage);
          break;
        case 'finish':
          finish = event;
          break;
        default:
          event satisfies never;
      }
    }
  }
  if (finish === undefined) throw endedEarly();
  return { id, text, reasoning, blocks, calls, usage, finish };
};

const wireCall = ({ id, name, arguments: written }: Call, { customTools }: ReplyOptions) =>
  customTools.has(name)
    ? { id, type: 'custom' as const, custom: { name, input: customText(written) } }
    : { id, type: 'function' as const, function: { name, arguments: written } };

const wireCalls = (calls: readonly Call[], options: ReplyOptions) => {
  const [first] = calls;
  if (first === undefined) return {};
  if (options.legacyFunctions) return { function_call: { name: first.name, arguments: first.arguments } };
  return { tool_calls: calls.map((call) => wireCall(call, options)) };
};

const wireReasoning = ({ reasoning, blocks }: Folded, { openRouterReasoning }: ReplyOptions) => {
  const details = blocks.map((block, index) =>
    reasoningDetail(block, index, block.type === 'thinking' ? block.thinking : ''),
  );
  return {
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(blocks.length === 0 ? {} : { thinking_blocks: wireThinking(blocks) }),
    ...(reasoning === '' || openRouterReasoning === 'none' ? {} : { reasoning }),
    ...(details.length === 0 || openRouterReasoning !== 'details' ? {} : { reasoning_details: details }),
  };
};

/** `cost` is of all that was used, where that is known. */
export const toCompletion = (folded: Folded, options: ReplyOptions, cost: Cost | undefined) => {
  const { text, calls, usage, finish } = folded;
  return {
    id: folded.id ?? options.makeId(),
    object: 'chat.completion' as const,
    created: options.created,
    model: options.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant' as const,
          // Null where there are only calls; the empty string where there is nothing at all.
          content: text === '' && calls.length > 0 ? null : text,
          refusal: finish.explanation ?? null,
          annotations: [],
          ...(options.includeReasoning ? wireReasoning(folded, options) : {}),
          ...wireCalls(calls, options),
        },
        logprobs: null,
        finish_reason: wireFinish(finish.reason, options),
      },
    ],
    ...(usage === undefined ? {} : { usage: toWireUsage(usage, options.includeCost ? cost : undefined) }),
  };
};
