/**
 * Remembers answers that thought, for clients that keep nothing but calls and words: the upstream wants the blocks back,
 * unaltered and in their places. That an answer came without thinking is remembered too: it has lost nothing. Found by
 * its calls, and by the blocks themselves where a client has kept them. Scoped to the client's key and the model; bounded
 * in bytes and time by the store. Behaviour 5.8, 5.10.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Ask, AskTurn } from '../core/ask.ts';
import type { ThinkingBlock, Tool } from '../core/chat.ts';
import {
  type AnswerPiece,
  blockDigest,
  blocksOf,
  type Line,
  nothingRecalled,
  type Recalled,
  type RememberedAnswer,
} from '../core/remembered-answer.ts';
import type { Collection, StoreCommands } from '../store/store.ts';

/** Whose memory it is. */
export interface Scope {
  readonly client: string;
  readonly model: string;
}

interface RememberOptions {
  /** What `rememberTools` returned for the tools of the request. */
  readonly tools: string | undefined;
  /** Whether it has to be found by its blocks as well as by its calls. */
  readonly byBlocks: boolean;
}

const hour = 3600 * 1000;

const answers: Collection = {
  name: 'thinking',
  maxAge: hour,
  renewedByReading: true,
  maxBytes: 64 * 1024 * 1024,
};

const declarations: Collection = {
  name: 'tools',
  maxAge: hour,
  renewedByReading: true,
  maxBytes: 16 * 1024 * 1024,
};

/** Answers of one history that are looked up: the last ones of the list. */
const mostRecalled = 4000;

const blockSchema = z.union([
  z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
  z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() }),
]) satisfies z.ZodType<ThinkingBlock>;

const pieceSchema = z.union([
  z.strictObject({ type: z.literal('thinking-block'), block: blockSchema }),
  z.strictObject({ type: z.literal('text'), length: z.int().positive() }),
  z.strictObject({ type: z.literal('tool-call'), id: z.string() }),
]) satisfies z.ZodType<AnswerPiece>;

const lineSchema = z.union([
  z.strictObject({ type: z.literal('words'), text: z.string() }),
  z.strictObject({
    type: z.literal('call-instruction'),
    isDemanded: z.boolean(),
    tools: z.array(z.string()),
  }),
]) satisfies z.ZodType<Line>;

const answerSchema = z.strictObject({
  pieces: z.array(pieceSchema),
  lines: z.array(lineSchema),
  previous: z.string().nullable(),
  upstream: z.string(),
  hadTools: z.boolean().optional(),
  /** Of the tools that were declared. */
  tools: z.string().optional(),
}) satisfies z.ZodType<RememberedAnswer>;

type StoredAnswer = z.infer<typeof answerSchema>;

const toolsSchema = z.array(
  z.object({
    name: z.string(),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()),
    strict: z.boolean(),
  }),
) satisfies z.ZodType<readonly Tool[]>;

/** The store may be shared: what another version or another program left there is as good as nothing. */
const parseStored = <Value>(schema: z.ZodType<Value>, value: string): Value | undefined => {
  try {
    return schema.parse(JSON.parse(value));
  } catch {
    return undefined;
  }
};

/** Hashed: ids come from clients and may be of any length, and the store may be another's. */
const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

const callKey = ({ client, model }: Scope, id: string): string => digest(client, model, id);
const blockKey = ({ client, model }: Scope, block: string): string => digest(client, model, 'block', block);
const toolsKey = ({ client }: Scope, tools: string): string => digest(client, tools);

/** Loops, for this is on the way of every request, and most have nothing to look up. */
const addKeys = (scope: Scope, { parts }: AskTurn, keys: string[]): void => {
  for (const part of parts) {
    if (part.type === 'tool-call') keys.push(callKey(scope, part.id));
    else if (part.type === 'thinking-block') keys.push(blockKey(scope, blockDigest(part.block)));
  }
};

/** What the user said, and not the result of a call. */
const isUserWord = ({ role, parts }: AskTurn): boolean => role === 'user' && parts[0]?.type !== 'tool-result';

/**
 * Of the answers of the history, oldest first; of a long one those of the last answers, and of the first answer after the
 * user's last words, because theirs is the thinking that the upstream demands.
 */
const keysToRecall = (scope: Scope, { turns }: Pick<Ask, 'turns'>): readonly string[] => {
  const keys: string[] = [];
  for (const turn of turns) if (turn.role === 'assistant') addKeys(scope, turn, keys);
  if (keys.length <= mostRecalled) return keys;
  const begin = turns.findLastIndex(isUserWord) + 1;
  const first = turns.find(({ role }, index) => index >= begin && role === 'assistant');
  const demanded: string[] = [];
  if (first !== undefined) addKeys(scope, first, demanded);
  return [...demanded, ...keys.slice(demanded.length - mostRecalled)];
};

export class ThinkingMemory {
  readonly #store: StoreCommands;

  constructor(store: StoreCommands) {
    this.#store = store;
  }

  /** Done when the next request can recall it. */
  async remember(
    scope: Scope,
    answer: RememberedAnswer,
    { tools, byBlocks }: RememberOptions,
  ): Promise<void> {
    const calls = answer.pieces.flatMap((piece) => (piece.type === 'tool-call' ? [piece.id] : []));
    const keys = [
      ...calls.map((id) => callKey(scope, id)),
      ...(byBlocks ? blocksOf(answer).map((block) => blockKey(scope, blockDigest(block))) : []),
    ];
    if (keys.length === 0) return;
    const stored: StoredAnswer = { ...(answer as StoredAnswer), ...(tools === undefined ? {} : { tools }) };
    await this.#store.put(answers, keys, JSON.stringify(stored));
  }

  /** For requests that leave them out: thinking is bound to them. Returns what they are known by. */
  async rememberTools(scope: Scope, tools: readonly Tool[]): Promise<string> {
    const written = JSON.stringify(tools);
    const known = digest(written);
    await this.#store.put(declarations, [toolsKey(scope, known)], written);
    return known;
  }

  /** `wantsTools`: whether the request leaves out what it may have declared before. */
  async recall(scope: Scope, ask: Pick<Ask, 'turns'>, wantsTools: boolean): Promise<Recalled> {
    const keys = keysToRecall(scope, ask);
    if (keys.length === 0) return nothingRecalled;
    const values = await this.#store.get(answers, keys);
    /** One object for one answer, by whichever key it is found. */
    const parsed = new Map<string, StoredAnswer | undefined>();
    const found = new Map(keys.map((key, index) => [key, values[index]]));
    const look = (key: string): StoredAnswer | undefined => {
      const value = found.get(key);
      if (value === undefined || value === null) return undefined;
      if (!parsed.has(value)) parsed.set(value, parseStored(answerSchema, value));
      return parsed.get(value);
    };
    return {
      byCall: (id) => look(callKey(scope, id)),
      byBlock: (block) => look(blockKey(scope, blockDigest(block))),
      tools: wantsTools ? await this.#tools(scope, keys.map(look)) : [],
    };
  }

  /** Those with which the newest answer was asked for that is known. */
  async #tools(scope: Scope, known: readonly (StoredAnswer | undefined)[]): Promise<readonly Tool[]> {
    const tools = known.findLast((answer) => answer?.tools !== undefined)?.tools;
    if (tools === undefined) return [];
    const [value] = await this.#store.get(declarations, [toolsKey(scope, tools)]);
    return (value && parseStored(toolsSchema, value)) || [];
  }
}
