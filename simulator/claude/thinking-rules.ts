import { isFields, textOf } from '../json.ts';
import { refuse } from '../refusal.ts';
import { BINDING_BETA } from './binding.ts';
import { at, needInteger, needObject, needOneOf, needTag, onlyKnown } from './fields.ts';
import type { ClaudeRequest } from './request.ts';
import { checkStrictSchema } from './schema-limits.ts';
import { takesSchemas } from './tools.ts';

const FIELDS: Record<string, readonly string[]> = {
  adaptive: ['type', 'display', 'block_binding'],
  between_tools: ['type'],
  disabled: ['type'],
  enabled: ['type', 'budget_tokens', 'display', 'block_binding'],
};

const effortOf = ({ body }: ClaudeRequest): string =>
  isFields(body.output_config) ? textOf(body.output_config.effort) : '';

const unsupported = (type: string, instead: string): never =>
  refuse(`"thinking.type.${type}" is not supported for this model. ${instead}`);

const ADAPTIVE = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.';

const checkBinding = (given: unknown, path: string): void => {
  if (given === undefined || given === null) return;
  const binding = needObject(given, path);
  onlyKnown(binding, ['prefix_mismatch_behavior'], path);
  if (binding.prefix_mismatch_behavior !== undefined)
    needOneOf(
      binding.prefix_mismatch_behavior,
      ['error', 'drop_block'],
      at(path, 'prefix_mismatch_behavior'),
    );
};

const checkBudget = (given: unknown, maxTokens: unknown): void => {
  const budget = needInteger(given, 'thinking.enabled.budget_tokens');
  if (budget < 1024) refuse('thinking.enabled.budget_tokens: Input should be greater than or equal to 1024');
  if (maxTokens === 0) refuse('max_tokens: 0 is not supported when thinking is enabled');
  if (budget >= Number(maxTokens)) {
    refuse(
      '`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size',
    );
  }
};

export const checkThinkingConfig = (request: ClaudeRequest): void => {
  const { body, model } = request;
  if (body.thinking === undefined || body.thinking === null) return;
  const thinking = needObject(body.thinking, 'thinking');
  const type = needTag(thinking, Object.keys(FIELDS), 'thinking');
  const hasControls = request.betas.includes(BINDING_BETA);
  const known = (FIELDS[type] ?? []).filter((name) => hasControls || name !== 'block_binding');
  onlyKnown(thinking, known, at('thinking', type));
  checkBinding(thinking.block_binding, at('thinking', type, 'block_binding'));
  if (thinking.display !== undefined && thinking.display !== null) {
    needOneOf(thinking.display, ['summarized', 'omitted'], at('thinking', type, 'display'));
  }
  const high = ['xhigh', 'max'].includes(effortOf(request));
  switch (type) {
    case 'enabled':
      if (!model.budget && !model.adaptive) refuse('thinking: this model does not support thinking');
      if (!model.budget) unsupported('enabled', ADAPTIVE);
      checkBudget(thinking.budget_tokens, body.max_tokens);
      return;
    case 'adaptive':
      if (!model.adaptive) refuse('adaptive thinking is not supported on this model');
      return;
    case 'between_tools':
      if (!model.betweenTools)
        unsupported('between_tools', model.adaptive ? ADAPTIVE : 'Use "thinking.type.enabled".');
      if (high)
        refuse('"thinking.type.between_tools" is only supported with effort levels high, low, medium.');
      return;
    default:
      if (model.disabled === 'no') {
        unsupported(
          'disabled',
          model.betweenTools ? 'Use "thinking.type.between_tools" for the lowest setting.' : ADAPTIVE,
        );
      }
      if (model.disabled === 'up to high' && high) {
        refuse('"thinking.type.disabled" is only supported with effort levels high, low, medium.');
      }
  }
};

const checkEffort = (effort: unknown, { model }: ClaudeRequest): void => {
  if (effort === undefined || effort === null) return;
  if (model.effort.length === 0) refuse('This model does not support the effort parameter.');
  const levels: readonly string[] = model.effort;
  if (typeof effort !== 'string' || !['low', 'medium', 'high', 'xhigh', 'max'].includes(effort)) {
    refuse("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'");
  }
  if (!levels.includes(String(effort))) {
    refuse(
      `This model does not support effort level '${String(effort)}'. Supported levels: ${[...levels].sort().join(', ')}.`,
    );
  }
};

const usesCitations = (value: unknown, depth = 0): boolean => {
  if (depth > 6) return false;
  if (Array.isArray(value)) return value.some((item) => usesCitations(item, depth + 1));
  if (!isFields(value)) return false;
  if (isFields(value.citations) && value.citations.enabled === true) return true;
  return usesCitations(value.content, depth + 1);
};

export const checkOutputConfig = (request: ClaudeRequest): void => {
  const { body, model, via } = request;
  if (body.output_config === undefined || body.output_config === null) return;
  const config = needObject(body.output_config, 'output_config');
  onlyKnown(config, ['effort', 'format'], 'output_config');
  checkEffort(config.effort, request);
  if (config.format === undefined || config.format === null) return;
  if (!takesSchemas(request)) {
    refuse(
      via === 'api'
        ? `'${model.id}' does not support output format.`
        : 'output_config.format: Extra inputs are not permitted',
    );
  }
  const format = needObject(config.format, 'output_config.format');
  onlyKnown(format, ['type', 'schema'], 'output_config.format');
  needOneOf(format.type, ['json_schema'], 'output_config.format.type');
  checkStrictSchema(needObject(format.schema, 'output_config.format.schema'), 'output_config.format.schema');
  if (usesCitations(body.messages))
    refuse('output_config.format: Citations are not supported with structured outputs.');
  if (body.max_tokens === 0) refuse('max_tokens: 0 is not supported with output_config.format');
};
