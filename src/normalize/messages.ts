/**
 * OpenAI's messages to turns that any upstream accepts: system text apart, roles alternating, the user
 * first, every tool call answered at once. BEHAVIOUR section 3; thinking that comes back, 5.7.
 */

import type {
  CacheMark,
  DocumentPart,
  ImagePart,
  JsonObject,
  Part,
  TextPart,
  ThinkingBlock,
  ToolCallPart,
  ToolResultPart,
  Turn,
} from '../chat.ts';
import { invalidRequest } from '../errors.ts';
import { customInput } from '../openai/reply.ts';
import type { ContentPart, Message, MessageOf, WireToolCall } from '../openai/request.ts';
import { isTooDeep } from '../schema/bounds.ts';
import { readDocument, readFilePart } from './documents.ts';
import { readImage } from './images.ts';
import { cacheMark } from './tools.ts';

export interface Conversation {
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
  /** Whether something was moved or added that the caller did not write. */
  readonly adjusted: boolean;
}

interface Options {
  /** Leave later system messages where they stand. */
  readonly midSystem: boolean;
  /** A final assistant message is the beginning of the answer. */
  readonly prefill: boolean;
}

const isBlank = (text: string): boolean => text.trim() === '';

const text = (value: string, cache?: CacheMark): TextPart => ({ type: 'text', text: value, cache });

/** Stands where the upstream demands a user turn and the caller wrote none. */
const placeholderTurn: Turn = { role: 'user', parts: [text('.')] };
const continueTurn: Turn = { role: 'user', parts: [text('Continue.')] };

// ---- one message ---------------------------------------------------------------------------------

const readPart = (part: ContentPart, path: string): TextPart | ImagePart | DocumentPart | undefined => {
  switch (part.type) {
    case 'text':
      return isBlank(part.text) ? undefined : text(part.text, cacheMark(part));
    case 'refusal':
      return isBlank(part.refusal) ? undefined : text(part.refusal);
    case 'image_url': {
      const nested = typeof part.image_url === 'object';
      const url = typeof part.image_url === 'object' ? part.image_url.url : part.image_url;
      const at = `${path}.image_url${nested ? '.url' : ''}`;
      // Some clients send documents through the image part.
      if (/^data:(application\/pdf|text\/)/i.test(url))
        return { ...readDocument(url, undefined, at), cache: cacheMark(part) };
      return { type: 'image', source: readImage(url, at), path: at, cache: cacheMark(part) };
    }
    case 'file':
      return { ...readFilePart(part.file, `${path}.file`), cache: cacheMark(part) };
    case 'input_audio':
      throw invalidRequest(
        `${path}: audio input is not available on these models; send text or images.`,
        path,
      );
    default:
      return part satisfies never;
  }
};

const readContent = (content: string | readonly ContentPart[] | null | undefined, path: string) => {
  if (content === null || content === undefined) return [];
  if (typeof content === 'string') return isBlank(content) ? [] : [text(content)];
  return content.flatMap((part, index) => readPart(part, `${path}[${index}]`) ?? []);
};

/** A mark on the message stands for one on its last part. */
const markLast = <P extends Part>(parts: readonly P[], cache: CacheMark | undefined): readonly P[] =>
  cache === undefined
    ? parts
    : parts.map((part, index) =>
        index === parts.length - 1 && part.type !== 'thinking-block' ? { ...part, cache } : part,
      );

const readArguments = (value: string | null | undefined, path: string): JsonObject => {
  if (value === null || value === undefined || isBlank(value)) return {};
  try {
    const parsed: unknown = JSON.parse(value);
    if (isTooDeep(parsed)) throw invalidRequest(`${path}: is nested too deeply.`, path);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as JsonObject;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Falls through to the same refusal as any other value that is no object.
  }
  throw invalidRequest(`${path}: must be the text of a JSON object, as the model wrote it.`, path);
};

const readCall = (call: WireToolCall, path: string): ToolCallPart =>
  call.type === 'function'
    ? {
        type: 'tool-call',
        id: call.id,
        name: call.function.name,
        input: readArguments(call.function.arguments, `${path}.function.arguments`),
        cache: cacheMark(call),
      }
    : {
        type: 'tool-call',
        id: call.id,
        name: call.custom.name,
        input: { [customInput]: call.custom.input },
        cache: cacheMark(call),
      };

const asString = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const signed = (thinking: unknown, signature: unknown): ThinkingBlock[] =>
  asString(signature) === undefined
    ? []
    : [{ type: 'thinking', thinking: asString(thinking) ?? '', signature: asString(signature) ?? '' }];

const redacted = (data: unknown): ThinkingBlock[] =>
  asString(data) === undefined ? [] : [{ type: 'redacted_thinking', data: asString(data) ?? '' }];

