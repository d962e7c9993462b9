/** The whole answer as one `chat.completion`. */

import type { Cost } from '../../core/chat.ts';
import type { Folded, FoldedCall } from '../../core/fold.ts';
import { customText } from '../content/custom-tool.ts';
import { type ReplyOptions, reasoningDetail, wireFinish, wireThinking } from './reply.ts';
import { toWireUsage } from './usage.ts';

const wireCall = ({ id, name, arguments: written }: FoldedCall, { customTools }: ReplyOptions) =>
  customTools.has(name)
    ? { id, type: 'custom' as const, custom: { name, input: customText(written) } }
    : { id, type: 'function' as const, function: { name, arguments: written } };

const wireCalls = (calls: readonly FoldedCall[], options: ReplyOptions) => {
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
        finish_reason: wireFinish(finish.kind, options),
      },
    ],
    ...(usage === undefined ? {} : { usage: toWireUsage(usage, options.includeCost ? cost : undefined) }),
  };
};
