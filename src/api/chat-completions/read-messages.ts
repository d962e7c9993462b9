/** OpenAI's messages, each as a turn of its own. Behaviour 3; thinking that comes back, 5.7. */

import type { AskTurn } from '../../core/ask.ts';
import { callDigest } from '../../core/call-digest.ts';
import type {
  CacheBreakpoint,
  DocumentPart,
  ImagePart,
  JsonObject,
  Part,
  TextPart,
  ThinkingBlock,
  ToolCallPart,
  ToolResultPart,
} from '../../core/chat.ts';
import { invalidRequest } from '../../core/errors.ts';
import { type LongTexts, messageText, noLongTexts, textPart } from '../../core/message-text.ts';
import type { Concept } from '../../core/report.ts';
import { readImage } from '../../media/data-uri.ts';
import { readDocument } from '../../media/documents.ts';
import { cacheBreakpoint } from '../content/cache-breakpoint.ts';
import { readArguments } from '../content/call-arguments.ts';
import { customInput } from '../content/custom-tool.ts';
import { readFilePart } from '../content/file-part.ts';
import type { AssistantPart, ContentPart, Message, MessageOf, WireToolCall } from './request.ts';

/** What had to give while messages were read, each named once. */
type Adjusted = Set<'messages' | 'cacheBreakpoints'>;

/** `function_call` has no id. Made of the call itself, so that it stays when older turns are cut off. */
export const legacyCallId = (name: string, written: string): string =>
  `call_legacy_${callDigest(name, written)}`;

const isBlank = (text: string): boolean => text.trim() === '';

const readPart = (part: ContentPart, path: string): TextPart | ImagePart | DocumentPart | undefined => {
  switch (part.type) {
    case 'text':
      return isBlank(part.text) ? undefined : textPart(part.text, cacheBreakpoint(part));
    case 'refusal':
      return isBlank(part.refusal) ? undefined : textPart(part.refusal);
    case 'image_url': {
      const nested = typeof part.image_url === 'object';
      const url = typeof part.image_url === 'object' ? part.image_url.url : part.image_url;
      const at = `${path}.image_url${nested ? '.url' : ''}`;
      // Some clients send documents through the image part.
      if (/^data:(application\/pdf|text\/)/i.test(url))
        return { ...readDocument(url, undefined, at), cache: cacheBreakpoint(part) };
      return { type: 'image', source: readImage(url, at), path: at, cache: cacheBreakpoint(part) };
    }
    case 'file':
      return { ...readFilePart(part.file, `${path}.file`), cache: cacheBreakpoint(part) };
    case 'input_audio':
      throw invalidRequest(
        `${path}: audio input is not available on these models; send text or images.`,
        path,
      );
    default:
      return part satisfies never;
  }
};

/** Sets a breakpoint on the end of what was read so far. */
const setOnEnd = <P extends Part>(
  parts: P[],
  cache: CacheBreakpoint | undefined,
  adjusted: Adjusted,
): void => {
  if (cache === undefined) return;
  const last = parts.at(-1);
  if (last === undefined || last.type === 'thinking-block') adjusted.add('cacheBreakpoints');
  else parts[parts.length - 1] = { ...last, cache };
};

/** A breakpoint on a part that is left out stands for one on the part before: what may be cached is the same. */
const readParts = <Wire extends ContentPart | AssistantPart, P extends Part>(
  content: readonly Wire[],
  read: (part: Wire, index: number) => readonly P[],
  adjusted: Adjusted,
): P[] => {
  const parts: P[] = [];
  for (const [index, part] of content.entries()) {
    const found = read(part, index);
    for (const each of found) parts.push(each);
    if (found.length === 0 && part.type === 'text') setOnEnd(parts, cacheBreakpoint(part), adjusted);
  }
  return parts;
};

