/** Items, as the turns of a conversation. Behaviour 12.1 to 12.4; what holds for messages of Chat Completions holds here. */

import type { AskTurn } from '../../core/ask.ts';
import type {
  CacheBreakpoint,
  DocumentPart,
  Effort,
  ImagePart,
  JsonObject,
  Part,
  TextPart,
  ThinkingBlock,
} from '../../core/chat.ts';
import { invalidRequest } from '../../core/errors.ts';
import { textPart } from '../../core/message-text.ts';
import { blockDigest } from '../../core/remembered-answer.ts';
import type { Concept } from '../../core/report.ts';
import { readImage } from '../../media/data-uri.ts';
import { readDocument } from '../../media/documents.ts';
import { cacheBreakpoint } from '../content/cache-breakpoint.ts';
import { readArguments } from '../content/call-arguments.ts';
import { customInput } from '../content/custom-tool.ts';
import { readFilePart } from '../content/file-part.ts';
import type { ContentPart, Item, ItemOf } from './items.ts';
import type { ValueOf } from './parameters.ts';
import { flatName, type PlacedTools, toolSearchName } from './read-tools.ts';
import { type InputTransformation, removed, type SealedBlock } from './reasoning.ts';

type ContentOfResult = TextPart | ImagePart | DocumentPart;

/** An item and where it stands. */
export interface PlacedItem {
  readonly item: Item;
  readonly path: string;
}

/** What later items say of the request. */
export interface Configuration {
  readonly effort: Effort | 'none' | undefined;
  readonly format: NonNullable<ValueOf<'text'>>['format'];
}

export interface ReadItems {
  readonly turns: readonly AskTurn[];
  readonly adjusted: readonly Concept[];
  /** Paths of items that have no effect. */
  readonly ignored: readonly string[];
  readonly addedTools: readonly PlacedTools[];
  readonly configuration: Configuration;
  /** Reasoning that could not be used. */
  readonly removed: readonly InputTransformation[];
  /** Ids of reasoning items, by the digests of their blocks. */
  readonly reasoningIds: ReadonlyMap<string, string>;
}

export interface ItemPorts {
  /** Opens `encrypted_content`; undefined for what is not ours. */
  open(content: string): SealedBlock | undefined;
  /** Whether the model that is asked reads reasoning of `model`. */
  reads(model: string): boolean;
  /** The summary in a compaction item; undefined for what is not ours. */
  openSummary(content: string): string | undefined;
}

const isBlank = (text: string): boolean => text.trim() === '';

const readWirePart = (part: ContentPart, path: string): ContentOfResult | undefined => {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return isBlank(part.text) ? undefined : textPart(part.text, cacheBreakpoint(part));
    case 'refusal':
      return isBlank(part.refusal) ? undefined : textPart(part.refusal);
    case 'input_image': {
      const at = `${path}.image_url`;
      const { image_url: url } = part;
      if (!url) {
        const field = part.file_id ? 'file_id' : 'image_url';
        throw invalidRequest(
          part.file_id
            ? `${path}.file_id: files cannot be referred to by id here; send the image in image_url as a URL or a data URL.`
            : `${at}: is required, a URL or a data URL.`,
          `${path}.${field}`,
        );
      }
      // Some clients send documents through the image part.
      if (/^data:(application\/pdf|text\/)/i.test(url))
        return { ...readDocument(url, undefined, at), cache: cacheBreakpoint(part) };
      return { type: 'image', source: readImage(url, at), path: at, cache: cacheBreakpoint(part) };
    }
    case 'input_file':
      if (part.file_url && !part.file_data)
        throw invalidRequest(
          `${path}.file_url: files are not fetched here; send the content in file_data as a data URL.`,
          `${path}.file_url`,
        );
      return { ...readFilePart(part, path), cache: cacheBreakpoint(part) };
    case 'input_audio':
    case 'input_video':
      throw invalidRequest(
        `${path}: audio and video input are not available on these models; send text or images.`,
        path,
      );
    default:
      return part satisfies never;
  }
};

