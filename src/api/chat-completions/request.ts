/**
 * OpenAI's request wire: messages, content parts, tools, choices. `null` means absent everywhere, so
 * optional fields are nullish. Fields we do not know inside these objects are dropped by zod; unknown-fields.ts
 * finds them for the report, all but those that clients echo (`refusal`, `annotations`, `parsed`, ...).
 * The request as a whole is composed from the parameter table in parameters.ts.
 */

import { z } from 'zod';
import { invalidRequest } from '../../core/errors.ts';

export const cacheControlSchema = z.object({
  type: z.literal('ephemeral').nullish(),
  ttl: z.enum(['5m', '1h']).nullish(),
});
const cacheControl = cacheControlSchema.nullish();

/** OpenAI's own spelling of a cache mark. */
const breakpoint = z.object({ mode: z.string().nullish() }).nullish();

const marks = { cache_control: cacheControl, prompt_cache_breakpoint: breakpoint };

const textPart = z.object({ type: z.literal('text'), text: z.string(), ...marks });

const imagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.union([z.object({ url: z.string(), detail: z.string().nullish() }), z.string()]),
  ...marks,
});

const filePart = z.object({
  type: z.literal('file'),
  file: z.object({
    file_data: z.string().nullish(),
    file_id: z.string().nullish(),
    filename: z.string().nullish(),
  }),
  ...marks,
});

const audioPart = z.object({ type: z.literal('input_audio') });

const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });

/** Anthropic's own blocks, as clients keep them that know them. */
const thinkingPart = z.object({
  type: z.literal('thinking'),
  thinking: z.string().nullish(),
  signature: z.string().nullish(),
});
const redactedThinkingPart = z.object({ type: z.literal('redacted_thinking'), data: z.string().nullish() });

const userPart = z.discriminatedUnion('type', [textPart, imagePart, filePart, audioPart]);

const assistantPart = z.discriminatedUnion('type', [
  textPart,
  refusalPart,
  thinkingPart,
  redactedThinkingPart,
]);

const textContent = z.union([z.string(), z.array(textPart)]);

const toolCall = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('function'),
    id: z.string().min(1),
    function: z.object({ name: z.string().min(1), arguments: z.string().nullish() }),
    ...marks,
  }),
  z.object({
    type: z.literal('custom'),
    id: z.string().min(1),
    custom: z.object({ name: z.string().min(1), input: z.string() }),
    ...marks,
  }),
]);

/** A list is none: spread into an object, its problem would be named as a field that is not there. */
const isObject = (value: unknown): value is { readonly type?: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Some clients leave `type` out of calls and tools they send back. */
const assumingFunction = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (value) => (isObject(value) && (value.type ?? null) === null ? { ...value, type: 'function' } : value),
    schema,
  );

/** The forms in which clients return thinking: ours, OpenRouter's, Heroku's. */
const thinkingForms = {
  thinking_blocks: z.array(z.looseObject({ type: z.string() })).nullish(),
  reasoning_details: z.array(z.looseObject({})).nullish(),
  reasoning: z
    .union([z.object({ thinking: z.string().nullish(), signature: z.string().nullish() }), z.string()])
    .nullish(),
};

const marked = { cache_control: cacheControl };

export const messageSchema = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: textContent, ...marked }),
  z.object({ role: z.literal('developer'), content: textContent, ...marked }),
  z.object({ role: z.literal('user'), content: z.union([z.string(), z.array(userPart)]), ...marked }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(assistantPart)]).nullish(),
    refusal: z.string().nullish(),
    tool_calls: z.array(assumingFunction(toolCall)).nullish(),
    function_call: z.object({ name: z.string().min(1), arguments: z.string().nullish() }).nullish(),
    ...thinkingForms,
    ...marked,
  }),
  z.object({
    role: z.literal('tool'),
    tool_call_id: z.string(),
    content: z
      .union([z.string(), z.array(z.discriminatedUnion('type', [textPart, imagePart, filePart]))])
      .nullish(),
    ...marked,
  }),
  z.object({
    role: z.literal('function'),
    name: z.string().min(1),
    content: z.string().nullish(),
    ...marked,
  }),
]);

