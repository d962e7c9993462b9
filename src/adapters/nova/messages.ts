/** Turns and parts to Converse's messages. */

import type {
  CacheMark,
  DocumentPart,
  ImagePart,
  JsonObject,
  Part,
  TextPart,
  ToolResultPart,
  Turn,
} from '../../chat.ts';
import { invalidRequest } from '../../errors.ts';
import { sendCallId, type ToolNames } from '../names.ts';
import type { WireContent, WireResultContent } from './wire.ts';

type ImageContent = { image: { format: 'png' | 'jpeg' | 'gif' | 'webp'; source: { bytes: string } } };

const imageContent = ({ source, path }: ImagePart): ImageContent => {
  // Images are fetched before this point; a URL that is still here was not to be fetched.
  if ('url' in source) throw invalidRequest(`${path}: this model takes images as data URIs only.`, path);
  return {
    image: { format: source.mediaType.slice('image/'.length) as 'png', source: { bytes: source.data } },
  };
};

const formats: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/plain': 'txt',
  'text/markdown': 'md',
  'text/csv': 'csv',
  'text/html': 'html',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
};

/** Converse takes letters, digits, single spaces, hyphens, parentheses and square brackets, once each. */
const documentNames = () => {
  const used = new Map<string, number>();
  return (name: string): string => {
    const clean =
      name
        .replace(/\.[A-Za-z0-9]+$/, '')
        .replace(/[^A-Za-z0-9\-()[\] ]+/g, ' ')
        .replace(/ +/g, ' ')
        .trim()
        .slice(0, 180) || 'document';
    const count = (used.get(clean) ?? 0) + 1;
    used.set(clean, count);
    return count === 1 ? clean : `${clean} (${count})`;
  };
};

type NameDocument = (name: string) => string;

const documentContent = ({ source, name }: DocumentPart, nameDocument: NameDocument) => ({
  document: {
    format: formats[source.mediaType] as 'pdf',
    name: nameDocument(name),
    source: { bytes: 'text' in source ? Buffer.from(source.text).toString('base64') : source.data },
  },
});

/** Nova's caches live five minutes; there is no other time to ask for. */
export const cachePoint = (cache: CacheMark | undefined) =>
  cache === undefined ? [] : [{ cachePoint: { type: 'default' as const } }];

/** A result that is the text of a JSON object travels as one. */
const asJson = (text: string): JsonObject | undefined => {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined;
  }
};

const resultContent = (
  content: ToolResultPart['content'],
  nameDocument: NameDocument,
): WireResultContent[] => {
  // Converse refuses an empty list and blank text; an empty object is the least it takes.
  if (content.length === 0) return [{ json: {} }];
  return content.map((part): WireResultContent => {
    if (part.type === 'image') return imageContent(part);
    if (part.type === 'document') return documentContent(part, nameDocument);
    const json = content.length === 1 ? asJson(part.text) : undefined;
    return json === undefined ? { text: part.text } : { json };
  });
};

const encodePart = (
  part: Exclude<Part, TextPart>,
  names: ToolNames,
  nameDocument: NameDocument,
): WireContent[] => {
  switch (part.type) {
    case 'image':
      return [imageContent(part), ...cachePoint(part.cache)];
    case 'document':
      return [documentContent(part, nameDocument), ...cachePoint(part.cache)];
    case 'tool-call': {
      const toolUse = { toolUseId: sendCallId(part.id), name: names.send(part.name), input: part.input };
      return [{ toolUse }, ...cachePoint(part.cache)];
    }
    case 'tool-result': {
      const toolResult = {
        toolUseId: sendCallId(part.id),
        content: resultContent(part.content, nameDocument),
        ...(part.isError ? { status: 'error' as const } : {}),
      };
      return [{ toolResult }, ...cachePoint(part.cache)];
    }
    case 'thinking-block':
      // Nova's reasoning is unsigned and must not come back.
      return [];
    default:
      return part satisfies never;
  }
};

export const encodeText = ({ text, cache }: TextPart) => [{ text }, ...cachePoint(cache)];

const hasDocument = (parts: readonly Part[]) => parts.some((part) => part.type === 'document');
const hasText = (parts: readonly Part[]) => parts.some((part) => part.type === 'text');

/**
 * Tool blocks without tools on offer are refused, and Converse cannot say `none`: then the history tells in
 * words what was called and what came of it.
 */
export const toolsAsText = (turn: Turn): Turn => ({
  ...turn,
  parts: turn.parts.flatMap((part): Part[] => {
    if (part.type === 'tool-call') {
      return [{ type: 'text', text: `[Called the tool ${part.name} with ${JSON.stringify(part.input)}]` }];
    }
    if (part.type !== 'tool-result') return [part];
    return [{ type: 'text', text: part.isError ? '[The call failed:]' : '[It returned:]' }, ...part.content];
  }),
});

export const encodeTurns = (turns: readonly Turn[], names: ToolNames) => {
  const nameDocument = documentNames();
  return turns.map(({ role, parts }) => ({
    role: role as 'user' | 'assistant',
    content: [
      ...parts.flatMap((part): WireContent[] =>
        part.type === 'text' ? encodeText(part) : encodePart(part, names, nameDocument),
      ),
      // A message with a document must hold text as well.
      ...(hasDocument(parts) && !hasText(parts) ? [{ text: 'See the document.' }] : []),
    ],
  }));
};