const readContent = (
  content: string | readonly ContentPart[] | null | undefined,
  path: string,
): ContentOfResult[] => {
  if (content === null || content === undefined) return [];
  if (typeof content === 'string') return isBlank(content) ? [] : [textPart(content)];
  return content.flatMap((part, index) => readWirePart(part, `${path}[${index}]`) ?? []);
};

const readAssistantContent = (content: ItemOf<'message'>['content'], path: string): readonly Part[] => {
  const wrong = Array.isArray(content)
    ? content.findIndex(({ type }) => type === 'input_image' || type === 'input_file')
    : -1;
  if (wrong >= 0) {
    const at = `${path}[${wrong}]`;
    throw invalidRequest(`${at}: an assistant's message holds text alone; put it into a user's message.`, at);
  }
  return readContent(content, path);
};

/** Of what is no text and has no place of its own. */
const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));

/** What a call of a tool that OpenAI's models know by heart says. */
const namedCallInput = ({ action, operation }: Readonly<Record<string, unknown>>): JsonObject => {
  const said = action ?? operation;
  return typeof said === 'object' && said !== null && !Array.isArray(said) ? (said as JsonObject) : {};
};

const isThinking = ({ type }: Part): boolean => type === 'thinking-block';

/** Gathers turns: what stands together of one role, and in it what one answer said. */
class Turns {
  readonly #turns: { role: AskTurn['role']; parts: Part[] }[] = [];

  /** The model's own: thinking, words and calls that follow one another are one answer. */
  answer(...parts: readonly Part[]): void {
    const last = this.#turns.at(-1);
    if (last?.role === 'assistant') last.parts.push(...parts);
    else this.#turns.push({ role: 'assistant', parts: [...parts] });
  }

  say(role: 'user' | 'system', parts: readonly Part[]): void {
    this.#turns.push({ role, parts: [...parts] });
  }

  result(id: string, content: readonly ContentOfResult[]): void {
    // Breakpoints inside a result stand for one on the result.
    const cache: CacheBreakpoint | undefined = content.findLast((part) => part.cache !== undefined)?.cache;
    this.say('user', [
      {
        type: 'tool-result',
        id,
        content: cache === undefined ? content : content.map((part) => ({ ...part, cache: undefined })),
        isError: false,
        cache,
      },
    ]);
  }

  /** Thinking that led to nothing is not a turn. */
  toTurns(): readonly AskTurn[] {
    return this.#turns.map((turn) => (turn.parts.every(isThinking) ? { ...turn, parts: [] } : turn));
  }
}

/**
 * Blocks by their items. Each is bound to the one before it: where one cannot be read, those before it stay out as well.
 * Behaviour 5.10.
 */
const readReasoning = (items: readonly PlacedItem[], ports: ItemPorts) => {
  const blocks = new Map<Item, ThinkingBlock>();
  const gone: InputTransformation[] = [];
  let reason: InputTransformation['reason'] | undefined;
  for (const { item } of items.toReversed()) {
    if (item.type !== 'reasoning') continue;
    const content = item.encrypted_content;
    // Of a model that signs nothing: there is nothing to send back, and nothing missing.
    if (!content) continue;
    const sealed = ports.open(content);
    if (sealed?.block === null) continue;
    if (reason === undefined && (sealed === undefined || !ports.reads(sealed.model)))
      reason = 'model_mismatch';
    if (reason === undefined && sealed !== undefined) blocks.set(item, sealed.block);
    else {
      gone.push(removed(item.id ?? '', reason ?? 'model_mismatch'));
      reason = 'prefix_mismatch';
    }
  }
  return { blocks, gone: gone.reverse() };
};

