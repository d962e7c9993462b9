import { type Fields, fieldsOf, isBlank, listOf, parseJson, textOf } from '../json.ts';
import type { ClaudeModel, Model, NovaModel } from '../models.ts';
import { refuseAws } from '../refusal.ts';
import { checkCachePoint } from './content.ts';
import { fieldsAt, knownKeys, listAt, numberAt, oneOfAt, onlyMember, stringAt, violates } from './shape.ts';
import { checkToolConfig } from './tool-config.ts';
import { checkTurns } from './turns.ts';

const TOP = [
  'messages',
  'system',
  'inferenceConfig',
  'toolConfig',
  'outputConfig',
  'additionalModelRequestFields',
  'additionalModelResponseFieldPaths',
  'requestMetadata',
  'performanceConfig',
  'serviceTier',
  'guardrailConfig',
  'promptVariables',
];

const checkSystem = (body: Fields): void => {
  for (const [index, block] of listAt(body.system, 'system').entries()) {
    const path = `system.${index}`;
    const [kind, member] = onlyMember(block, ['text', 'guardContent', 'cachePoint'], path);
    if (kind === 'cachePoint') checkCachePoint(member, path);
    if (kind === 'text' && isBlank(stringAt(member, `${path}.text`))) {
      refuseAws(
        `The text field in the SystemContentBlock object at ${path} is blank. Add text to the text field, and try again.`,
      );
    }
  }
};

const STOPS = { claude: 8191, nova: 4 } as const;

const checkInference = (body: Fields, model: Model): void => {
  if (body.inferenceConfig === undefined || body.inferenceConfig === null) return;
  const config = fieldsAt(body.inferenceConfig, 'inferenceConfig');
  knownKeys(config, ['maxTokens', 'temperature', 'topP', 'stopSequences'], 'inferenceConfig');
  const { maxTokens } = config;
  numberAt(maxTokens, 'inferenceConfig.maxTokens', 1, Number.POSITIVE_INFINITY);
  numberAt(config.temperature, 'inferenceConfig.temperature', 0, 1);
  numberAt(config.topP, 'inferenceConfig.topP', 0, 1);
  if (typeof maxTokens === 'number' && maxTokens > model.maxOutput) {
    refuseAws(
      `The maximum tokens you requested exceeds the model limit of ${model.maxOutput}. Try again with a maximum tokens value that is lower than ${model.maxOutput}.`,
    );
  }
  const stops = listAt(config.stopSequences, 'inferenceConfig.stopSequences');
  if (stops.length > STOPS[model.family]) {
    violates(
      `[${stops.length} items]`,
      'inferenceConfig.stopSequences',
      `have length less than or equal to ${STOPS[model.family]}`,
    );
  }
  for (const [index, stop] of stops.entries()) {
    const text = stringAt(stop, `inferenceConfig.stopSequences.${index}`);
    if (text === '')
      violates(
        text,
        `inferenceConfig.stopSequences.${index + 1}.member`,
        'have length greater than or equal to 1',
      );
    if (isBlank(text))
      refuseAws(
        `The stop sequence at inferenceConfig.stopSequences.${index} is blank. Provide one with text and try again.`,
      );
  }
};

