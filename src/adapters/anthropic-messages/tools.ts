/** Tools and the choice among them, in Anthropic's form. */

import type Anthropic from '@anthropic-ai/sdk';
import type { JsonObject, Prompt, Tool } from '../../core/chat.ts';
import { invalidRequest } from '../../core/errors.ts';
import { SchemaTooLarge } from '../../json-schema/bounds.ts';
import { toNativeSchema } from '../../json-schema/claude.ts';
import { withPlainTop } from '../../json-schema/object-members.ts';
import type { Target } from '../../models/catalogue.ts';
import type { NameRule, Names } from '../names.ts';
import type { PropertyKeys } from '../property-keys.ts';
import { cacheControl } from './messages.ts';

export const toolNameRule: NameRule = {
  valid: /^[A-Za-z0-9_-]+$/,
  invalidCharacter: /[^A-Za-z0-9_-]/g,
  maxLength: 64,
};

/**
 * "Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'" (github.com/anthropics/claude-code/issues/79418,
 * github.com/ComposioHQ/composio/issues/3500)
 */
export const propertyKeyRule: NameRule = {
  valid: /^[A-Za-z0-9_.-]+$/,
  invalidCharacter: /[^A-Za-z0-9_.-]/g,
  maxLength: 64,
};

/** What the strict tools of one request may come to (npm @earendil-works/pi-ai 1.5.2, strict-tool-limits.js). */
const mostStrict = { tools: 20, loose: 16 };

/** Runs a step that walks a client's schema; one of absurd size is the client's mistake. */
const walking = <Result>({ path = 'tools' }: Tool, walk: () => Result): Result => {
  try {
    return walk();
  } catch (error) {
    if (!(error instanceof SchemaTooLarge)) throw error;
    throw invalidRequest(`${path}: is too large or too deeply nested. Simplify it.`, path);
  }
};

/**
 * The schemas of the tools that decoding can be bound to, by name: those that can be said whole. None at
 * all where they are too many together, for the API would refuse the request.
 */
const strictSchemas = (tools: readonly Tool[], { endpoint }: Target): ReadonlyMap<string, JsonObject> => {
  if (!endpoint.quirks.strictTools) return new Map();
  const strict = tools.flatMap((tool) => {
    const native = tool.strict ? walking(tool, () => toNativeSchema(tool.parameters)) : undefined;
    return native?.exact ? [{ name: tool.name, ...native }] : [];
  });
  const loose = strict.reduce((sum, each) => sum + each.loose, 0);
  return strict.length > mostStrict.tools || loose > mostStrict.loose
    ? new Map()
    : new Map(strict.map(({ name, schema }) => [name, schema]));
};

const encodeTool = (tool: Tool, names: Names, strict: JsonObject | undefined): Anthropic.Tool => ({
  name: names.send(tool.name),
  ...(tool.description === undefined ? {} : { description: tool.description }),
  input_schema: (strict ?? walking(tool, () => withPlainTop(tool.parameters))) as Anthropic.Tool.InputSchema,
  ...(strict === undefined ? {} : { strict: true }),
  ...cacheControl(tool.cache),
});

const encodeChoice = ({ toolChoice, parallelToolCalls }: Prompt, names: Names): Anthropic.ToolChoice => {
  const single = parallelToolCalls ? {} : { disable_parallel_tool_use: true };
  switch (toolChoice.type) {
    case 'none':
      return { type: 'none' };
    case 'auto':
    case 'instructed':
      return { type: 'auto', ...single };
    case 'required':
      return { type: 'any', ...single };
    case 'named':
      return { type: 'tool', name: names.send(toolChoice.name), ...single };
    default:
      return toolChoice satisfies never;
  }
};

const withSentKeys = (tool: Tool, keys: PropertyKeys): Tool => {
  const parameters = keys.inSchema(tool.name, tool.parameters);
  return parameters === tool.parameters ? tool : { ...tool, parameters };
};

/** Nothing at all without tools; no choice where it would say what is the default. */
export const encodeTools = (
  prompt: Prompt,
  { names, keys }: { readonly names: Names; readonly keys: PropertyKeys },
  target: Target,
): Pick<Anthropic.MessageCreateParams, 'tools' | 'tool_choice'> => {
  if (prompt.tools.length === 0) return {};
  const isAuto = prompt.toolChoice.type === 'auto' || prompt.toolChoice.type === 'instructed';
  const isDefault = isAuto && prompt.parallelToolCalls;
  const tools = prompt.tools.map((tool) => withSentKeys(tool, keys));
  const strict = strictSchemas(tools, target);
  return {
    tools: tools.map((tool) => encodeTool(tool, names, strict.get(tool.name))),
    ...(isDefault ? {} : { tool_choice: encodeChoice(prompt, names) }),
  };
};