export type Message = z.infer<typeof messageSchema>;
export type MessageOf<Role extends Message['role']> = Extract<Message, { role: Role }>;
export type ContentPart = z.infer<typeof userPart> | z.infer<typeof refusalPart>;
export type AssistantPart = z.infer<typeof assistantPart>;
export type WireToolCall = z.infer<typeof toolCall>;
export type WireMarks = Pick<z.infer<typeof textPart>, 'cache_control' | 'prompt_cache_breakpoint'>;

const jsonSchemaObject = z.record(z.string(), z.unknown());

export const functionSchema = z.object({
  name: z.string().min(1),
  description: z.string().nullish(),
  parameters: jsonSchemaObject.nullish(),
  strict: z.boolean().nullish(),
  // Some clients (LiteLLM's) mark a tool in here.
  ...marks,
});

const customSchema = z.object({
  name: z.string().min(1),
  description: z.string().nullish(),
  format: z.looseObject({ type: z.string() }).nullish(),
  ...marks,
});

/** Without an object of its own for the function: as OpenAI's Responses have tools, and as Anthropic has them. */
const flatTool = z.object({
  form: z.literal('flat'),
  type: z.enum(['function', 'custom']).nullish(),
  ...functionSchema.shape,
  input_schema: jsonSchemaObject.nullish(),
  format: customSchema.shape.format,
});

const nested = { form: z.literal('nested') };

const isFlat = (tool: object): boolean => {
  const { function: inner, custom, name, input_schema: schema } = tool as Record<string, unknown>;
  return (inner ?? custom ?? null) === null && (typeof name === 'string' || isObject(schema));
};

/** Which form a tool has is decided before it is checked, so that what is wrong with it is named in that form. */
const withForm = (value: unknown): unknown => {
  if (!isObject(value)) return value;
  if (isFlat(value)) return { ...value, form: 'flat' };
  return { ...value, type: value.type ?? 'function', form: 'nested' };
};

export const toolSchema = z.preprocess(
  withForm,
  z.discriminatedUnion('form', [
    z.discriminatedUnion('type', [
      z.object({ ...nested, type: z.literal('function'), function: functionSchema, ...marks }),
      z.object({ ...nested, type: z.literal('custom'), custom: customSchema, ...marks }),
    ]),
    flatTool,
  ]),
);

export type WireFunction = z.infer<typeof functionSchema>;
export type WireCustom = z.infer<typeof customSchema>;
export type WireTool = z.infer<typeof toolSchema>;

const nestedName = z.union([
  z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
  z.object({ type: z.literal('custom'), custom: z.object({ name: z.string() }) }),
]);
const flatName = z.object({ type: z.enum(['function', 'custom', 'tool']), name: z.string() });
const namedTool = z.union([nestedName, flatName]);

const allowedTools = { mode: z.enum(['auto', 'required']), tools: z.array(namedTool).min(1) };
/** Anthropic says it in the choice. */
const parallelism = { disable_parallel_tool_use: z.boolean().nullish() };

/** OpenAI's forms, then those of the flat tools above. */
export const toolChoiceSchema = z.union([
  z.enum(['none', 'auto', 'required']),
  nestedName,
  z.object({ type: z.literal('allowed_tools'), allowed_tools: z.object(allowedTools) }),
  z.object({ type: z.literal('allowed_tools'), ...allowedTools }),
  flatName.extend(parallelism),
  z.object({ type: z.enum(['none', 'auto', 'required', 'any']), ...parallelism }),
]);

export type WireToolChoice = z.infer<typeof toolChoiceSchema>;
export type WireToolName = z.infer<typeof namedTool>;

export const responseFormatSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  // Some servers take a schema here too (Together's, llama.cpp's), and some clients send it.
  z.object({ type: z.literal('json_object'), schema: jsonSchemaObject.nullish() }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: z.string().nullish(),
      description: z.string().nullish(),
      schema: jsonSchemaObject.nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

type Issue = z.core.$ZodIssue;

/** Characters. Some keys are the client's own, as in `metadata`, and paths end up in the log. */
const longestKey = 64;

/** `['messages', 3, 'content']` -> `messages[3].content` */
export const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number'
        ? `${text}[${key}]`
        : `${text}${text === '' ? '' : '.'}${String(key).slice(0, longestKey)}`,
    '',
  );

