/** The body of a request, to what its client wants, with what earlier responses add to it. */

import { randomUUID } from 'node:crypto';
import type { Ask, AskCaching, AskFormat, AskReasoning, AskTurn } from '../../core/ask.ts';
import type { JsonObject } from '../../core/chat.ts';
import { invalidRequest, unsupportedParameter } from '../../core/errors.ts';
import { textPart } from '../../core/message-text.ts';
import type { ParseContext, Parsed } from '../chat-api.ts';
import { readBetas } from '../content/betas.ts';
import { invalidBody } from '../content/invalid-body.ts';
import { ignoredFinder } from '../content/parameter.ts';
import { readEffort, readExtendedThinking, readThinking } from '../content/thinking-forms.ts';
import { wish, wishes } from '../content/wishes.ts';
import type { ConnectionMemory } from './connection-memory.ts';
import { type Item, itemSchema } from './items.ts';
import { parameterNames } from './parameter-names.ts';
import { parameters, type ResponsesRequest, responsesRequestSchema } from './parameters.ts';
import { type Configuration, type ItemPorts, type PlacedItem, readItems } from './read-items.ts';
import { readTools, type ToolForms } from './read-tools.ts';
import { type InputTransformation, removed } from './reasoning.ts';
import { echoOf, type ResponseFacts } from './response-object.ts';
import type { ResponseState, StoredResponse } from './state.ts';

/** What only the answer needs to know of the request. */
export interface ResponsesContext extends ResponseFacts {
  readonly client: string;
  /** What the ids of the output's items end with. */
  readonly idBase: string;
  readonly forms: ToolForms;
  /** Reasoning of the input that was not used. */
  readonly removed: readonly InputTransformation[];
  /** Ids of the input's reasoning items, by the digests of their blocks. */
  readonly reasoningIds: ReadonlyMap<string, string>;
  /** Keeps the response, where it is to be kept. */
  readonly keep: ((response: StoredResponse['response']) => Promise<void>) | undefined;
}

export interface ParsePorts {
  readonly state: ResponseState | undefined;
  /** What the connection remembers that the request came over, if it is one that does. */
  memoryOf(headers: ParseContext['headers']): ConnectionMemory | undefined;
  open: ItemPorts['open'];
  openSummary: ItemPorts['openSummary'];
  /** Whether the model called `asked` reads reasoning of `model`. */
  reads(model: string, asked: string): boolean;
}

/** Throws 400 naming the first field at fault. */
export const check = (body: unknown): ResponsesRequest => {
  const result = responsesRequestSchema.safeParse(body);
  if (result.success) return result.data;
  // Once more for the error: options make zod slower for good requests too (docs/performance.md).
  throw invalidBody(responsesRequestSchema.safeParse(body, { reportInput: true }).error ?? result.error);
};

const findInert = ignoredFinder(parameters);

/** What is said in part, and has no effect. */
const ignoredWithin = ({ text, reasoning }: ResponsesRequest): readonly string[] => {
  const ignored: string[] = [];
  if (text?.verbosity && text.verbosity !== 'medium') ignored.push('text.verbosity');
  if (reasoning?.context && reasoning.context !== 'auto') ignored.push('reasoning.context');
  if (reasoning?.mode && reasoning.mode !== 'standard') ignored.push('reasoning.mode');
  return ignored;
};

/** What can be done nowhere but at OpenAI. */
const refuseOthers = ({ background, conversation, prompt }: ResponsesRequest): void => {
  if (background === true)
    throw unsupportedParameter(
      'background: responses are not made in the background here; leave it out, and stream instead if the answer takes long.',
      'background',
    );
  if (conversation != null)
    throw unsupportedParameter(
      'conversation: conversations are not kept here; go on with previous_response_id instead.',
      'conversation',
    );
  if (prompt != null)
    throw unsupportedParameter(
      'prompt: there are no stored templates here; send instructions and input instead.',
      'prompt',
    );
};

const readFormat = (format: Configuration['format']): AskFormat => {
  switch (format?.type) {
    case 'json_object':
      return { type: 'json-object', schema: undefined, path: 'text.format' };
    case 'json_schema':
      return {
        type: 'json-schema',
        name: format.name ?? undefined,
        description: format.description ?? undefined,
        schema: format.schema ?? undefined,
        path: 'text.format.schema',
      };
    default:
      return { type: 'text' };
  }
};

