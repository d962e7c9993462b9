/** Turns and parts to Anthropic's message params. */

import type Anthropic from '@anthropic-ai/sdk';
import type {
  CacheBreakpoint,
  DocumentPart,
  ImagePart,
  Part,
  TextPart,
  ThinkingBlock,
  Turn,
} from '../../core/chat.ts';
import { invalidRequest } from '../../core/errors.ts';
import { onWire } from '../../core/message-text.ts';
import type { CallIdRule } from '../../models/model.ts';
import { callInstruction } from '../call-instruction.ts';
import { type Names, sendCallId } from '../names.ts';
import type { PropertyKeys } from '../property-keys.ts';

type WithBreakpoint = { cache_control?: Anthropic.CacheControlEphemeral };

export const cacheControl = (cache: CacheBreakpoint | undefined): WithBreakpoint =>
  cache === undefined
    ? {}
    : { cache_control: { type: 'ephemeral', ...(cache.ttl === '1h' ? { ttl: '1h' } : {}) } };

export const textBlock = ({ text, cache }: TextPart): Anthropic.TextBlockParam =>
  cache === undefined
    ? { type: 'text', text: onWire(text) }
    : { type: 'text', text: onWire(text), ...cacheControl(cache) };

type ImageType = Anthropic.Base64ImageSource['media_type'];

const imageBlock = ({ source, cache }: ImagePart): Anthropic.ImageBlockParam => ({
  type: 'image',
  source:
    'url' in source
      ? { type: 'url', url: source.url }
      : { type: 'base64', media_type: source.mediaType as ImageType, data: source.data },
  ...cacheControl(cache),
});

const documentBlock = ({ source, name, path, cache }: DocumentPart): Anthropic.DocumentBlockParam => {
  if (!('text' in source) && source.mediaType !== 'application/pdf') {
    throw invalidRequest(
      `${path}: Claude takes PDF and text documents (txt, md, csv, html), not ${source.mediaType}. Convert it first.`,
      path,
    );
  }
  return {
    type: 'document',
    source:
      'text' in source
        ? { type: 'text', media_type: 'text/plain', data: source.text }
        : { type: 'base64', media_type: 'application/pdf', data: source.data },
    title: name,
    ...cacheControl(cache),
  };
};

const thinkingBlock = (
  block: ThinkingBlock,
): Anthropic.ThinkingBlockParam | Anthropic.RedactedThinkingBlockParam => ({
  ...block,
});

const contentBlock = (part: TextPart | ImagePart | DocumentPart) => {
  switch (part.type) {
    case 'text':
      return textBlock(part);
    case 'image':
      return imageBlock(part);
    case 'document':
      return documentBlock(part);
    default:
      return part satisfies never;
  }
};

/** What the upstream takes in place of names, keys and ids that it does not take. */
interface Replacements {
  readonly names: Names;
  readonly keys: PropertyKeys;
  readonly callIds: CallIdRule;
}

const block = (part: Part, { names, keys, callIds }: Replacements): Anthropic.ContentBlockParam => {
  switch (part.type) {
    case 'thinking-block':
      return thinkingBlock(part.block);
    case 'tool-call':
      return {
        type: 'tool_use',
        id: sendCallId(part.id, callIds),
        name: names.send(part.name),
        input: keys.inArguments(part.name, part.input),
        ...cacheControl(part.cache),
      };
    case 'tool-result':
      return {
        type: 'tool_result',
        tool_use_id: sendCallId(part.id, callIds),
        ...(part.content.length === 0 ? {} : { content: part.content.map(contentBlock) }),
        ...(part.isError ? { is_error: true } : {}),
        ...cacheControl(part.cache),
      };
    case 'call-instruction':
      return textBlock(callInstruction(part, names));
    default:
      return contentBlock(part);
  }
};

/** One text without a breakpoint goes as the string it is: less to write where most turns are such. */
const plainText = ([first, ...rest]: readonly Part[]): string | undefined =>
  first?.type === 'text' && first.cache === undefined && rest.length === 0 ? onWire(first.text) : undefined;

export const encodeSystem = (parts: readonly TextPart[]): string | Anthropic.TextBlockParam[] =>
  plainText(parts) ?? parts.map(textBlock);

export const encodeTurn = ({ role, parts }: Turn, replacements: Replacements): Anthropic.MessageParam =>
  role === 'system'
    ? { role, content: encodeSystem(parts.filter((part) => part.type === 'text')) }
    : { role, content: plainText(parts) ?? parts.map((part) => block(part, replacements)) };
