/** The Nova family: a prompt as a Converse request, an answer as chat events. */

import type { Prompt } from '../../chat.ts';
import type { Adapter } from '../adapter.ts';
import { renameTools } from '../names.ts';
import { encodeText, encodeTurns } from './messages.ts';
import { converseEvents, createConverseDecoder } from './stream.ts';
import { encodeTools, toolNameRule } from './tools.ts';
import type { ConverseEvent, ConverseMessage, ConverseRequest } from './wire.ts';

/** The character set and length Converse takes in request metadata. */
const metadataText = (value: string) => value.replace(/[^A-Za-z0-9\s:_@$#=/+,\-.]/g, '_').slice(0, 256);

/** At most 16 pairs; the user comes first, so that it is never the one cut. */
const encodeMetadata = ({ user, metadata }: Prompt): Record<string, string> | undefined => {
  const pairs = Object.entries({ ...(user === undefined ? {} : { user }), ...metadata })
    .slice(0, 16)
    .map(([key, value]) => [metadataText(key), metadataText(value)] as const)
    .filter(([key]) => key !== '');
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
};

const encodeInference = ({
  maxTokens,
  temperature,
  topP,
  stop,
}: Prompt): ConverseRequest['inferenceConfig'] => ({
  ...(maxTokens === undefined ? {} : { maxTokens }),
  ...(temperature === undefined ? {} : { temperature }),
  ...(topP === undefined ? {} : { topP }),
  ...(stop.length === 0 ? {} : { stopSequences: [...stop] }),
});

/** What has no place in Converse itself goes to the model in its native form. */
const encodeNative = ({ topK, thinking }: Prompt): Record<string, unknown> => ({
  ...(topK === undefined ? {} : { inferenceConfig: { topK } }),
  ...(thinking.mode === 'adaptive'
    ? { reasoningConfig: { type: 'enabled', maxReasoningEffort: thinking.effort ?? 'medium' } }
    : {}),
});

export const nova: Adapter<ConverseRequest, ConverseMessage, ConverseEvent> = {
  encode: (prompt, { model }) => {
    const names = renameTools(prompt, toolNameRule);
    const native = encodeNative(prompt);
    const metadata = encodeMetadata(prompt);
    return {
      request: {
        ...(prompt.system.length === 0 ? {} : { system: prompt.system.flatMap(encodeText) }),
        messages: encodeTurns(prompt.turns, names),
        inferenceConfig: encodeInference(prompt),
        ...encodeTools(prompt, names),
        ...(Object.keys(native).length === 0 ? {} : { additionalModelRequestFields: native }),
        ...(metadata === undefined ? {} : { requestMetadata: metadata }),
        ...(prompt.serviceTier === undefined ? {} : { serviceTier: { type: prompt.serviceTier } }),
      },
      report: { ignored: [], adjusted: [] },
      decoder: { tools: names, thinkingTags: model.thinkingTags && prompt.tools.length > 0 },
    };
  },
  createDecoder: createConverseDecoder,
  toEvents: converseEvents,
};
