/** The body of a request, to what its client wants. */

import type { Ask } from '../../core/ask.ts';
import { type ChatRequest, chatRequestSchema, type Parameter, parameters } from './parameters.ts';
import { readMessages } from './read-messages.ts';
import { readTools } from './read-tools.ts';
import { invalidBody } from './request.ts';
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

const inert = Object.entries(parameters as unknown as Record<string, Parameter<unknown>>).flatMap(
  ([name, { level, neutral }]) => (level === 'ignored' ? [{ name, neutral }] : []),
);
const known: ReadonlySet<string> = new Set(Object.keys(parameters));

/** What is accepted and has no effect: parameters in the order of the table, then fields that are not in it. */
const findIgnored = (request: ChatRequest, body: unknown): readonly string[] => {
  const values = request as unknown as Readonly<Record<string, unknown>>;
  const ignored: string[] = [];
  const isGiven = (name: string) => values[name] !== null && values[name] !== undefined;
  for (const { name, neutral } of inert)
    if (isGiven(name) && neutral?.(values[name]) !== true) ignored.push(name);
  for (const name of Object.keys(values)) if (!known.has(name) && isGiven(name)) ignored.push(name);
  for (const path of findUnknownFields(body)) ignored.push(path);
  return ignored;
};

/** What only the answer needs to know of the request. */
export interface ChatContext {
  /** Calls are answered as `function_call`, because they were declared as `functions`. */
  readonly legacyFunctions: boolean;
  /** Names of tools declared as `custom`, whose calls come back as text. */
  readonly customTools: ReadonlySet<string>;
}

export interface Parsed {
  readonly ask: Ask;
  readonly context: ChatContext;
  readonly request: ChatRequest;
}

/** `body`: what was checked, as it came. Throws 400 naming what in messages and tools cannot be read. */
export const read = (request: ChatRequest, body: unknown): Parsed => {
  const ignored = findIgnored(request, body);
  const tools = readTools(request);
  const { turns, adjusted } = readMessages(request.messages);
  return {
    ask: { turns, turnsAdjusted: adjusted, tools, ignored },
    context: {
      legacyFunctions: tools.oneCallAtMost,
      customTools: new Set(tools.declared.flatMap(({ name, takesText }) => (takesText ? [name] : []))),
    },
    request,
  };
};

export const parse = (body: unknown): Parsed => read(check(body), body);