const readContent = (
  content: string | readonly ContentPart[] | null | undefined,
  path: string,
  adjusted: Adjusted,
): (TextPart | ImagePart | DocumentPart)[] => {
  if (content === null || content === undefined) return [];
  if (typeof content === 'string') return isBlank(content) ? [] : [textPart(content)];
  const read = (part: ContentPart, index: number) => {
    const found = readPart(part, `${path}[${index}]`);
    return found === undefined ? [] : [found];
  };
  return readParts(content, read, adjusted);
};

/** A breakpoint on the message stands for one on its last part. */
const setOnLast = <P extends Part>(
  parts: readonly P[],
  cache: CacheBreakpoint | undefined,
  adjusted: Adjusted,
): readonly P[] => {
  if (cache === undefined) return parts;
  const withBreakpoint = [...parts];
  setOnEnd(withBreakpoint, cache, adjusted);
  return withBreakpoint;
};

const onCut = (adjusted: Adjusted) => () => adjusted.add('messages');

const readCall = (call: WireToolCall, path: string, adjusted: Adjusted): ToolCallPart =>
  call.type === 'function'
    ? {
        type: 'tool-call',
        id: call.id,
        name: call.function.name,
        input: readArguments(call.function.arguments, `${path}.function.arguments`, onCut(adjusted)),
        cache: cacheBreakpoint(call),
      }
    : {
        type: 'tool-call',
        id: call.id,
        name: call.custom.name,
        input: { [customInput]: call.custom.input },
        cache: cacheBreakpoint(call),
      };

const asString = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const signed = (thinking: unknown, signature: unknown): ThinkingBlock[] =>
  asString(signature) === undefined
    ? []
    : [{ type: 'thinking', thinking: asString(thinking) ?? '', signature: asString(signature) ?? '' }];

const redacted = (data: unknown): ThinkingBlock[] =>
  asString(data) === undefined ? [] : [{ type: 'redacted_thinking', data: asString(data) ?? '' }];

/**
 * OpenRouter's form. Clients that keep a stream's pieces as they came send a block as several items: those of one
 * index up to the signature are one block.
 */
const readDetails = (details: readonly JsonObject[], texts: LongTexts): readonly ThinkingBlock[] => {
  const blocks: ThinkingBlock[] = [];
  let pieces = '';
  let index: unknown;
  for (const detail of details) {
    if (detail.type === 'reasoning.encrypted') {
      blocks.push(...redacted(detail.data));
      pieces = '';
      continue;
    }
    if (detail.index !== index) pieces = '';
    index = detail.index;
    pieces += asString(detail.text ?? detail.thinking) ?? '';
    if (asString(detail.signature) === undefined) continue;
    blocks.push(...signed(texts.read(messageText(pieces)), detail.signature));
    pieces = '';
  }
  return blocks;
};

/** The signed blocks a message carries, in whichever form the client keeps them. Unsigned text is dropped. */
const readThinking = (message: MessageOf<'assistant'>, texts: LongTexts): readonly ThinkingBlock[] => {
  const { thinking_blocks: ours, reasoning_details: details, reasoning } = message;
  const blocks = (ours ?? []).flatMap((block) =>
    block.type === 'redacted_thinking' ? redacted(block.data) : signed(block.thinking, block.signature),
  );
  if (blocks.length > 0) return blocks;
  const detailed = readDetails(details ?? [], texts);
  if (detailed.length > 0) return detailed;
  return typeof reasoning === 'object' && reasoning !== null
    ? signed(reasoning.thinking, reasoning.signature)
    : [];
};

const thinkingPart = (block: ThinkingBlock): Part => ({ type: 'thinking-block', block });
const isThinking = ({ type }: Part): boolean => type === 'thinking-block';

const readAssistantPart = (part: AssistantPart, path: string): readonly Part[] => {
  switch (part.type) {
    case 'thinking':
      return signed(part.thinking, part.signature).map(thinkingPart);
    case 'redacted_thinking':
      return redacted(part.data).map(thinkingPart);
    default: {
      const read = readPart(part, path);
      return read === undefined ? [] : [read];
    }
  }
};

