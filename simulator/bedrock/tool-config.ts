import { type Fields, fieldsOf, isBlank, isFields, listOf, textOf } from '../json.ts';
import type { Model } from '../models.ts';
import { refuseAws } from '../refusal.ts';
import { checkCachePoint, toolName } from './content.ts';
import { fieldsAt, knownKeys, listAt, onlyMember, refuseExtraneous, stringAt } from './shape.ts';

/** Nova's own rule for the top level of a schema; below it, references and most combinators are out as well. */
const NOVA_TOP = ['type', 'properties', 'required'];
const NOVA_NEVER = ['$ref', '$schema', '$defs', 'definitions', 'oneOf', 'allOf', 'not'];

const checkNovaInner = (schema: unknown, path: string, depth: number): void => {
  if (depth > 20 || !isFields(schema)) return;
  const bad = Object.keys(schema).find((key) => NOVA_NEVER.includes(key));
  if (bad !== undefined) refuseExtraneous(path, bad);
  for (const [name, property] of Object.entries(fieldsOf(schema.properties))) {
    checkNovaInner(property, `${path}.properties.${name}`, depth + 1);
  }
  if (isFields(schema.items)) checkNovaInner(schema.items, `${path}.items`, depth + 1);
};

const checkNovaSchema = (schema: Fields, path: string): void => {
  const bad = Object.keys(schema).find((key) => !NOVA_TOP.includes(key));
  if (bad !== undefined) refuseExtraneous(path, bad);
  checkNovaInner(schema, path, 0);
};

const checkSpec = (member: unknown, path: string, model: Model): string => {
  const spec = fieldsAt(member, path);
  knownKeys(spec, ['name', 'description', 'inputSchema', 'strict'], path);
  toolName(spec.name, `${path}.name`, model);
  if (spec.description !== undefined && isBlank(stringAt(spec.description, `${path}.description`))) {
    refuseAws(
      `The description field at ${path} is blank. Add a description, or remove the field, and try again.`,
    );
  }
  const [, json] = onlyMember(spec.inputSchema, ['json'], `${path}.inputSchema`);
  const schema = fieldsAt(json, `${path}.inputSchema.json`);
  if (schema.type !== 'object') {
    refuseAws(`The value at ${path}.inputSchema.json.type must be one of the following: object.`);
  }
  if (model.family === 'nova') checkNovaSchema(schema, `${path}.inputSchema.json`);
  if (spec.strict === true && (model.family === 'nova' || !model.schema.bedrock)) {
    refuseAws(`This model doesn't support the strict field at ${path}. Remove it and try again.`);
  }
  return textOf(spec.name);
};

const checkChoice = (value: unknown, names: readonly string[]): void => {
  const [kind, member] = onlyMember(value, ['auto', 'any', 'tool'], 'toolConfig.toolChoice');
  if (kind !== 'tool') return;
  const name = stringAt(fieldsOf(member).name, 'toolConfig.toolChoice.tool.name');
  if (!names.includes(name)) {
    refuseAws(
      `The tool ${name} at toolConfig.toolChoice.tool.name is not in toolConfig.tools. Add it and try again.`,
    );
  }
};

export const checkToolConfig = (body: Fields, model: Model): void => {
  if (body.toolConfig === undefined || body.toolConfig === null) {
    const blocks = listOf(body.messages).flatMap((message) => listOf(fieldsOf(message).content));
    if (blocks.some((block) => isFields(block) && (isFields(block.toolUse) || isFields(block.toolResult)))) {
      refuseAws('The toolConfig field must be defined when using toolUse and toolResult content blocks.');
    }
    return;
  }
  const config = fieldsAt(body.toolConfig, 'toolConfig');
  knownKeys(config, ['tools', 'toolChoice'], 'toolConfig');
  const tools = listAt(config.tools, 'toolConfig.tools');
  if (tools.length === 0)
    refuseAws('The tools field at toolConfig is empty. Add a tool, or remove toolConfig, and try again.');
  const names: string[] = [];
  for (const [index, tool] of tools.entries()) {
    const path = `toolConfig.tools.${index}`;
    const [kind, member] = onlyMember(tool, ['toolSpec', 'systemTool', 'cachePoint'], path);
    if (kind === 'toolSpec') names.push(checkSpec(member, `${path}.toolSpec`, model));
    if (kind === 'cachePoint') {
      // github.com/NousResearch/hermes-agent/issues/97281
      if (model.family === 'nova') refuseExtraneous(path, 'cachePoint');
      checkCachePoint(member, path);
    }
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    refuseAws(`The tool name ${twice} occurs more than once in toolConfig.tools. Tool names must be unique.`);
  if (config.toolChoice !== undefined && config.toolChoice !== null) checkChoice(config.toolChoice, names);
};
