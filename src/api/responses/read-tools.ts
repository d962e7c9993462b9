/** Tools and the choice among them, in the form of the Responses API. Behaviour 12.4. */

import type { AskTool, AskToolChoice, AskTools } from '../../core/ask.ts';
import { invalidRequest } from '../../core/errors.ts';
import { isTooDeep } from '../../json-schema/bounds.ts';
import { cacheBreakpoint } from '../content/cache-breakpoint.ts';
import { customDescription, customParameters } from '../content/custom-tool.ts';
import type { WireCustom, WireFunction, WireTool, WireToolSearch } from './items.ts';
import type { ResponsesRequest, ValueOf } from './parameters.ts';

/** How calls of a tool go back to the client. */
export interface ToolForm {
  readonly type: 'function' | 'custom' | 'tool-search';
  readonly name: string;
  readonly namespace: string | undefined;
}

/** By the name under which the model knows a tool. */
export type ToolForms = ReadonlyMap<string, ToolForm>;

/** Upstream there are no namespaces. */
export const flatName = (name: string, namespace: string | null | undefined): string =>
  namespace ? `${namespace}__${name}` : name;

export const toolSearchName = 'tool_search';

interface ReadTool {
  readonly tool: AskTool;
  readonly form: ToolForm;
}

interface Within {
  readonly name: string;
  readonly description: string | undefined;
}

/** Before anything measures or writes them. */
const checkDepth = (value: unknown, path: string): void => {
  if (isTooDeep(value)) throw invalidRequest(`${path}: is nested too deeply. Simplify it.`, path);
};

const joined = (...texts: readonly (string | null | undefined)[]): string | undefined =>
  texts.filter((text) => text != null && text.trim() !== '').join('\n\n') || undefined;

const readFunction = (wire: WireFunction, path: string, within?: Within): ReadTool => {
  const { name, description, parameters, strict } = wire;
  const schemaPath = `${path}.parameters`;
  checkDepth(parameters, schemaPath);
  return {
    tool: {
      name: flatName(name, within?.name),
      namePath: `${path}.name`,
      description: joined(within?.description, description),
      schema: parameters ?? undefined,
      schemaPath,
      strict: strict === true,
      takesText: false,
      cache: cacheBreakpoint(wire),
    },
    form: { type: 'function', name, namespace: within?.name },
  };
};

const readCustom = (wire: WireCustom, path: string, within?: Within): ReadTool => {
  const { name, description, format } = wire;
  checkDepth(format, `${path}.format`);
  const { type: kind, ...grammar } = format ?? { type: 'text' };
  return {
    tool: {
      name: flatName(name, within?.name),
      namePath: `${path}.name`,
      description: joined(
        within?.description,
        customDescription(description, kind === 'grammar' ? JSON.stringify(grammar) : undefined),
      ),
      schema: customParameters,
      schemaPath: undefined,
      strict: false,
      takesText: true,
      cache: cacheBreakpoint(wire),
    },
    form: { type: 'custom', name, namespace: within?.name },
  };
};

const readToolSearch = ({ description, parameters }: WireToolSearch, path: string): ReadTool => {
  checkDepth(parameters, `${path}.parameters`);
  return {
    tool: {
      name: toolSearchName,
      namePath: path,
      description: description?.trim()
        ? description
        : 'Finds further tools, which may be called from then on.',
      schema: parameters ?? undefined,
      schemaPath: `${path}.parameters`,
      strict: false,
      takesText: false,
      cache: undefined,
    },
    form: { type: 'tool-search', name: toolSearchName, namespace: undefined },
  };
};

/** A list of tools and where it stands. */
export interface PlacedTools {
  readonly tools: readonly WireTool[];
  readonly path: string;
}

interface Gathered {
  readonly found: ReadTool[];
  /** Paths of what has no effect. */
  readonly ignored: string[];
}

