/** Converse: a prompt as a request, an answer as chat events. */

import type { Prompt } from '../../core/chat.ts';
import type { Model } from '../../models/model.ts';
import type { Adapter } from '../adapter.ts';
import { withCallInstruction } from '../call-instruction.ts';
import { renameTools } from '../names.ts';
import { replacePropertyKeys } from '../property-keys.ts';
import { converseEvents, createConverseDecoder } from './decode-response.ts';
import { encodeSystem, encodeTurns, losesBreakpoint, toolsAsText } from './messages.ts';
import { encodeTools, propertyKeyRule, toolNameRule } from './tools.ts';
import type { ConverseEvent, ConverseMessage, ConverseRequest } from './wire.ts';

/** The character set and length Converse takes in request metadata. Its white space is ASCII's, not ours. */
const metadataText = (value: string) => value.replace(/[^A-Za-z0-9 \t\r\n:_@$#=/+,\-.]/g, '_').slice(0, 256);

/** At most 16 pairs; the user comes first, so that it is never the one cut, nor replaced by a pair of that name. */
const encodeMetadata = ({ user, metadata }: Prompt): Record<string, string> | undefined => {
  if (user === undefined && Object.keys(metadata).length === 0) return undefined;
  const known = user === undefined ? {} : { user };
  const pairs = Object.entries({ ...known, ...metadata, ...known })
    .slice(0, 16)
    .map(([key, value]) => [metadataText(key), metadataText(value)] as const)
    .filter(([key]) => key !== '');
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
};

/** Converse's own limit on stop sequences for Nova. */
const mostStops = 4;

/** Unconfirmed, on the safe side: AWS's page names no ceiling (complete-request-schema), our simulator this one. */
const mostTopK = 128;

/** For tools AWS advises to decode greedily; done only where the client has no wish of his own. */
const isGreedy = ({ temperature, topP, topK }: Prompt, { thinking }: Model): boolean =>
  thinking === null && temperature === undefined && topP === undefined && topK === undefined;

const encodeInference = (
  { maxTokens, temperature, topP, stop }: Prompt,
  greedy: boolean,
): ConverseRequest['inferenceConfig'] => ({
  maxTokens,
  temperature: greedy ? 0 : temperature,
  topP,
  stopSequences: stop.length === 0 ? undefined : stop.slice(0, mostStops),
});

/** What has no place in Converse itself goes to the model in its native form. */
const encodeNative = (
  { topK, thinking }: Prompt,
  greedy: boolean,
): ConverseRequest['additionalModelRequestFields'] => {
  const asksTopK = topK !== undefined || greedy;
  const thinks = thinking.mode === 'adaptive';
  if (!asksTopK && !thinks) return undefined;
  return {
    inferenceConfig: asksTopK ? { topK: Math.min(topK ?? 1, mostTopK) } : undefined,
    reasoningConfig: thinks
      ? { type: 'enabled', maxReasoningEffort: thinking.effort ?? 'medium' }
      : undefined,
  };
};

export const bedrockConverse: Adapter<ConverseRequest, ConverseMessage, ConverseEvent> = {
  encode: (prompt, { model, endpoint: { quirks } }) => {
    const names = renameTools(prompt, toolNameRule);
    const keys = replacePropertyKeys(prompt, propertyKeyRule);
    const toolConfig = encodeTools(prompt, names, keys);
    const turns = toolConfig === undefined ? prompt.turns.map(toolsAsText) : prompt.turns;
    const system = withCallInstruction(prompt, names);
    const greedy = toolConfig !== undefined && isGreedy(prompt, model);
    return {
      // What is undefined is not written.
      request: {
        system: system.length === 0 ? undefined : encodeSystem(system),
        messages: encodeTurns(turns, { names, keys, callIds: quirks.callIds, texts: prompt.texts }),
        inferenceConfig: encodeInference(prompt, greedy),
        toolConfig,
        additionalModelRequestFields: encodeNative(prompt, greedy),
        requestMetadata: encodeMetadata(prompt),
        serviceTier: prompt.serviceTier === undefined ? undefined : { type: prompt.serviceTier },
      },
      report: {
        ignored: [],
        adjusted: [
          ...(prompt.stop.length > mostStops ? (['stop'] as const) : []),
          ...(prompt.topK !== undefined && prompt.topK > mostTopK ? (['topK'] as const) : []),
          ...(losesBreakpoint(prompt.tools, turns) ? (['cacheBreakpoints'] as const) : []),
        ],
      },
      decoder: {
        tools: names,
        keys: keys.replaced,
        tag: toolConfig === undefined ? null : quirks.tag,
      },
    };
  },
  createDecoder: createConverseDecoder,
  toEvents: converseEvents,
};
