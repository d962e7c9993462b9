/**
 * How a JSON answer is brought about at this target: by the upstream's own format, by a tool it must call,
 * or by asking for it. BEHAVIOUR section 6.
 */

import type { Target } from '../catalogue.ts';
import type { Format, JsonObject, TextPart, Tool } from '../chat.ts';
import type { ResponseFormat } from '../openai/request.ts';
import { toNativeSchema } from '../schema/claude.ts';
import { instruction } from '../schema/describe.ts';
import { readSchema, walking } from './schemas.ts';
import type { Settings } from './settings.ts';

const schemaPath = 'response_format.json_schema.schema';

const openObject: JsonObject = { type: 'object', additionalProperties: true };

const nativeFormat = (schema: JsonObject, { model, upstream }: Target): Format | undefined => {
  const supported = upstream === 'anthropic' ? model.jsonSchema.anthropic : model.jsonSchema.bedrock;
  if (!supported) return undefined;
  const native = walking(schemaPath, () => toNativeSchema(schema));
  return native && { type: 'native', schema: native.schema, check: native.exact ? undefined : schema };
};

const isObjectSchema = (schema: JsonObject): boolean =>
  schema.type === 'object' || (schema.type === undefined && schema.properties !== undefined);

/** Whether the model can be made to call a tool of ours: the caller has none, and nothing clashes with forcing. */
const canForce = ({ tools, thinking }: Settings, { model }: Target, hasToolHistory: boolean): boolean =>
  tools.length === 0 &&
  !hasToolHistory &&
  model.forcedToolChoice &&
  (thinking.mode === 'default' || thinking.mode === 'off');

export const chooseFormat = (
  wire: ResponseFormat,
  settings: Settings,
  target: Target,
  hasToolHistory: boolean,
): Format => {
  if (wire.type === 'text') return { type: 'text' };
  const named = wire.type === 'json_schema' ? wire.json_schema : undefined;
  const schema = named?.schema ? readSchema(named.schema, schemaPath, target.model) : undefined;
  const native = schema === undefined ? undefined : nativeFormat(schema, target);
  if (native !== undefined) return native;
  const forcible = schema === undefined || isObjectSchema(schema);
  if (forcible && canForce(settings, target, hasToolHistory)) {
    return {
      type: 'forced-tool',
      name: named?.name?.trim() || 'answer',
      schema: schema ?? openObject,
      check: schema,
    };
  }
  return { type: 'instructed', schema, check: schema };
};

/** The tool that stands for a forced format. */
export const answerTool = ({ name, schema }: Extract<Format, { type: 'forced-tool' }>): Tool => ({
  name,
  description: 'Gives the answer. The arguments are the whole answer to the user.',
  parameters: schema.type === 'object' ? schema : { ...schema, type: 'object' },
  strict: false,
});

/** What the model is told where nothing else binds it to JSON. */
export const formatInstruction = (format: Format): readonly TextPart[] =>
  format.type === 'instructed'
    ? [{ type: 'text', text: walking(schemaPath, () => instruction(format.schema)) }]
    : [];