/** In the order in which they count. */
const readReasoning = (
  request: ResponsesRequest,
  updated: Configuration['effort'],
): readonly AskReasoning[] => {
  const { extended_thinking: extended, include_reasoning: include, thinking, reasoning } = request;
  const found: AskReasoning[] = [];
  if (extended) found.push(...readExtendedThinking(extended, 'extended_thinking'));
  if (typeof include === 'boolean')
    found.push({ type: 'shown', value: include, isAssumed: false, path: 'include_reasoning' });
  const summary = reasoning?.summary ?? reasoning?.generate_summary;
  if (summary)
    found.push({ type: 'shown', value: summary !== 'none', isAssumed: false, path: 'reasoning.summary' });
  const effort = updated ?? reasoning?.effort;
  if (effort) found.push(readEffort(effort, 'reasoning.effort'));
  if (thinking) found.push(...readThinking(thinking, 'thinking'));
  return found;
};

const readTier = (tier: ResponsesRequest['service_tier']): Ask['serviceTier'] => {
  if (!tier || tier === 'auto') return undefined;
  return {
    value: tier === 'default' || tier === 'priority' || tier === 'flex' ? tier : 'other',
    path: 'service_tier',
  };
};

const readCaching = ({
  prompt_cache_options: options,
  prompt_cache_retention: retention,
}: ResponsesRequest): AskCaching => {
  const byOptions = options?.ttl === '12h' ? 'prompt_cache_options.ttl' : undefined;
  return {
    whole: undefined,
    longestBy: byOptions ?? (retention === '24h' ? 'prompt_cache_retention' : undefined),
  };
};

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The items of a request as they came: a text is one user message. */
const writtenItems = (body: unknown): readonly JsonObject[] => {
  const input = isObject(body) ? body.input : undefined;
  if (typeof input === 'string')
    return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }];
  return Array.isArray(input) ? (input as JsonObject[]) : [];
};

const isReference = (item: JsonObject): item is { readonly id: string } =>
  typeof item.id === 'string' && (item.type ?? 'item_reference') === 'item_reference' && item.role == null;

interface WrittenItem {
  readonly item: JsonObject;
  readonly path: string;
  /** The same as it was checked with the request; absent: it was not. */
  readonly checked?: Item | undefined;
}

interface Found {
  /** With what references refer to in their places. */
  readonly items: readonly WrittenItem[];
  readonly removed: readonly InputTransformation[];
}

const notFound = (id: string, path: string, isKept: boolean): Error =>
  invalidRequest(
    `Item with id '${id}' not found.${isKept ? '' : ' Items are not persisted when `store` is set to false.'} Send the item itself instead.`,
    path,
  );

/** Reasoning that is not there any more is left out and said; anything else would be missed. */
const resolveReferences = async (
  written: readonly JsonObject[],
  checked: ResponsesRequest['input'],
  { client, state }: { readonly client: string; readonly state: Pick<ResponseState, 'items'> | undefined },
): Promise<Found> => {
  const items = typeof checked === 'string' ? [] : (checked ?? []);
  const placed = written.map(
    (item, index): WrittenItem => ({ item, path: `input[${index}]`, checked: items[index] }),
  );
  const ids = written.filter(isReference).map(({ id }) => id);
  if (ids.length === 0) return { items: placed, removed: [] };
  const known = (await state?.items(client, ids)) ?? new Map<string, JsonObject>();
  const gone: InputTransformation[] = [];
  const resolved = placed.flatMap((each): readonly WrittenItem[] => {
    const { item, path } = each;
    if (!isReference(item)) return [each];
    const found = known.get(item.id);
    if (found !== undefined) return [{ item: found, path }];
    if (!item.id.startsWith('rs_')) throw notFound(item.id, `${path}.id`, state !== undefined);
    gone.push(removed(item.id, 'turn_boundary'));
    return [];
  });
  return { items: resolved, removed: gone };
};

const noSuchResponse = (id: string, isKept: boolean): Error =>
  invalidRequest(
    isKept
      ? `Previous response with id '${id}' not found: it was not stored, is too old, or is another key's. Send the conversation itself in input.`
      : `Previous response with id '${id}' not found: this server stores no responses. Send the conversation itself in input.`,
    'previous_response_id',
    'previous_response_not_found',
  );

const earlierResponses = async (
  id: string | null | undefined,
  client: string,
  state: Pick<ResponseState, 'chain'> | undefined,
): Promise<readonly StoredResponse[]> => {
  if (!id) return [];
  const chain = await state?.chain(client, id);
  if (chain === undefined) throw noSuchResponse(id, state !== undefined);
  return chain;
};

/** What was accepted once, or was our own answer. */
const checkedItem = (item: JsonObject, path: string): PlacedItem => {
  const result = itemSchema.safeParse(item);
  if (!result.success) throw invalidBody(result.error);
  return { item: result.data, path };
};

