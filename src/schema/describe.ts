/** What a model is told where its output cannot be bound to JSON. */

import type { JsonObject } from '../chat.ts';
import { measure } from './bounds.ts';

const alone =
  'The response is pure JSON: no prose before or after it, no code fences, no comments. ' +
  'It is parsed by a program as it is, from its first character to its last.';

/** The system text that asks for JSON alone, of the given schema's form. Throws `SchemaTooLarge`. */
export const instruction = (schema: JsonObject | undefined): string => {
  if (schema === undefined) return `Respond with one JSON object and nothing else. ${alone}`;
  measure(schema);
  const kind = schema.type === undefined || schema.type === 'object' ? 'object' : 'value';
  return (
    `Respond with one JSON ${kind} and nothing else. ${alone} ` +
    `It must be valid against this JSON Schema:\n${JSON.stringify(schema)}`
  );
};