/** In the client's order. Throws 400 with the field's path for content that cannot be sent. */
export const readItems = (items: readonly PlacedItem[], ports: ItemPorts): ReadItems => {
  const turns = new Turns();
  const adjusted = new Set<Concept>();
  const ignored: string[] = [];
  const addedTools: PlacedTools[] = [];
  const reasoningIds = new Map<string, string>();
  const { blocks, gone } = readReasoning(items, ports);
  if (gone.length > 0) adjusted.add('messages');
  let effort: Configuration['effort'];
  let format: Configuration['format'];
  const onCut = () => adjusted.add('messages');

  for (const { item, path } of items) {
    switch (item.type) {
      case 'message':
        if (item.role === 'assistant') turns.answer(...readAssistantContent(item.content, `${path}.content`));
        else
          turns.say(item.role === 'user' ? 'user' : 'system', readContent(item.content, `${path}.content`));
        break;
      case 'function_call':
        turns.answer({
          type: 'tool-call',
          id: item.call_id,
          name: flatName(item.name, item.namespace),
          input: readArguments(item.arguments, `${path}.arguments`, onCut),
        });
        break;
      case 'custom_tool_call':
        turns.answer({
          type: 'tool-call',
          id: item.call_id,
          name: flatName(item.name, item.namespace),
          input: { [customInput]: item.input },
        });
        break;
      case 'tool_search_call':
        // One that ran at OpenAI has no id.
        if (!item.call_id) ignored.push(path);
        else
          turns.answer({
            type: 'tool-call',
            id: item.call_id,
            name: toolSearchName,
            input: readArguments(asText(item.arguments ?? {}), `${path}.arguments`, onCut),
          });
        break;
      case 'function_call_output':
      case 'custom_tool_call_output':
        turns.result(item.call_id, readContent(item.output, `${path}.output`));
        break;
      case 'tool_search_output': {
        const tools = item.tools ?? [];
        addedTools.push({ tools, path: `${path}.tools` });
        if (!item.call_id) break;
        const names = tools.flatMap((tool) =>
          tool.form === 'hosted' || tool.form === 'tool_search' ? [] : [tool.name],
        );
        turns.result(item.call_id, [
          textPart(names.length === 0 ? 'No tools were found.' : `Tools found: ${names.join(', ')}`),
        ]);
        break;
      }
      case 'reasoning': {
        const block = blocks.get(item);
        if (block === undefined) break;
        turns.answer({ type: 'thinking-block', block });
        if (item.id) reasoningIds.set(blockDigest(block), item.id);
        break;
      }
      case 'compaction': {
        const summary = ports.openSummary(item.encrypted_content);
        if (summary === undefined)
          throw invalidRequest(
            `${path}.encrypted_content: was not made by this server; send the conversation itself, or a summary as a message.`,
            `${path}.encrypted_content`,
          );
        turns.say('user', [textPart(`Summary of the conversation so far:\n\n${summary}`)]);
        break;
      }
      case 'additional_tools':
        addedTools.push({ tools: item.tools, path: `${path}.tools` });
        break;
      case 'configuration_update':
        effort = item.reasoning?.effort ?? effort;
        format = item.text?.format ?? format;
        break;
      case 'local_shell_call':
      case 'shell_call':
      case 'apply_patch_call':
        turns.answer({
          type: 'tool-call',
          id: item.call_id,
          name: item.type.replace(/_call$/, ''),
          input: namedCallInput(item),
        });
        break;
      case 'local_shell_call_output':
      case 'shell_call_output':
      case 'apply_patch_call_output':
        turns.result(item.call_id, [textPart(asText(item.output))]);
        break;
      case 'item_reference':
        throw invalidRequest(`${path}.id: Item with id '${item.id}' not found.`, `${path}.id`);
      default:
        ignored.push(path);
    }
  }
  return {
    turns: turns.toTurns(),
    adjusted: [...adjusted],
    ignored,
    addedTools,
    configuration: { effort, format },
    removed: gone,
    reasoningIds,
  };
};
