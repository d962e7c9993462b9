/** The instruction for a model whose output cannot be bound to JSON. */

import type { JsonObject } from '../core/chat.ts';
import { isObject, measure, resolve } from './bounds.ts';
import { listOf } from './merge.ts';

export type Kind = 'object' | 'array' | 'scalar';

const kindOf = (value: unknown): Kind =>
  Array.isArray(value) ? 'array' : typeof value === 'object' && value !== null ? 'object' : 'scalar';
/** `null` beside something else is how "or nothing" is said; it is not asked for alone. */
const kindsOfType = (type: unknown): readonly Kind[] =>
  type === 'null' ? [] : [type === 'object' || type === 'array' ? type : 'scalar'];

/** What a value of this schema may be at its top; an object where the schema does not say. */
export const rootKinds = (schema: JsonObject | undefined): ReadonlySet<Kind> => {
  const found = new Set<Kind>();
  // Each schema once, and no recursion: references may lead anywhere, and in circles.
  const seen = new Set<unknown>();
  const open: unknown[] = [schema];
  while (open.length > 0) {
    const next = open.pop();
    if (!isObject(next) || seen.has(next)) continue;
    seen.add(next);
    if (next.type !== undefined) for (const kind of listOf(next.type).flatMap(kindsOfType)) found.add(kind);
    else if (Array.isArray(next.enum)) for (const each of next.enum) found.add(kindOf(each));
    else if (next.const !== undefined) found.add(kindOf(next.const));
    else if (typeof next.$ref === 'string') open.push(resolve(schema ?? {}, next.$ref));
    else for (const each of listOf(next.anyOf ?? next.oneOf ?? next.allOf)) open.push(each);
  }
  return found.size === 0 ? new Set(['object']) : found;
};

const alone =
  'The response is pure JSON: no prose before or after it, no code fences, no comments. ' +
  'It is parsed by a program as it is, from its first character to its last.';

/** The system text that asks for JSON alone, of the given schema's form. Throws `SchemaTooLarge`. */
export const instruction = (schema: JsonObject | undefined): string => {
  if (schema === undefined) return `Respond with one JSON object and nothing else. ${alone}`;
  measure(schema);
  const kinds = rootKinds(schema);
  const kind = kinds.size === 1 && kinds.has('object') ? 'object' : 'value';
  return (
    `Respond with one JSON ${kind} and nothing else. ${alone} ` +
    `It must be valid against this JSON Schema:\n${JSON.stringify(schema)}`
  );
};
