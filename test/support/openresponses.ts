/**
 * The schema of openresponses.org, where it is at hand: it lies beside the project. What we send otherwise, on purpose, is
 * listed here.
 */

import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect } from 'vitest';

const schemaFile = new URL('../../../shared/reference/openresponses.openapi.json', import.meta.url);

export const hasOpenResponses = existsSync(schemaFile);

type Json = Record<string, unknown>;

/** Events, items and tools that OpenAI has and the specification does not. */
const unknownEvents = new Set([
  'keepalive',
  'response.custom_tool_call_input.delta',
  'response.custom_tool_call_input.done',
]);
const unknownItems = new Set(['custom_tool_call', 'tool_search_call', 'web_search_call']);
const unknownTools = new Set(['custom', 'namespace', 'tool_search', 'web_search']);

/** Where the schema contradicts itself: a format's `schema` may be null alone there (JsonSchemaResponseFormat). */
const repaired = (schema: Json): Json => {
  const text = JSON.stringify(schema);
  const found = JSON.parse(text) as {
    components: { schemas: { JsonSchemaResponseFormat: { properties: { schema: Json } } } };
  };
  found.components.schemas.JsonSchemaResponseFormat.properties.schema = {};
  return found as unknown as Json;
};

const compile = () => {
  if (!hasOpenResponses) return undefined;
  const document = repaired(JSON.parse(readFileSync(schemaFile, 'utf8')) as Json) as {
    components: { schemas: Record<string, { properties?: { type?: { enum?: readonly string[] } } }> };
  };
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'openresponses');
  const named = (name: string) => {
    const found = ajv.getSchema(`openresponses#/components/schemas/${name}`);
    if (found === undefined) throw new Error(`no schema ${name}`);
    return found;
  };
  const events = new Map(
    Object.entries(document.components.schemas)
      .filter(([name]) => name.endsWith('StreamingEvent'))
      .map(([name, { properties }]) => [properties?.type?.enum?.[0] ?? '', named(name)]),
  );
  return { response: named('ResponseResource'), events };
};

const schemas = compile();

const typed = (unknown: ReadonlySet<string>, list: unknown): unknown =>
  (list as readonly Json[]).filter(({ type }) => !unknown.has(type as string));

/** A response without what the specification does not know. */
const known = (response: Json): Json => ({
  ...response,
  output: typed(unknownItems, response.output),
  tools: typed(unknownTools, response.tools),
});

/** Expects a response object to be as the specification has it; nothing where that is absent. */
export const expectValidResponse = (response: unknown): void => {
  if (schemas === undefined) return;
  schemas.response(known(response as Json));
  expect(schemas.response.errors ?? [], JSON.stringify(response).slice(0, 500)).toEqual([]);
};

export const expectValidEvents = (events: readonly (Json & { readonly type: string })[]): void => {
  if (schemas === undefined) return;
  for (const event of events) {
    const { type, item, response } = event;
    if (unknownEvents.has(type) || unknownItems.has((item as Json | undefined)?.type as string)) continue;
    const validate = schemas.events.get(type);
    expect(validate, `an event that the specification does not know: ${type}`).toBeDefined();
    validate?.(response === undefined ? event : { ...event, response: known(response as Json) });
    expect(validate?.errors ?? [], JSON.stringify(event).slice(0, 500)).toEqual([]);
  }
};