/** The signed blocks a message carries, in whichever form the client keeps them. Unsigned text is dropped. */
const readThinking = (message: MessageOf<'assistant'>): readonly ThinkingBlock[] => {
  if (message.thinking_blocks && message.thinking_blocks.length > 0) {
    return message.thinking_blocks.flatMap((block) =>
      block.type === 'redacted_thinking' ? redacted(block.data) : signed(block.thinking, block.signature),
    );
  }
  if (message.reasoning_details && message.reasoning_details.length > 0) {
    return message.reasoning_details.flatMap((detail) =>
      detail.type === 'reasoning.encrypted'
        ? redacted(detail.data)
        : signed(detail.text ?? detail.thinking, detail.signature),
    );
  }
  const { reasoning } = message;
  return typeof reasoning === 'object' && reasoning !== null
    ? signed(reasoning.thinking, reasoning.signature)
    : [];
};

const readAssistant = (message: MessageOf<'assistant'>, path: string, legacyId: string): readonly Part[] => {
  const thinking = readThinking(message).map((block): Part => ({ type: 'thinking-block', block }));
  const calls = (message.tool_calls ?? []).map((call, index) =>
    readCall(call, `${path}.tool_calls[${index}]`),
  );
  const legacy = message.function_call;
  const legacyCalls: ToolCallPart[] =
    legacy && calls.length === 0
      ? [
          {
            type: 'tool-call',
            id: legacyId,
            name: legacy.name,
            input: readArguments(legacy.arguments, `${path}.function_call.arguments`),
          },
        ]
      : [];
  const content = readContent(message.content, `${path}.content`);
  const said =
    content.length > 0 || !message.refusal ? content : readContent(message.refusal, `${path}.refusal`);
  const spoken = markLast([...said, ...calls, ...legacyCalls], cacheMark(message));
  // Thinking that led to nothing is not a turn.
  return spoken.length === 0 ? [] : [...thinking, ...spoken];
};

// ---- the conversation ----------------------------------------------------------------------------

/** Each message as a turn of its own, in the caller's order. */
const readTurns = (messages: readonly Message[]): readonly Turn[] => {
  // The legacy spelling has no ids: a result answers the latest call of that name.
  let legacyCalls = 0;
  return messages.map((message, index): Turn => {
    const path = `messages[${index}]`;
    switch (message.role) {
      case 'system':
      case 'developer':
        return {
          role: 'system',
          parts: markLast(readContent(message.content, `${path}.content`), cacheMark(message)),
        };
      case 'user':
        return {
          role: 'user',
          parts: markLast(readContent(message.content, `${path}.content`), cacheMark(message)),
        };
      case 'assistant':
        if (message.function_call) legacyCalls += 1;
        return { role: 'assistant', parts: readAssistant(message, path, `call_legacy_${legacyCalls}`) };
      case 'tool':
      case 'function': {
        // Marks inside a result stand for one on the result.
        const content = readContent(message.content, `${path}.content`);
        const inner = content.findLast(({ cache }) => cache !== undefined)?.cache;
        const result: ToolResultPart = {
          type: 'tool-result',
          id: message.role === 'tool' ? message.tool_call_id : `call_legacy_${legacyCalls}`,
          content: inner === undefined ? content : content.map((part) => ({ ...part, cache: undefined })),
          isError: false,
          cache: cacheMark(message) ?? inner,
        };
        return { role: 'user', parts: [result] };
      }
      default:
        return message satisfies never;
    }
  });
};

const mergeNeighbours = (turns: readonly Turn[]): Turn[] => {
  const merged: { role: Turn['role']; parts: Part[] }[] = [];
  for (const { role, parts } of turns) {
    if (parts.length === 0) continue;
    const last = merged.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else merged.push({ role, parts: [...parts] });
  }
  return merged;
};

const isCall = (part: Part): part is ToolCallPart => part.type === 'tool-call';
const isResult = (part: Part): part is ToolResultPart => part.type === 'tool-result';

const missingResult = (id: string): ToolResultPart => ({
  type: 'tool-result',
  id,
  content: [text('No result was provided for this call.')],
  isError: true,
});

/** A call as it will be sent, and the id its result comes under. */
interface OpenCall {
  readonly id: string;
  readonly answeredAs: string;
}

/** A user turn with the results its predecessor's calls need, first and in their order; strays become text. */
const answerCalls = (calls: readonly OpenCall[], parts: readonly Part[]): readonly Part[] => {
  const waiting = new Map<string, string[]>();
  for (const { id, answeredAs } of calls.toReversed()) {
    const same = waiting.get(answeredAs);
    if (same === undefined) waiting.set(answeredAs, [id]);
    else same.push(id);
  }
  const results = new Map<string, ToolResultPart>();
  const rest: Part[] = [];
  for (const part of parts) {
    const id = isResult(part) ? waiting.get(part.id)?.pop() : undefined;
    if (!isResult(part)) rest.push(part);
    else if (id === undefined) rest.push(...part.content);
    else results.set(id, { ...part, id });
  }
  return [...calls.map(({ id }) => results.get(id) ?? missingResult(id)), ...rest];
};

