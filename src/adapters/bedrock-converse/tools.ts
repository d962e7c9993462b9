/** Tools for Nova by Converse. */

import type { JsonObject, Prompt, Tool } from '../../core/chat.ts';
import { invalidRequest } from '../../core/errors.ts';
import { SchemaTooLarge } from '../../json-schema/bounds.ts';
import { toNovaSchema } from '../../json-schema/nova.ts';
import type { NameRule, Names } from '../names.ts';
import type { PropertyKeys } from '../property-keys.ts';
import type { ConverseRequest, WireTool } from './wire.ts';

/** Narrower than Converse's own rule: Nova stumbles over hyphens. */
export const toolNameRule: NameRule = {
  valid: /^[A-Za-z][A-Za-z0-9_]*$/,
  invalidCharacter: /[^A-Za-z0-9_]/g,
  maxLength: 64,
  prefix: 't',
};

/** Converse refuses keys that are empty, in calls at least; of others no rule is known. */
export const propertyKeyRule: NameRule = {
  valid: /./s,
  invalidCharacter: /(?!)/g,
  maxLength: Number.POSITIVE_INFINITY,
};

const inputSchema = ({ name, parameters, path = 'tools' }: Tool, keys: PropertyKeys): JsonObject => {
  try {
    return toNovaSchema(keys.inSchema(name, parameters));
  } catch (error) {
    if (!(error instanceof SchemaTooLarge)) throw error;
    throw invalidRequest(`${path}: is too large or too deeply nested for this model. Simplify it.`, path);
  }
};

export const encodeTools = (
  { tools, toolChoice }: Prompt,
  names: Names,
  keys: PropertyKeys,
): ConverseRequest['toolConfig'] => {
  if (tools.length === 0 || toolChoice.type === 'none') return undefined;
  const specs = tools.map(
    (tool): WireTool => ({
      toolSpec: {
        name: names.send(tool.name),
        ...(tool.description === undefined ? {} : { description: tool.description }),
        inputSchema: { json: inputSchema(tool, keys) },
      },
    }),
  );
  const choice =
    toolChoice.type === 'required'
      ? { any: {} }
      : toolChoice.type === 'named'
        ? { tool: { name: names.send(toolChoice.name) } }
        : undefined;
  return { tools: specs, toolChoice: choice };
};