const gather = ({ tools, path: list }: PlacedTools, { found, ignored }: Gathered): void => {
  for (const [index, wire] of tools.entries()) {
    const path = `${list}[${index}]`;
    switch (wire.form) {
      case 'function':
        found.push(readFunction(wire, path));
        break;
      case 'custom':
        found.push(readCustom(wire, path));
        // The model is told of a grammar; nothing holds it to that.
        if (wire.format?.type === 'grammar') ignored.push(`${path}.format`);
        break;
      case 'namespace': {
        const within = { name: wire.name, description: wire.description ?? undefined };
        for (const [inner, tool] of wire.tools.entries()) {
          const at = `${path}.tools[${inner}]`;
          found.push(
            tool.type === 'function' ? readFunction(tool, at, within) : readCustom(tool, at, within),
          );
        }
        break;
      }
      case 'tool_search':
        if (wire.execution === 'client') found.push(readToolSearch(wire, path));
        else ignored.push(path);
        break;
      case 'hosted':
        ignored.push(path);
        break;
      default:
        wire satisfies never;
    }
  }
};

const notHere = (type: string, path: string) =>
  invalidRequest(
    `${path}: the tool '${type}' is run by OpenAI and not available here; offer a function tool instead, or set tool_choice to auto.`,
    path,
    'unsupported_parameter',
  );

const isNamed = (
  wire: object,
): wire is { type: 'function' | 'custom'; name: string; namespace?: string | null } =>
  'type' in wire && (wire.type === 'function' || wire.type === 'custom') && 'name' in wire;

const readChoice = (wire: NonNullable<ValueOf<'tool_choice'>>, path: string): AskToolChoice => {
  if (typeof wire === 'string') return { type: wire, path };
  if ('function' in wire) return { type: 'named', name: wire.function.name, path };
  if (wire.type === 'allowed_tools' && 'tools' in wire) {
    const names = wire.tools.flatMap((each) => (isNamed(each) ? [flatName(each.name, each.namespace)] : []));
    const mode = wire.mode ?? 'auto';
    const [first] = wire.tools;
    if (names.length > 0) return { type: 'allowed', mode, names, path };
    if (mode === 'auto') return { type: 'none', path };
    throw notHere(first?.type ?? '', path);
  }
  if (isNamed(wire)) return { type: 'named', name: flatName(wire.name, wire.namespace), path };
  if (wire.type === toolSearchName) return { type: 'named', name: toolSearchName, path };
  if (wire.type === 'auto' || wire.type === 'none' || wire.type === 'required')
    return { type: wire.type, path };
  throw notHere(wire.type, path);
};

export interface ReadTools {
  readonly tools: AskTools;
  readonly forms: ToolForms;
  readonly ignored: readonly string[];
}

/** `added`: those that came up in the conversation. Throws 400 with the path of what cannot be read. */
export const readTools = (request: ResponsesRequest, added: readonly PlacedTools[]): ReadTools => {
  const { tools, tool_choice: choice, parallel_tool_calls: parallel } = request;
  const gathered: Gathered = { found: [], ignored: [] };
  gather({ tools: tools ?? [], path: 'tools' }, gathered);
  const { found, ignored } = gathered;
  const ownCount = found.length;
  for (const each of added) gather(each, gathered);
  const forms = new Map<string, ToolForm>();
  const declared: AskTool[] = [];
  for (const [index, { tool, form }] of found.entries()) {
    // Found again by a later search, or declared again: the first counts.
    if (forms.has(tool.name) && index >= ownCount) continue;
    forms.set(tool.name, form);
    declared.push(tool);
  }
  return {
    tools: {
      declared,
      ignored: [],
      oneCallAtMost: false,
      choices: choice ? [readChoice(choice, 'tool_choice')] : [],
      parallelCalls:
        typeof parallel === 'boolean' ? [{ allowed: parallel, path: 'parallel_tool_calls' }] : [],
    },
    forms,
    ignored,
  };
};
