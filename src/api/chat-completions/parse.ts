/** The body of a request, to what its client wants. */

import type { Ask } from '../../core/ask.ts';
import { type ChatRequest, chatRequestSchema, type Parameter, parameters } from './parameters.ts';
import { readMessages } from './read-messages.ts';
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

export interface Parsed {
  readonly ask: Ask;
  readonly request: ChatRequest;
}

/** `body`: what was checked, as it came. Throws 400 naming what in the messages cannot be read. */
export const read = (request: ChatRequest, body: unknown): Parsed => {
  const ignored = findIgnored(request, body);
  const { turns, adjusted } = readMessages(request.messages);
  return { ask: { turns, turnsAdjusted: adjusted, ignored }, request };
};

export const parse = (body: unknown): Parsed => read(check(body), body);