/**
 * The upstreams want every call's id once in a conversation; some clients count anew in each turn. Later
 * ones get an id of their own.
 */
const createCallIds = (turns: readonly Turn[]) => {
  const used = new Set<string>();
  const written = new Set(turns.flatMap(({ parts }) => parts.filter(isCall).map(({ id }) => id)));
  // From where to go on counting, so that many calls of one id stay cheap.
  const counts = new Map<string, number>();
  return (id: string): string => {
    let free = id;
    for (let n = counts.get(id) ?? 1; used.has(free) || (free !== id && written.has(free)); n++) {
      free = `${id}_${n}`;
      counts.set(id, n + 1);
    }
    used.add(free);
    return free;
  };
};

const pairCalls = (turns: readonly Turn[]): Turn[] => {
  const paired: Turn[] = [];
  const callId = createCallIds(turns);
  let open: OpenCall[] = [];
  const settle = (parts: readonly Part[]) => {
    paired.push({ role: 'user', parts: answerCalls(open, parts) });
    open = [];
  };
  for (const turn of turns) {
    if (turn.role === 'user') {
      settle(turn.parts);
      continue;
    }
    if (open.length > 0) settle([]);
    const parts = turn.parts.map((part) => {
      if (!isCall(part)) return part;
      const id = callId(part.id);
      open.push({ id, answeredAs: part.id });
      return id === part.id ? part : { ...part, id };
    });
    paired.push({ role: turn.role, parts });
  }
  if (open.length > 0) settle([]);
  return paired;
};

const resultsOf = (turns: readonly Turn[]) => turns.flatMap(({ parts }) => parts.filter(isResult));

/** Whether a call had to be given a result, or a result could not stay one. */
const wasRepaired = (before: readonly Turn[], after: readonly Turn[]): boolean => {
  const results = resultsOf(after);
  return results.some(({ isError }) => isError) || results.length < resultsOf(before).length;
};

const trimPrefill = (turn: Turn): Turn => ({
  ...turn,
  parts: turn.parts.flatMap((part, index): Part[] => {
    if (part.type !== 'text' || index < turn.parts.length - 1) return [part];
    return [{ ...part, text: part.text.trimEnd() }];
  }),
});

/** Turns that stand between calls and their results, where no upstream takes anything else. */
const betweenCallsAndResults = (turns: readonly Turn[]): ReadonlySet<Turn> => {
  const found = new Set<Turn>();
  let resultAhead = false;
  for (const turn of turns.toReversed()) {
    if (turn.role === 'assistant') resultAhead = false;
    else if (turn.parts.some(isResult)) resultAhead = true;
    else if (resultAhead) found.add(turn);
  }
  return found;
};

/** Throws 400 with the field's path for content that cannot be sent. */
export const readConversation = (
  messages: readonly Message[],
  { midSystem, prefill }: Options,
): Conversation => {
  const all = readTurns(messages);
  const firstOther = all.findIndex((turn) => turn.role !== 'system');
  const leading = firstOther < 0 ? all.length : firstOther;
  const intruders = betweenCallsAndResults(all);
  const isHoisted = (turn: Turn, index: number) =>
    turn.role === 'system' && (index < leading || !midSystem || intruders.has(turn));
  const hoistedLate = all.some(
    (turn, index) => index >= leading && isHoisted(turn, index) && turn.parts.length > 0,
  );

  const system = all.filter(isHoisted).flatMap((turn) => turn.parts.filter((part) => part.type === 'text'));
  const spoken = mergeNeighbours(
    pairCalls(mergeNeighbours(all.filter((turn, index) => !isHoisted(turn, index)))),
  );

  if (spoken.length === 0 && system.length === 0) {
    throw invalidRequest(
      'messages: holds no text, image or tool call; at least one message must not be empty.',
      'messages',
    );
  }
  const opened = spoken[0]?.role === 'user' ? spoken : [placeholderTurn, ...spoken];
  const last = opened.at(-1);
  // A system message at the end answers nobody: before it still stands the assistant's word.
  const endsWithAnswer = opened.findLast(({ role }) => role !== 'system')?.role === 'assistant';
  const turns = !endsWithAnswer
    ? opened
    : prefill && last?.role === 'assistant'
      ? [...opened.slice(0, -1), trimPrefill(last)]
      : [...opened, continueTurn];

  const adjusted =
    hoistedLate || wasRepaired(all, spoken) || opened !== spoken || (endsWithAnswer && !prefill);
  return { system, turns, adjusted };
};
