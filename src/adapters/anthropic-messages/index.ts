/** The Messages API: a prompt as a request, an answer as chat events. */

import type Anthropic from '@anthropic-ai/sdk';
import type { JsonObject, Prompt } from '../../core/chat.ts';
import { canSayMisplaced } from '../../core/misplaced-thinking.ts';
import type { Quirks } from '../../models/model.ts';
import type { Adapter, Renaming, ReplacedKeys } from '../adapter.ts';
import { withCallInstruction } from '../call-instruction.ts';
import { renameTools } from '../names.ts';
import { replaceFormatKeys, replacePropertyKeys } from '../property-keys.ts';
import { claudeEvents, createClaudeDecoder } from './decode-response.ts';
import { cacheControl, encodeSystem, encodeTurn } from './messages.ts';
import { bindingBeta, encodeThinking } from './thinking.ts';
import { encodeTools, propertyKeyRule, toolNameRule } from './tools.ts';
import type { ClaudeEvent, ClaudeMessage, ClaudeRequest } from './wire.ts';

/** `auto` is Anthropic's word for priority capacity where there is some. */
const serviceTiers: Readonly<Record<string, Anthropic.MessageCreateParams['service_tier']>> = {
  default: 'standard_only',
  priority: 'auto',
};

const encodeServiceTier = ({ serviceTier }: Prompt, quirks: Quirks) =>
  serviceTier !== undefined && quirks.serviceTiers.includes(serviceTier)
    ? serviceTiers[serviceTier]
    : undefined;

/** Without the field, an endpoint serves by default what `default` asks for. */
const losesServiceTier = ({ serviceTier }: Prompt, quirks: Quirks): boolean =>
  serviceTier !== undefined && serviceTier !== 'default' && !quirks.serviceTiers.includes(serviceTier);

/** Effort of thinking and the answer's own format share a field. */
const encodeOutput = (
  schema: JsonObject | undefined,
  effort: Anthropic.OutputConfig['effort'],
): Pick<Anthropic.MessageCreateParams, 'output_config'> => {
  if (effort === undefined && schema === undefined) return {};
  return {
    output_config: {
      ...(effort === undefined ? {} : { effort }),
      ...(schema === undefined ? {} : { format: { type: 'json_schema', schema } }),
    },
  };
};

/** The schema of an answer in the API's own format. The rule for keys is stated for tools; it is kept here too. */
const encodeFormat = ({ format }: Prompt) =>
  format.type === 'native'
    ? replaceFormatKeys(format.schema, propertyKeyRule)
    : { schema: undefined, keys: undefined };

const joinKeys = (
  inCalls: ReplacedKeys | undefined,
  inText: Renaming | undefined,
): ReplacedKeys | undefined =>
  inText === undefined ? inCalls : { inCalls: inCalls?.inCalls ?? new Map(), inText };

/** The field for misplaced thinking and its beta stand or fall together. */
const betasOf = ({ betas, misplacedThinking, thinking }: Prompt): readonly string[] =>
  misplacedThinking === undefined || !canSayMisplaced(thinking) || betas.includes(bindingBeta)
    ? betas
    : [...betas, bindingBeta];

export const anthropicMessages: Adapter<ClaudeRequest, ClaudeMessage, ClaudeEvent> = {
  encode: (prompt, target) => {
    const { model, endpoint } = target;
    const { quirks } = endpoint;
    const names = renameTools(prompt, toolNameRule);
    const keys = replacePropertyKeys(prompt, propertyKeyRule);
    const format = encodeFormat(prompt);
    const { thinking, effort } = encodeThinking(prompt, model);
    const system = withCallInstruction(prompt, names);
    const serviceTier = encodeServiceTier(prompt, quirks);
    return {
      request: {
        version: model.sampling === 'none' ? '2026-10-21' : '2023-06-01',
        betas: betasOf(prompt),
        body: {
          max_tokens: prompt.maxTokens ?? model.maxOutput,
          ...(system.length === 0 ? {} : { system: encodeSystem(system) }),
          ...encodeTools(prompt, { names, keys }, target),
          messages: prompt.turns.map((turn) => encodeTurn(turn, { names, keys, callIds: quirks.callIds })),
          ...(prompt.temperature === undefined ? {} : { temperature: prompt.temperature }),
          ...(prompt.topP === undefined ? {} : { top_p: prompt.topP }),
          ...(prompt.topK === undefined ? {} : { top_k: prompt.topK }),
          ...(prompt.stop.length === 0 ? {} : { stop_sequences: [...prompt.stop] }),
          ...(thinking === undefined ? {} : { thinking }),
          ...encodeOutput(format.schema, effort),
          ...(prompt.user === undefined ? {} : { metadata: { user_id: prompt.user } }),
          ...(serviceTier === undefined ? {} : { service_tier: serviceTier }),
          ...cacheControl(prompt.cache),
        },
      },
      report: {
        ignored: losesServiceTier(prompt, quirks) ? ['serviceTier'] : [],
        adjusted: [],
      },
      decoder: { tools: names, keys: joinKeys(keys.replaced, format.keys), tag: null },
    };
  },
  createDecoder: createClaudeDecoder,
  toEvents: claudeEvents,
};