/** What was said, and thinking where it stands among it. */
const readSpoken = (
  { content, refusal }: MessageOf<'assistant'>,
  path: string,
  adjusted: Adjusted,
): Part[] => {
  const read = (part: AssistantPart, index: number) => readAssistantPart(part, `${path}.content[${index}]`);
  const parts: Part[] = Array.isArray(content)
    ? readParts(content, read, adjusted)
    : readContent(content, `${path}.content`, adjusted);
  return refusal && parts.every(isThinking)
    ? [...parts, ...readContent(refusal, `${path}.refusal`, adjusted)]
    : parts;
};

const readAssistant = (
  message: MessageOf<'assistant'>,
  path: string,
  legacyId: string,
  { adjusted, texts }: { readonly adjusted: Adjusted; readonly texts: LongTexts },
): readonly Part[] => {
  const { tool_calls: calls, function_call: legacy } = message;
  const parts = readSpoken(message, path, adjusted);
  if (calls && calls.length > 0) {
    for (const [index, call] of calls.entries()) {
      parts.push(readCall(call, `${path}.tool_calls[${index}]`, adjusted));
    }
  } else if (legacy) {
    const input = readArguments(legacy.arguments, `${path}.function_call.arguments`, onCut(adjusted));
    parts.push({ type: 'tool-call', id: legacyId, name: legacy.name, input });
  }
  // Thinking that led to nothing is not a turn.
  if (parts.every(isThinking)) return [];
  const withBreakpoint = setOnLast(parts, cacheBreakpoint(message), adjusted);
  // The same blocks twice would be refused: those that have their place among the parts count.
  const thinking = parts.some(isThinking) ? [] : readThinking(message, texts);
  return thinking.length === 0 ? withBreakpoint : [...thinking.map(thinkingPart), ...withBreakpoint];
};

export interface ReadMessages {
  readonly turns: readonly AskTurn[];
  readonly adjusted: readonly Concept[];
}

/** In the client's order. Throws 400 with the field's path for content that cannot be sent. */
export const readMessages = (messages: readonly Message[], texts: LongTexts = noLongTexts): ReadMessages => {
  const adjusted: Adjusted = new Set();
  // The legacy spelling has no ids: a result answers the latest call.
  let latestLegacyId = 'call_legacy';
  const turns = messages.map((message, index): AskTurn => {
    const path = `messages[${index}]`;
    switch (message.role) {
      case 'system':
      case 'developer':
        return {
          role: 'system',
          parts: setOnLast(
            readContent(message.content, `${path}.content`, adjusted),
            cacheBreakpoint(message),
            adjusted,
          ),
        };
      case 'user':
        return {
          role: 'user',
          parts: setOnLast(
            readContent(message.content, `${path}.content`, adjusted),
            cacheBreakpoint(message),
            adjusted,
          ),
        };
      case 'assistant':
        if (message.function_call) {
          const { name, arguments: written } = message.function_call;
          latestLegacyId = legacyCallId(name, written ?? '');
        }
        return {
          role: 'assistant',
          parts: readAssistant(message, path, latestLegacyId, { adjusted, texts }),
        };
      case 'tool':
      case 'function': {
        // Breakpoints inside a result stand for one on the result.
        const content = readContent(message.content, `${path}.content`, adjusted);
        const inner = content.findLast(({ cache }) => cache !== undefined)?.cache;
        const result: ToolResultPart = {
          type: 'tool-result',
          id: message.role === 'tool' ? message.tool_call_id : latestLegacyId,
          content: inner === undefined ? content : content.map((part) => ({ ...part, cache: undefined })),
          isError: false,
          cache: cacheBreakpoint(message) ?? inner,
        };
        return { role: 'user', parts: [result] };
      }
      default:
        return message satisfies never;
    }
  });
  return { turns, adjusted: [...adjusted] };
};
