/** The Claude family: a prompt as a Messages request, an answer as chat events. */

import type Anthropic from '@anthropic-ai/sdk';
import type { Prompt, UpstreamName } from '../../chat.ts';
import type { Adapter } from '../adapter.ts';
import { renameTools } from '../names.ts';
import { encodeSystem, encodeTurn } from './messages.ts';
import { claudeEvents, createClaudeDecoder } from './stream.ts';
import { encodeThinking } from './thinking.ts';
import { encodeTools, toolNameRule } from './tools.ts';
import type { ClaudeEvent, ClaudeMessage, ClaudeRequest } from './wire.ts';

/** `auto` is Anthropic's word for priority capacity where there is some. */
const serviceTiers: Readonly<Record<string, Anthropic.MessageCreateParams['service_tier']>> = {
  default: 'standard_only',
  priority: 'auto',
};

const encodeServiceTier = ({ serviceTier }: Prompt, upstream: UpstreamName) =>
  serviceTier === undefined || upstream !== 'anthropic' ? undefined : serviceTiers[serviceTier];

/** Effort of thinking and the answer's own format share a field. */
const encodeOutput = (
  { format }: Prompt,
  effort: Anthropic.OutputConfig['effort'],
): Pick<Anthropic.MessageCreateParams, 'output_config'> => {
  const isNative = format.type === 'native';
  if (effort === undefined && !isNative) return {};
  return {
    output_config: {
      ...(effort === undefined ? {} : { effort }),
      ...(isNative ? { format: { type: 'json_schema', schema: format.schema } } : {}),
    },
  };
};

export const claude: Adapter<ClaudeRequest, ClaudeMessage, ClaudeEvent> = {
  encode: (prompt, target) => {
    const { model, upstream } = target;
    const names = renameTools(prompt, toolNameRule);
    const { thinking, effort } = encodeThinking(prompt, model);
    const serviceTier = encodeServiceTier(prompt, upstream);
    return {
      request: {
        version: model.sampling === 'none' ? '2026-10-21' : '2023-06-01',
        body: {
          max_tokens: prompt.maxTokens ?? model.maxOutput,
          ...(prompt.system.length === 0 ? {} : { system: encodeSystem(prompt.system) }),
          ...encodeTools(prompt, names, target),
          messages: prompt.turns.map((turn) => encodeTurn(turn, names)),
          ...(prompt.temperature === undefined ? {} : { temperature: prompt.temperature }),
          ...(prompt.topP === undefined ? {} : { top_p: prompt.topP }),
          ...(prompt.topK === undefined ? {} : { top_k: prompt.topK }),
          ...(prompt.stop.length === 0 ? {} : { stop_sequences: [...prompt.stop] }),
          ...(thinking === undefined ? {} : { thinking }),
          ...encodeOutput(prompt, effort),
          ...(prompt.user === undefined ? {} : { metadata: { user_id: prompt.user } }),
          ...(serviceTier === undefined ? {} : { service_tier: serviceTier }),
        },
      },
      report: {
        ignored: prompt.serviceTier !== undefined && serviceTier === undefined ? ['service_tier'] : [],
        adjusted: [],
      },
      decoder: { tools: names, thinkingTags: false },
    };
  },
  createDecoder: createClaudeDecoder,
  toEvents: claudeEvents,
};
