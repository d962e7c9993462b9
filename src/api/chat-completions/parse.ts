/** The body of a request, to what its client wants. */

import type { Ask, AskCaching, AskFormat, AskTools } from '../../core/ask.ts';
import { unsupportedParameter } from '../../core/errors.ts';
import type { LongTexts } from '../../core/message-text.ts';
import type { Parsed } from '../chat-api.ts';
import { readBetas } from '../content/betas.ts';
import { invalidBody } from '../content/invalid-body.ts';
import { ignoredFinder } from '../content/parameter.ts';
import { wish, wishes } from '../content/wishes.ts';
import { parameterNames } from './parameter-names.ts';
import { type ChatRequest, chatRequestSchema, parameters } from './parameters.ts';
import { readMessages } from './read-messages.ts';
import { readReasoning } from './read-reasoning.ts';
import { readTools } from './read-tools.ts';
import { createUnknownFieldFinder } from './unknown-fields.ts';

/** Paths of what a checked body holds, within its fields, that the schema does not know. */
const findUnknownFields = createUnknownFieldFinder(parameters);

/** Throws 400 naming the first field at fault. */
export const check = (body: unknown): ChatRequest => {
  const result = chatRequestSchema.safeParse(body);
  if (result.success) return result.data;
  // Once more for the error: options make zod slower for good requests too (docs/performance.md).
  throw invalidBody(chatRequestSchema.safeParse(body, { reportInput: true }).error ?? result.error);
};

const findInert = ignoredFinder(parameters);

/** What is accepted and has no effect. */
const findIgnored = (request: ChatRequest, body: unknown): readonly string[] => [
  ...findInert(request),
  ...findUnknownFields(body),
];

const readFormat = (wire: ChatRequest['response_format']): AskFormat => {
  switch (wire?.type) {
    case 'json_object':
      return { type: 'json-object', schema: wire.schema ?? undefined, path: 'response_format.schema' };
    case 'json_schema': {
      const { name, description, schema } = wire.json_schema;
      return {
        type: 'json-schema',
        name: name ?? undefined,
        description: description ?? undefined,
        schema: schema ?? undefined,
        path: 'response_format.json_schema.schema',
      };
    }
    default:
      return { type: 'text' };
  }
};

const readTier = (tier: ChatRequest['service_tier']): Ask['serviceTier'] => {
  if (!tier || tier === 'auto') return undefined;
  return { value: tier === 'scale' || tier === 'fast' ? 'other' : tier, path: 'service_tier' };
};

const readCaching = ({
  cache_control: breakpoint,
  prompt_cache_retention: retention,
}: ChatRequest): AskCaching => ({
  whole: breakpoint ? { ttl: breakpoint.ttl ?? undefined } : undefined,
  longestBy: retention === '24h' ? 'prompt_cache_retention' : undefined,
});

const ignoredOfStream = ({ stream, stream_options: options }: ChatRequest): readonly string[] => {
  const ignored: string[] = [];
  if (options?.include_obfuscation === true) ignored.push('stream_options.include_obfuscation');
  if (options?.include_usage === true && stream !== true) ignored.push('stream_options');
  return ignored;
};

const refuseModalities = (modalities: ChatRequest['modalities']): void => {
  if (modalities?.some((modality) => modality !== 'text') === true) {
    throw unsupportedParameter('modalities: only "text" is available, not audio or others.', 'modalities');
  }
};

/** What only the answer needs to know of the request. */
export interface ChatContext {
  /** The model as the client calls it. */
  readonly model: string;
  /** Streams: a last chunk with the usage. */
  readonly includeUsage: boolean;
  /** The cost in the usage, where it is known. */
  readonly includeCost: boolean;
  /** Shown reasoning stands in OpenRouter's fields too, for clients that ask in OpenRouter's form. */
  readonly openRouterReasoning: boolean;
  /** Calls are answered as `function_call`, because they were declared as `functions`. */
  readonly legacyFunctions: boolean;
  /** Names of tools declared as `custom`, whose calls come back as text. */
  readonly customTools: ReadonlySet<string>;
}

const readContext = (request: ChatRequest, { declared, oneCallAtMost }: AskTools): ChatContext => {
  const { stream, stream_options: options, usage, reasoning } = request;
  const includeCost = usage?.include === true;
  return {
    model: request.model,
    includeUsage: options?.include_usage === true || (includeCost && stream === true),
    includeCost,
    openRouterReasoning: reasoning ? reasoning.exclude !== true : false,
    legacyFunctions: oneCallAtMost,
    customTools: new Set(declared.flatMap(({ name, takesText }) => (takesText ? [name] : []))),
  };
};

/** What comes beside the body. */
interface Beside {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly texts: LongTexts;
}

/** `body`: what was checked, as it came. Throws 400 naming what in it cannot be read. */
export const read = (
  request: ChatRequest,
  body: unknown,
  { headers, texts }: Beside,
): Parsed<ChatContext> => {
  const ignored = findIgnored(request, body);
  refuseModalities(request.modalities);
  const { stop } = request;
  const tools = readTools(request);
  const { turns, adjusted } = readMessages(request.messages, texts);
  const ask: Ask = {
    texts,
    model: request.model,
    stream: request.stream === true,
    turns,
    turnsAdjusted: adjusted,
    tools,
    maxTokens: wishes(
      wish(request.max_completion_tokens, 'max_completion_tokens'),
      wish(request.max_tokens, 'max_tokens'),
    ),
    stop: wish(typeof stop === 'string' ? [stop] : stop, 'stop'),
    carriesThinking: false,
    reasoning: readReasoning(request),
    temperature: wish(request.temperature, 'temperature'),
    topP: wish(request.top_p, 'top_p'),
    topK: wish(request.top_k, 'top_k'),
    format: readFormat(request.response_format),
    users: wishes(wish(request.safety_identifier, 'safety_identifier'), wish(request.user, 'user')),
    metadata: wish(request.metadata, 'metadata'),
    serviceTier: readTier(request.service_tier),
    caching: readCaching(request),
    betas: readBetas(headers['anthropic-beta']),
    streamIgnored: ignoredOfStream(request),
    allowIgnored: request.allow_ignored_params !== false,
    ignored,
    names: parameterNames,
  };
  return { ask, context: readContext(request, tools) };
};
