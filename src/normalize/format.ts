/**
 * How a JSON answer is brought about at this target: by the upstream's own format, by a tool it must call,
 * or by asking for it. Behaviour 6.
 */

import type { AskFormat } from '../core/ask.ts';
import type { Format, JsonObject, Tool } from '../core/chat.ts';
import { toNativeSchema } from '../json-schema/claude.ts';
import { instruction } from '../json-schema/describe.ts';
import type { Target } from '../models/catalogue.ts';
import type { Endpoint } from '../models/model.ts';
import { willThink } from './history.ts';
import { currentDraft, readSchema, walking } from './schemas.ts';
import type { Settings } from './settings.ts';

const openObject: JsonObject = { type: 'object', additionalProperties: true };

const nativeFormat = (schema: JsonObject, path: string, { quirks }: Endpoint): Format | undefined => {
  if (quirks.schema !== 'native') return undefined;
  const native = walking(path, () => toNativeSchema(currentDraft(schema, quirks)));
  return native && { type: 'native', schema: native.schema, check: native.exact ? undefined : schema };
};

const isObjectSchema = (schema: JsonObject): boolean =>
  schema.type === 'object' || (schema.type === undefined && schema.properties !== undefined);

/** Whether the model can be made to call a tool of ours: the client has none, and nothing clashes with forcing. */
const canForce = (
  { tools, thinking }: Settings,
  { model, endpoint: { quirks } }: Target,
  hasToolHistory: boolean,
): boolean => {
  // Thinking that is bound to the list of tools would be lost by a tool of ours.
  if (model.bindsThinking !== 'never' && willThink(thinking, model)) return false;
  return (
    tools.length === 0 &&
    !hasToolHistory &&
    quirks.choices.includes('tool') &&
    (thinking.mode === 'default' || thinking.mode === 'off')
  );
};

/** What the client says of the whole belongs to the schema, unless that has words of its own. */
const describe = (schema: JsonObject, description: string | undefined): JsonObject =>
  description?.trim() && schema.description === undefined ? { description, ...schema } : schema;

export const chooseFormat = (
  asked: AskFormat,
  settings: Settings,
  target: Target,
  hasToolHistory: boolean,
): Format => {
  if (asked.type === 'text') return { type: 'text' };
  const { endpoint } = target;
  const named = asked.type === 'json-schema' ? asked : undefined;
  const { schema: given, path } = asked;
  const schema =
    given === undefined ? undefined : readSchema(describe(given, named?.description), path, endpoint.quirks);
  // The native format closes objects; `json_object` leaves them open, with a schema beside it as well.
  const native = schema && named && nativeFormat(schema, path, endpoint);
  if (native !== undefined) return native;
  const forcible = schema === undefined || isObjectSchema(schema);
  if (forcible && canForce(settings, target, hasToolHistory)) {
    return {
      type: 'forced-tool',
      name: named?.name?.trim() || 'answer',
      schema: schema === undefined ? openObject : currentDraft(schema, endpoint.quirks),
      check: schema,
    };
  }
  return { type: 'instructed', schema, check: schema };
};

/** Where the schema stands that is asked for. */
const pathOf = (asked: AskFormat): string | undefined => (asked.type === 'text' ? undefined : asked.path);

/** The tool that stands for a forced format. */
export const answerTool = (
  { name, schema }: Extract<Format, { type: 'forced-tool' }>,
  asked: AskFormat,
): Tool => ({
  name,
  description: 'Gives the answer. The arguments are the whole answer to the user.',
  parameters: schema.type === 'object' ? schema : { ...schema, type: 'object' },
  strict: false,
  path: pathOf(asked),
});

/** What the model is asked in words where nothing else binds it to JSON. */
export const formatInstruction = (format: Format, asked: AskFormat): readonly string[] =>
  format.type === 'instructed' ? [walking(pathOf(asked) ?? '', () => instruction(format.schema))] : [];
