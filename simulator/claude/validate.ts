import { isBlank } from '../json.ts';
import { refuse } from '../refusal.ts';
import {
  at,
  needBoolean,
  needInteger,
  needList,
  needObject,
  needOneOf,
  needString,
  onlyKnown,
} from './fields.ts';
import { checkHistory } from './history.ts';
import { checkMarks } from './marks.ts';
import type { ClaudeRequest } from './request.ts';
import { checkSampling } from './sampling.ts';
import { checkOutputConfig, checkThinkingConfig } from './thinking-rules.ts';
import { checkTools } from './tools.ts';

const EVERYWHERE = [
  'max_tokens',
  'messages',
  'system',
  'stop_sequences',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'metadata',
  'temperature',
  'top_p',
  'top_k',
];
const API_ONLY = [
  'model',
  'stream',
  'cache_control',
  'service_tier',
  'speed',
  'inference_geo',
  'container',
  'diagnostics',
];

const checkMaxTokens = ({ body, model, stream }: ClaudeRequest): void => {
  const given = needInteger(body.max_tokens, 'max_tokens');
  if (given < 0) refuse('max_tokens: Input should be greater than or equal to 0');
  if (given === 0 && stream) refuse('max_tokens: 0 is not supported with streaming');
  if (given > model.maxOutput) {
    refuse(
      `max_tokens: ${given} > ${model.maxOutput}, which is the maximum allowed number of output tokens for ${model.id}`,
    );
  }
};

const checkStops = ({ body }: ClaudeRequest): void => {
  if (body.stop_sequences === undefined || body.stop_sequences === null) return;
  for (const [index, stop] of needList(body.stop_sequences, 'stop_sequences').entries()) {
    if (typeof stop !== 'string') refuse(`stop_sequences.${index}: Input should be a valid string`);
    else if (isBlank(stop)) refuse('stop_sequences: each stop sequence must contain non-whitespace');
  }
};

const checkSystem = ({ body }: ClaudeRequest): void => {
  if (body.system === undefined || typeof body.system === 'string') return;
  for (const [index, value] of needList(body.system, 'system').entries()) {
    const block = needObject(value, at('system', index));
    onlyKnown(block, ['type', 'text', 'cache_control', 'citations'], at('system', index));
    needOneOf(block.type, ['text'], at('system', index, 'type'));
    const text = needString(block, 'text', at('system', index));
    if (text === '') refuse('system: text content blocks must be non-empty');
    if (isBlank(text)) refuse('system: text content blocks must contain non-whitespace text');
  }
};

const EMAIL = /^[^\s@]{1,64}@[^\s@]{1,255}\.[a-z]{2,}$/i;

const checkMetadata = ({ body }: ClaudeRequest): void => {
  if (body.metadata === undefined || body.metadata === null) return;
  const metadata = needObject(body.metadata, 'metadata');
  onlyKnown(metadata, ['user_id'], 'metadata');
  if (metadata.user_id === undefined || metadata.user_id === null) return;
  if (EMAIL.test(needString(metadata, 'user_id', 'metadata'))) {
    refuse('metadata.user_id: user_id appears to contain an email address');
  }
};

const checkService = ({ body }: ClaudeRequest): void => {
  if (body.service_tier !== undefined)
    needOneOf(body.service_tier, ['auto', 'standard_only'], 'service_tier');
  needBoolean(body.stream, 'stream');
};

/** In the order the API complains: shape of the body first, then what the model takes, then the conversation. */
const checks: readonly ((request: ClaudeRequest) => void)[] = [
  ({ body, via }) => onlyKnown(body, via === 'api' ? [...EVERYWHERE, ...API_ONLY] : EVERYWHERE, ''),
  checkMaxTokens,
  checkService,
  checkStops,
  checkSystem,
  checkMetadata,
  checkThinkingConfig,
  checkOutputConfig,
  checkSampling,
  checkTools,
  checkHistory,
  checkMarks,
];

export const validateClaude = (request: ClaudeRequest): void => {
  for (const check of checks) check(request);
};

export const validateContext = ({ body, model, via }: ClaudeRequest, tokens: number): void => {
  if (tokens > model.context) refuse(`prompt is too long: ${tokens} tokens > ${model.context} maximum`);
  const maxTokens = Number(body.max_tokens);
  // Converse's own default is the model's maximum, and gives way.
  if (via === 'converse' && maxTokens === model.maxOutput) return;
  if (tokens + maxTokens > model.context) {
    refuse(
      `input length and \`max_tokens\` exceed context limit: ${tokens} + ${maxTokens} > ${model.context}, decrease input length or \`max_tokens\` and try again`,
    );
  }
};