/** Letters, digits, white space and `:_@$#=/+,-.`; the service's own `\s` is ASCII's. */
const METADATA = /^[a-zA-Z0-9 \t\n\v\f\r:_@$#=/+,\-.]*$/;

const checkMetadata = (body: Fields): void => {
  if (body.requestMetadata === undefined || body.requestMetadata === null) return;
  const pairs = Object.entries(fieldsAt(body.requestMetadata, 'requestMetadata'));
  if (pairs.length > 16)
    violates(`{${pairs.length} pairs}`, 'requestMetadata', 'have length less than or equal to 16');
  for (const [key, value] of pairs) {
    const text = stringAt(value, `requestMetadata.${key}`);
    if (key === '' || key.length > 256 || text.length > 256)
      violates(key, 'requestMetadata', 'have length less than or equal to 256');
    if (!METADATA.test(key) || !METADATA.test(text)) {
      violates(
        `{${key}=${text}}`,
        'requestMetadata',
        'satisfy regular expression pattern: [a-zA-Z0-9\\s:_@$#=/+,-.]*',
      );
    }
  }
};

const CLAUDE_EXTRA = ['thinking', 'top_k', 'anthropic_beta', 'output_config', 'tool_choice', 'metadata'];

const extraneous = (path: string, key: string): never =>
  refuseAws(
    `The model returned the following errors: Malformed input request: ${path}: extraneous key [${key}] is not permitted, please reformat your input and try again.`,
  );

const checkClaudeExtra = (extra: Fields): void => {
  const bad = Object.keys(extra).find((key) => !CLAUDE_EXTRA.includes(key));
  if (bad !== undefined)
    refuseAws(`The model returned the following errors: ${bad}: Extra inputs are not permitted`);
};

const checkReasoning = (value: unknown, body: Fields, model: NovaModel): void => {
  if (!model.reasoning) extraneous('#', 'reasoningConfig');
  const config = fieldsAt(value, 'additionalModelRequestFields.reasoningConfig');
  const bad = Object.keys(config).find((key) => key !== 'type' && key !== 'maxReasoningEffort');
  if (bad !== undefined) extraneous('#/reasoningConfig', bad);
  oneOfAt(config.type, ['enabled', 'disabled'], 'reasoningConfig.type');
  if (config.maxReasoningEffort === undefined) return;
  oneOfAt(config.maxReasoningEffort, ['low', 'medium', 'high'], 'reasoningConfig.maxReasoningEffort');
  if (config.type !== 'enabled' || config.maxReasoningEffort !== 'high') return;
  const set = Object.keys(fieldsOf(body.inferenceConfig)).find((key) =>
    ['maxTokens', 'temperature', 'topP'].includes(key),
  );
  if (set !== undefined) {
    refuseAws(
      `The model returned the following errors: inferenceConfig.${set} must not be set when maxReasoningEffort is high. Remove it and try again.`,
    );
  }
};

const checkNovaExtra = (extra: Fields, body: Fields, model: NovaModel): void => {
  const bad = Object.keys(extra).find((key) => key !== 'inferenceConfig' && key !== 'reasoningConfig');
  if (bad !== undefined) extraneous('#', bad);
  if (extra.inferenceConfig !== undefined) {
    const config = fieldsAt(extra.inferenceConfig, 'additionalModelRequestFields.inferenceConfig');
    const other = Object.keys(config).find((key) => key !== 'topK');
    if (other !== undefined) extraneous('#/inferenceConfig', other);
    numberAt(config.topK, 'inferenceConfig.topK', 0, 128);
  }
  if (extra.reasoningConfig !== undefined) checkReasoning(extra.reasoningConfig, body, model);
};

const checkExtra = (body: Fields, model: Model): void => {
  if (body.additionalModelRequestFields === undefined || body.additionalModelRequestFields === null) return;
  const extra = fieldsAt(body.additionalModelRequestFields, 'additionalModelRequestFields');
  if (model.family === 'claude') checkClaudeExtra(extra);
  else checkNovaExtra(extra, body, model);
};

const checkClaudeOutput = (config: Fields, model: ClaudeModel): void => {
  knownKeys(config, ['textFormat', 'effort'], 'outputConfig');
  if (config.textFormat === undefined) return;
  if (!model.schema.bedrock) {
    refuseAws(
      "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.",
    );
  }
  const format = fieldsAt(config.textFormat, 'outputConfig.textFormat');
  oneOfAt(format.type, ['json_schema'], 'outputConfig.textFormat.type');
  const [, member] = onlyMember(format.structure, ['jsonSchema'], 'outputConfig.textFormat.structure');
  const schema = stringAt(fieldsOf(member).schema, 'outputConfig.textFormat.structure.jsonSchema.schema');
  if (parseJson(schema) === undefined)
    refuseAws('The schema at outputConfig.textFormat.structure.jsonSchema is not valid JSON.');
};

const checkOutput = (body: Fields, model: Model): void => {
  if (body.outputConfig === undefined || body.outputConfig === null) return;
  const config = fieldsAt(body.outputConfig, 'outputConfig');
  if (model.family === 'nova') {
    refuseAws("This model doesn't support the outputConfig field. Remove outputConfig and try again.");
  } else checkClaudeOutput(config, model);
};

const checkOptions = (body: Fields): void => {
  const tier = fieldsOf(body.serviceTier).type;
  if (body.serviceTier !== undefined)
    oneOfAt(tier, ['default', 'flex', 'priority', 'reserved'], 'serviceTier.type');
  const latency = fieldsOf(body.performanceConfig).latency;
  if (latency !== undefined) oneOfAt(latency, ['standard', 'optimized'], 'performanceConfig.latency');
  const paths = listOf(body.additionalModelResponseFieldPaths);
  if (paths.length > 10)
    violates(
      `[${paths.length} items]`,
      'additionalModelResponseFieldPaths',
      'have length less than or equal to 10',
    );
  for (const path of paths) {
    if (!textOf(path).startsWith('/'))
      refuseAws(`The path ${textOf(path)} at additionalModelResponseFieldPaths is not a valid JSON Pointer.`);
  }
};

const checks: readonly ((body: Fields, model: Model) => void)[] = [
  (body) => knownKeys(body, TOP, ''),
  checkSystem,
  checkInference,
  checkMetadata,
  checkOptions,
  checkOutput,
  checkExtra,
  checkToolConfig,
  checkTurns,
];

/** What Converse itself refuses, before any model sees the request. */
export const validateConverse = (body: Fields, model: Model): void => {
  for (const check of checks) check(body, model);
};
