/** Tools for Nova by Converse. */

import type { Prompt } from '../../chat.ts';
import type { NameRule, ToolNames } from '../names.ts';
import { cachePoint } from './messages.ts';
import type { ConverseRequest, WireTool } from './wire.ts';

/** Narrower than Converse's own rule: Nova stumbles over hyphens. */
export const toolNameRule: NameRule = {
  valid: /^[A-Za-z][A-Za-z0-9_]*$/,
  invalidCharacter: /[^A-Za-z0-9_]/g,
  maxLength: 64,
};

export const encodeTools = (
  { tools, toolChoice }: Prompt,
  names: ToolNames,
): Pick<ConverseRequest, 'toolConfig'> | undefined => {
  if (tools.length === 0 || toolChoice.type === 'none') return undefined;
  const specs = tools.flatMap((tool): WireTool[] => [
    {
      toolSpec: {
        name: names.send(tool.name),
        ...(tool.description === undefined ? {} : { description: tool.description }),
        inputSchema: { json: tool.parameters },
      },
    },
    ...cachePoint(tool.cache),
  ]);
  const choice =
    toolChoice.type === 'required'
      ? { any: {} }
      : toolChoice.type === 'named'
        ? { tool: { name: names.send(toolChoice.name) } }
        : undefined;
  return { toolConfig: { tools: specs, ...(choice === undefined ? {} : { toolChoice: choice }) } };
};
