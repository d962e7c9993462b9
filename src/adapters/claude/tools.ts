/** Tools and the choice among them, in Anthropic's form. */

import type Anthropic from '@anthropic-ai/sdk';
import type { Prompt, Tool } from '../../chat.ts';
import type { NameRule, ToolNames } from '../names.ts';
import { cacheControl } from './messages.ts';

export const toolNameRule: NameRule = {
  valid: /^[A-Za-z0-9_-]+$/,
  invalidCharacter: /[^A-Za-z0-9_-]/g,
  maxLength: 64,
};

const encodeTool = (tool: Tool, names: ToolNames): Anthropic.Tool => ({
  name: names.send(tool.name),
  ...(tool.description === undefined ? {} : { description: tool.description }),
  input_schema: tool.parameters as Anthropic.Tool.InputSchema,
  ...cacheControl(tool.cache),
});

const encodeChoice = ({ toolChoice, parallelToolCalls }: Prompt, names: ToolNames): Anthropic.ToolChoice => {
  const single = parallelToolCalls ? {} : { disable_parallel_tool_use: true };
  switch (toolChoice.type) {
    case 'none':
      return { type: 'none' };
    case 'auto':
      return { type: 'auto', ...single };
    case 'required':
      return { type: 'any', ...single };
    case 'named':
      return { type: 'tool', name: names.send(toolChoice.name), ...single };
    default:
      return toolChoice satisfies never;
  }
};

/** Nothing at all without tools; no choice where it would say what is the default. */
export const encodeTools = (
  prompt: Prompt,
  names: ToolNames,
): Pick<Anthropic.MessageCreateParams, 'tools' | 'tool_choice'> => {
  if (prompt.tools.length === 0) return {};
  const isDefault = prompt.toolChoice.type === 'auto' && prompt.parallelToolCalls;
  return {
    tools: prompt.tools.map((tool) => encodeTool(tool, names)),
    ...(isDefault ? {} : { tool_choice: encodeChoice(prompt, names) }),
  };
};
