/** Turns and parts to Converse's messages. */

import type {
  DocumentPart,
  ImagePart,
  JsonObject,
  Part,
  TextPart,
  Tool,
  ToolResultPart,
  Turn,
} from '../../core/chat.ts';
import { invalidRequest } from '../../core/errors.ts';
import { type LongTexts, onWire, textPart } from '../../core/message-text.ts';
import { parseJson } from '../../core/surrogates.ts';
import { isTooDeep } from '../../json-schema/bounds.ts';
import type { CallIdRule } from '../../models/model.ts';
import { callInstruction } from '../call-instruction.ts';
import { type Names, sendCallId } from '../names.ts';
import type { PropertyKeys } from '../property-keys.ts';
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
  const used = new Set<string>();
  // From where to go on counting, so that many of one name stay cheap.
  const counts = new Map<string, number>();
  return (name: string): string => {
    const clean =
      name
        .replace(/\.[A-Za-z0-9]+$/, '')
        .replace(/[^A-Za-z0-9\-()[\] ]+/g, ' ')
        .replace(/ +/g, ' ')
        .trimStart()
        .slice(0, 180)
        .trimEnd() || 'document';
    let free = clean;
    for (let count = counts.get(clean) ?? 2; used.has(free); count += 1) {
      free = `${clean} (${count})`;
      counts.set(clean, count + 1);
    }
    used.add(free);
    return free;
  };
};

type NameDocument = (name: string) => string;

/** What is the same for all parts of a conversation. */
interface Context {
  readonly names: Names;
  readonly keys: PropertyKeys;
  readonly callIds: CallIdRule;
  readonly texts: LongTexts;
  readonly nameDocument: NameDocument;
}

const documentContent = ({ source, name }: DocumentPart, nameDocument: NameDocument) => ({
  document: {
    format: formats[source.mediaType] as 'pdf',
    name: nameDocument(name),
    source: { bytes: 'text' in source ? Buffer.from(source.text).toString('base64') : source.data },
  },
});

/** Nova's caches live five minutes; there is no other time to ask for. */
const cachePoint = { cachePoint: { type: 'default' as const } };

/**
 * Whether a breakpoint has no place on Nova's wire: after anything but text, and among tools, a cache point is an
 * "extraneous key". (github.com/NousResearch/hermes-agent/issues/97281,
 * github.com/aws-samples/generative-ai-use-cases/pull/1077, github.com/aws-samples/bedrock-engineer/pull/71)
 */
export const losesBreakpoint = (tools: readonly Tool[], turns: readonly Turn[]): boolean =>
  tools.some(({ cache }) => cache !== undefined) ||
  turns.some(({ parts }) =>
    parts.some((part) => part.type !== 'text' && part.type !== 'thinking-block' && part.cache !== undefined),
  );

const hasEmptyKey = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  ((!Array.isArray(value) && Object.hasOwn(value, '')) || Object.values(value).some(hasEmptyKey));

/** Converse refuses empty keys. Depth is bounded where arguments are read. */
const withoutEmptyKeys = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutEmptyKeys);
  const free = (key: string): string => (Object.hasOwn(value, key) ? free(`${key}_`) : key);
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key === '' ? free('_') : key, withoutEmptyKeys(each)]),
  );
};

const encodeInput = (input: JsonObject): JsonObject =>
  hasEmptyKey(input) ? (withoutEmptyKeys(input) as JsonObject) : input;

/** A result that is the text of a JSON object travels as one, unless Converse could not take it. */
const asJson = (text: string): JsonObject | undefined => {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value = parseJson(text) as JsonObject;
    return isTooDeep(value) || hasEmptyKey(value) ? undefined : value;
  } catch {
    return undefined;
  }
};

const resultContent = (
  content: ToolResultPart['content'],
  { nameDocument, texts }: Context,
): WireResultContent[] => {
  // Converse refuses an empty list and blank text; an empty object is the least it takes.
  if (content.length === 0) return [{ json: {} }];
  return content.map((part): WireResultContent => {
    if (part.type === 'image') return imageContent(part);
    if (part.type === 'document') return documentContent(part, nameDocument);
    const json = content.length === 1 ? asJson(texts.read(part.text)) : undefined;
    return json === undefined ? { text: onWire(part.text) } : { json };
  });
};

const encodePart = (part: Exclude<Part, TextPart>, context: Context): WireContent | undefined => {
  const { names, keys, callIds, nameDocument } = context;
  switch (part.type) {
    case 'image':
      return imageContent(part);
    case 'document':
      return documentContent(part, nameDocument);
    case 'tool-call': {
      const input = encodeInput(keys.inArguments(part.name, part.input));
      return { toolUse: { toolUseId: sendCallId(part.id, callIds), name: names.send(part.name), input } };
    }
    case 'tool-result': {
      const toolResult = {
        toolUseId: sendCallId(part.id, callIds),
        content: resultContent(part.content, context),
        ...(part.isError ? { status: 'error' as const } : {}),
      };
      return { toolResult };
    }
    case 'call-instruction':
      return { text: onWire(callInstruction(part, names).text) };
    case 'thinking-block':
      // Nova's reasoning is unsigned and must not come back.
      return undefined;
    default:
      return part satisfies never;
  }
};

const addText = (content: (WireContent | typeof cachePoint)[], { text, cache }: TextPart): void => {
  content.push({ text: onWire(text) });
  if (cache !== undefined) content.push(cachePoint);
};

export const encodeSystem = (parts: readonly TextPart[]) => {
  const content: ({ text: string } | typeof cachePoint)[] = [];
  for (const part of parts) addText(content, part);
  return content;
};

const hasDocument = (parts: readonly Part[]) => parts.some((part) => part.type === 'document');
const isAboutTools = ({ type }: Part) => type === 'tool-call' || type === 'tool-result';
const hasText = (parts: readonly Part[]) => parts.some((part) => part.type === 'text');

/**
 * Tool blocks without tools on offer are refused, and Converse cannot say `none`: then the history tells in
 * words what was called and what came of it.
 */
export const toolsAsText = (turn: Turn): Turn => {
  if (!turn.parts.some(isAboutTools)) return turn;
  const parts = turn.parts.flatMap((part): Part[] => {
    if (part.type === 'tool-call') {
      return [textPart(`[Called the tool ${part.name} with ${JSON.stringify(part.input)}]`, part.cache)];
    }
    if (part.type !== 'tool-result') return [part];
    const said: readonly Part[] = [
      textPart(part.isError ? '[The call failed:]' : '[It returned:]'),
      ...part.content,
    ];
    return said.map((each, index) =>
      index === said.length - 1 && each.type !== 'thinking-block' ? { ...each, cache: part.cache } : each,
    );
  });
  return { ...turn, parts };
};

export const encodeTurns = (
  turns: readonly Turn[],
  { names, keys, callIds, texts }: Omit<Context, 'nameDocument'>,
) => {
  const context: Context = { names, keys, callIds, texts, nameDocument: documentNames() };
  return turns.map(({ role, parts }) => {
    const content: WireContent[] = [];
    for (const part of parts) {
      if (part.type === 'text') {
        addText(content, part);
        continue;
      }
      const encoded = encodePart(part, context);
      if (encoded !== undefined) content.push(encoded);
    }
    // A message with a document must hold text as well.
    if (hasDocument(parts) && !hasText(parts)) content.push({ text: 'See the document.' });
    return { role: role as 'user' | 'assistant', content };
  });
};
