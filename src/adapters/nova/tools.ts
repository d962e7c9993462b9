/** Tools for Nova by Converse. */

import type { JsonObject, Prompt, Tool } from '../../chat.ts';
import { invalidRequest } from '../../errors.ts';
import { SchemaTooLarge } from '../../schema/bounds.ts';
import { toNovaSchema } from '../../schema/nova.ts';
import type { NameRule, ToolNames } from '../names.ts';
import type { ConverseRequest, WireTool } from './wire.ts';

/** Narrower than Converse's own rule: Nova stumbles over hyphens. */
export const toolNameRule: NameRule = {
  valid: /^[A-Za-z][A-Za-z0-9_]*$/,
  invalidCharacter: /[^A-Za-z0-9_]/g,
  maxLength: 64,
};

const inputSchema = ({ parameters }: Tool, path: string): JsonObject => {
  try {
    return toNovaSchema(parameters);
  } catch (error) {
    if (!(error instanceof SchemaTooLarge)) throw error;
    throw invalidRequest(`${path}: is too large or too deeply nested for this model. Simplify it.`, path);
  }
};

export const encodeTools = (
  { tools, toolChoice, format }: Prompt,
  names: ToolNames,
): ConverseRequest['toolConfig'] => {
  if (tools.length === 0 || toolChoice.type === 'none') return undefined;
  const path = (index: number) =>
    format.type === 'forced-tool'
      ? 'response_format.json_schema.schema'
      : `tools[${index}].function.parameters`;
  const specs = tools.map(
    (tool, index): WireTool => ({
      toolSpec: {
        name: names.send(tool.name),
        ...(tool.description === undefined ? {} : { description: tool.description }),
        inputSchema: { json: inputSchema(tool, path(index)) },
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