type Branch = readonly Issue[];

/** Of a union within a union too. */
const branchesOf = ({ errors }: Extract<Issue, { code: 'invalid_union' }>): readonly Branch[] =>
  errors.flatMap((branch) => {
    const [first] = branch;
    return first?.code === 'invalid_union' && first.path.length === 0 && first.errors.length > 0
      ? branchesOf(first)
      : [branch];
  });

const isMissing = (issue: Issue): boolean => issue.code === 'invalid_type' && issue.input === undefined;

interface Located {
  readonly path: readonly PropertyKey[];
  readonly issue: Issue;
}

const better = (one: Located, other: Located): Located => {
  if (one.path.length !== other.path.length) return other.path.length > one.path.length ? other : one;
  // What the client wrote says more than what is missing.
  return isMissing(one.issue) && !isMissing(other.issue) ? other : one;
};

const hasWrongType = (branch: Branch): boolean =>
  branch.some(({ code, path }) => code === 'invalid_value' && path.length === 1 && path[0] === 'type');

/**
 * Of a union's branches the one that got furthest: the client most likely meant that one. Those of another `type` are
 * out of the question; where all are, the types that there are is what can be said.
 */
const deepest = (issue: Issue, base: readonly PropertyKey[]): Located => {
  const path = [...base, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { path, issue };
  const branches = branchesOf(issue);
  const ofItsType = branches.filter((branch) => !hasWrongType(branch));
  const candidates = ofItsType.flatMap(([first]) => (first === undefined ? [] : [deepest(first, path)]));
  const [best, ...others] = candidates.filter((each) => each.path.length > path.length);
  if (best !== undefined) return others.reduce(better, best);
  const types = branches
    .filter(hasWrongType)
    .flatMap(([first]) => (first?.code === 'invalid_value' ? first : []));
  const [type] = types;
  if (type === undefined || !isObject(issue.input)) return { path, issue };
  const values = [...new Set(types.flatMap((each) => each.values))];
  return { path: [...path, ...type.path], issue: { ...type, values } };
};

const withArticle = (expected: string): string => {
  const type = expected === 'record' ? 'object' : expected;
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
};

const unionExpectation = (issue: Extract<Issue, { code: 'invalid_union' }>): string => {
  if ('options' in issue && Array.isArray(issue.options)) return `must be one of ${issue.options.join(', ')}`;
  const options = issue.errors.flat().flatMap((each) => {
    if (each.code === 'invalid_type')
      return [each.input === undefined ? 'present' : withArticle(each.expected)];
    return each.code === 'invalid_value' ? each.values.map(String) : [];
  });
  if (options.length === 0) return issue.message;
  return options.every((option) => option === 'present')
    ? 'is required'
    : `must be ${[...new Set(options)].join(' or ')}`;
};

const expectation = (issue: Issue): string => {
  switch (issue.code) {
    case 'invalid_union':
      return unionExpectation(issue);
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      return `must be ${withArticle(issue.expected === 'int' ? 'integer' : issue.expected)}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin !== 'number' && issue.origin !== 'int') return 'must not be empty';
      return `must be ${issue.inclusive ? 'at least' : 'greater than'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'number' || issue.origin === 'int') return `must be at most ${issue.maximum}`;
      return `must hold at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'entries'}`;
    default:
      return issue.message;
  }
};

/** The first problem of a refused body as a 400 that names the field and what it must be. */
export const invalidBody = (error: z.ZodError): Error => {
  const [first] = error.issues;
  if (first === undefined) return invalidRequest('The request body is not valid.');
  const { path, issue } = deepest(first, []);
  const field = formatPath(path);
  return invalidRequest(
    `${field === '' ? 'The request body' : field}: ${expectation(issue)}.`,
    field || null,
  );
};