const withIds = (items: readonly JsonObject[], idBase: string): readonly JsonObject[] =>
  items.map((item, index) => {
    if (typeof item.id === 'string' && item.id !== '') return item;
    const prefix = item.type === undefined || item.type === 'message' ? 'msg' : 'item';
    return { type: 'message', ...item, id: `${prefix}_${idBase}i${index.toString(16).padStart(4, '0')}` };
  });

/** 40 hexadecimal digits. Node keeps random bytes for UUIDs at hand: of them it takes a tenth of the time. */
const newIdBase = (): string => (randomUUID() + randomUUID()).replaceAll('-', '').slice(0, 40);

const instructionsTurn = (instructions: string | null | undefined): readonly AskTurn[] =>
  instructions?.trim() ? [{ role: 'system', parts: [textPart(instructions)] }] : [];

/** `request`: what was checked of `body`; `more`: items of ours behind it. Throws 400 naming what in it cannot be read. */
export const read = async (
  request: ResponsesRequest,
  body: unknown,
  { headers, texts, client }: Pick<ParseContext, 'headers' | 'texts' | 'client'>,
  ports: ParsePorts,
  more: readonly JsonObject[] = [],
): Promise<Parsed<ResponsesContext>> => {
  refuseOthers(request);
  const { state } = ports;
  const memory = ports.memoryOf(headers);
  const earlierState = memory ?? state;
  const written = writtenItems(body);
  if (written.length === 0 && !request.previous_response_id)
    throw invalidRequest('input: is required, a text or a list of items that is not empty.', 'input');
  const earlier = await earlierResponses(request.previous_response_id, client, earlierState);
  const found = await resolveReferences(written, request.input, { client, state: earlierState });
  const history = earlier.flatMap(({ input, response }) => [...input, ...response.output]);
  const items = [
    ...history.map((item) => checkedItem(item, 'previous_response_id')),
    ...found.items.map(({ item, path, checked }) =>
      checked === undefined ? checkedItem(item, path) : { item: checked, path },
    ),
    ...more.map((item) => checkedItem(item, 'input')),
  ];
  const conversation = readItems(items, {
    open: ports.open,
    openSummary: ports.openSummary,
    reads: (model) => ports.reads(model, request.model),
  });
  const { configuration } = conversation;
  const { tools, forms, ignored: ignoredTools } = readTools(request, conversation.addedTools);
  const isStored = state !== undefined && request.store !== false;
  const idBase = newIdBase();
  const ask: Ask = {
    texts,
    model: request.model,
    stream: request.stream === true,
    turns: [...instructionsTurn(request.instructions), ...conversation.turns],
    turnsAdjusted: conversation.adjusted,
    tools,
    maxTokens: wishes(wish(request.max_output_tokens, 'max_output_tokens')),
    stop: undefined,
    carriesThinking: true,
    reasoning: readReasoning(request, configuration.effort),
    temperature: wish(request.temperature, 'temperature'),
    topP: wish(request.top_p, 'top_p'),
    topK: wish(request.top_k, 'top_k'),
    format: readFormat(configuration.format ?? request.text?.format),
    users: wishes(wish(request.safety_identifier, 'safety_identifier'), wish(request.user, 'user')),
    metadata: wish(request.metadata, 'metadata'),
    serviceTier: readTier(request.service_tier),
    caching: readCaching(request),
    betas: readBetas(headers['anthropic-beta']),
    streamIgnored: [],
    allowIgnored: request.allow_ignored_params !== false,
    ignored: [
      ...findInert(request),
      ...ignoredWithin(request),
      ...(request.store === true && !isStored ? ['store'] : []),
      ...ignoredTools,
      ...conversation.ignored,
    ],
    names: parameterNames,
  };
  const id = `resp_${idBase}`;
  const ownItems = () =>
    withIds(
      found.items.map(({ item }) => item),
      idBase,
    );
  const keeper = (): ResponsesContext['keep'] => {
    if (isStored) {
      const parents = earlier.map((each) => each.id);
      const input = ownItems();
      return (response) => state.put(client, { id, parents, input, response });
    }
    // One is remembered, so that it has to hold all that it goes on from.
    if (memory === undefined) return undefined;
    const input = [...history, ...ownItems()];
    return async (response) => memory.remember({ id, parents: [], input, response });
  };
  const context: ResponsesContext = {
    id,
    createdAt: Math.floor(Date.now() / 1000),
    echo: echoOf(request, { tools: isObject(body) ? body.tools : undefined, isStored }),
    client,
    idBase,
    forms,
    removed: [...found.removed, ...conversation.removed],
    reasoningIds: conversation.reasoningIds,
    keep: keeper(),
  };
  return { ask, context };
};
