/** The response object: every key, always. Behaviour 12.2. */

import type { JsonObject, Usage } from '../../core/chat.ts';
import { promptTokens } from '../../core/usage.ts';
import type { ResponsesRequest } from './parameters.ts';
import type { InputTransformation } from './reasoning.ts';

export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete' | 'failed';

export interface ResponseError {
  readonly code: string;
  readonly message: string;
}

/** What changes while an answer comes. */
export interface ResponseProgress {
  readonly status: ResponseStatus;
  /** Unix seconds. */
  readonly completedAt: number | null;
  readonly output: readonly JsonObject[];
  readonly usage: Usage | undefined;
  readonly error: ResponseError | null;
  readonly incomplete: JsonObject | null;
  readonly removed: readonly InputTransformation[];
}

/** Fields of a request that its response repeats. */
export type Echo = ReturnType<typeof echoOf>;

export interface ResponseFacts {
  readonly id: string;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Fields of the request that the response repeats. */
  readonly echo: Echo;
}

export const toWireUsage = (usage: Usage) => {
  const input = promptTokens(usage);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: usage.cacheWrite },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    total_tokens: input + usage.output,
  };
};

const progressFields = (
  { id, createdAt }: ResponseFacts,
  { status, completedAt, output, usage, error, incomplete, removed }: ResponseProgress,
) => ({
  id,
  object: 'response',
  created_at: createdAt,
  completed_at: completedAt,
  status,
  incomplete_details: incomplete,
  output,
  error,
  usage: usage === undefined ? null : toWireUsage(usage),
  ...(removed.length === 0 ? {} : { input_transformations: removed }),
});

export interface WireResponse extends JsonObject {
  readonly output: readonly JsonObject[];
}

/** Field by field: a spread of so many takes ten times as long as all else. */
export const toResponse = (facts: ResponseFacts, progress: ResponseProgress): WireResponse => {
  const { echo } = facts;
  const { usage, removed } = progress;
  const response = {
    id: facts.id,
    object: 'response',
    created_at: facts.createdAt,
    completed_at: progress.completedAt,
    status: progress.status,
    incomplete_details: progress.incomplete,
    output: progress.output,
    error: progress.error,
    usage: usage === undefined ? null : toWireUsage(usage),
    input_transformations: removed.length === 0 ? undefined : removed,
    model: echo.model,
    previous_response_id: echo.previous_response_id,
    instructions: echo.instructions,
    tools: echo.tools,
    tool_choice: echo.tool_choice,
    truncation: echo.truncation,
    parallel_tool_calls: echo.parallel_tool_calls,
    text: echo.text,
    top_p: echo.top_p,
    presence_penalty: echo.presence_penalty,
    frequency_penalty: echo.frequency_penalty,
    top_logprobs: echo.top_logprobs,
    temperature: echo.temperature,
    reasoning: echo.reasoning,
    max_output_tokens: echo.max_output_tokens,
    max_tool_calls: echo.max_tool_calls,
    store: echo.store,
    background: echo.background,
    service_tier: echo.service_tier,
    metadata: echo.metadata,
    safety_identifier: echo.safety_identifier,
    prompt_cache_key: echo.prompt_cache_key,
    access_programs: echo.access_programs,
  } satisfies Record<keyof Echo | string, unknown>;
  return response;
};

/** The same as JSON: `echoJson` is that of the echo, which is made once for an answer. */
export const toResponseJson = (facts: ResponseFacts, progress: ResponseProgress, echoJson: string): string =>
  `${JSON.stringify(progressFields(facts, progress)).slice(0, -1)},${echoJson.slice(1)}`;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A function tool has all its keys, null where the client gave none (openresponses.org, FunctionTool). */
const echoTool = (tool: unknown): unknown =>
  isObject(tool) && tool.type === 'function'
    ? {
        ...tool,
        description: tool.description ?? null,
        parameters: tool.parameters ?? null,
        strict: tool.strict ?? null,
      }
    : tool;

const echoFormat = (format: NonNullable<ResponsesRequest['text']>['format']) => {
  if (format?.type !== 'json_schema') return format ?? { type: 'text' };
  const { type, name, description, schema, strict } = format;
  return {
    type,
    name: name ?? 'response',
    description: description ?? null,
    schema: schema ?? null,
    strict: strict ?? false,
  };
};

/** `tools`: as they came. `isStored`: whether the response is kept. */
export const echoOf = (
  request: ResponsesRequest,
  { tools, isStored }: { readonly tools: unknown; readonly isStored: boolean },
) => ({
  model: request.model,
  previous_response_id: request.previous_response_id ?? null,
  instructions: request.instructions ?? null,
  tools: Array.isArray(tools) ? tools.map(echoTool) : [],
  tool_choice: request.tool_choice ?? 'auto',
  truncation: request.truncation ?? 'disabled',
  parallel_tool_calls: request.parallel_tool_calls ?? true,
  text: {
    format: echoFormat(request.text?.format),
    ...(request.text?.verbosity ? { verbosity: request.text.verbosity } : {}),
  },
  top_p: request.top_p ?? 1,
  presence_penalty: request.presence_penalty ?? 0,
  frequency_penalty: request.frequency_penalty ?? 0,
  top_logprobs: request.top_logprobs ?? 0,
  temperature: request.temperature ?? 1,
  reasoning: request.reasoning
    ? {
        effort: request.reasoning.effort ?? null,
        summary: request.reasoning.summary ?? request.reasoning.generate_summary ?? null,
      }
    : null,
  max_output_tokens: request.max_output_tokens ?? null,
  max_tool_calls: request.max_tool_calls ?? null,
  store: isStored,
  background: false,
  service_tier: request.service_tier ?? 'default',
  metadata: request.metadata ?? {},
  safety_identifier: request.safety_identifier ?? null,
  prompt_cache_key: request.prompt_cache_key ?? null,
  access_programs: null,
});
