import { randomUUID } from 'node:crypto';
import type { FinishKind, ThinkingBlock } from '../../core/chat.ts';

/** OpenRouter's fields for reasoning: its text in `reasoning`, and its signed blocks in `reasoning_details`. */
export type OpenRouterFields = 'none' | 'text' | 'details';

/** Unsigned reasoning has no blocks to show. */
export const openRouterFields = (
  { openRouterReasoning }: { readonly openRouterReasoning: boolean },
  { reasoningIsSigned }: { readonly reasoningIsSigned: boolean },
): OpenRouterFields => {
  if (!openRouterReasoning) return 'none';
  return reasoningIsSigned ? 'details' : 'text';
};

/** What every answer to one request has in common, plain or streamed. */
export interface ReplyOptions {
  /** The model as the client named it. */
  readonly model: string;
  /** Unix seconds. */
  readonly created: number;
  /** Makes an id where the upstream gives none. */
  readonly makeId: () => string;
  /** Show `reasoning_content` and `thinking_blocks`. */
  readonly includeReasoning: boolean;
  readonly openRouterReasoning: OpenRouterFields;
  /** Streams: a last chunk with the usage. */
  readonly includeUsage: boolean;
  /** The cost in the usage, where it is known. */
  readonly includeCost: boolean;
  /** Answer calls as `function_call`, the older spelling. */
  readonly legacyFunctions: boolean;
  /** Names of tools declared as `custom`: their calls come back as text. */
  readonly customTools: ReadonlySet<string>;
}

/** An id in the form of Anthropic's, for upstreams that give none: 22 letters and digits. */
export const makeMessageId = (): string => {
  const uuid = randomUUID();
  return `msg_01${uuid.slice(0, 8)}${uuid.slice(9, 13)}${uuid.slice(24, 34)}`;
};

const finishReasons = {
  end: 'stop',
  'stop-sequence': 'stop',
  pause: 'stop',
  length: 'length',
  'context-window': 'length',
  'tool-calls': 'tool_calls',
  refusal: 'content_filter',
} as const satisfies Record<FinishKind, string>;

/** In OpenAI's word. */
export const wireFinish = (kind: FinishKind, { legacyFunctions }: ReplyOptions) =>
  kind === 'tool-calls' && legacyFunctions ? 'function_call' : finishReasons[kind];

export const wireThinking = (blocks: readonly ThinkingBlock[]) =>
  blocks.map((block, index) => ({ index, ...block }));

const detailsFormat = 'anthropic-claude-v1';

/** OpenRouter's item for a piece of a block's text, to be joined with the others of its index. */
export const reasoningPiece = (text: string, index: number) => ({
  type: 'reasoning.text' as const,
  text,
  format: detailsFormat,
  index,
});

/** OpenRouter's item for a block; `text` as far as it was not sent before. */
export const reasoningDetail = (block: ThinkingBlock, index: number, text: string) =>
  block.type === 'thinking'
    ? { ...reasoningPiece(text, index), signature: block.signature }
    : { type: 'reasoning.encrypted' as const, data: block.data, format: detailsFormat, index };
