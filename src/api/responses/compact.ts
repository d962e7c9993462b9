/** POST /v1/responses/compact: a conversation as a summary of it, sealed, to go on from. Behaviour 12.10. */

import { malformedOutput } from '../../core/errors.ts';
import type { Sealer } from '../../core/sealer.ts';
import type { ChatApi } from '../chat-api.ts';
import { responsesErrorBody } from './errors.ts';
import { check, type ParsePorts, type ResponsesContext, read } from './parse.ts';
import { sealSummary } from './reasoning.ts';
import { toWireUsage } from './response-object.ts';

const task = {
  type: 'message',
  role: 'user',
  content:
    'Summarize this conversation so that it can go on from your summary alone. Keep what was asked and decided, what was done and found, names, paths, figures and code that still matter, and what is left to do. Answer with the summary and nothing else.',
} as const;

export const createCompaction = (sealer: Sealer, ports: ParsePorts): ChatApi<ResponsesContext> => ({
  path: '/v1/responses/compact',
  parse: async (body, context) => {
    // Whatever else it says is about an answer, and there is none.
    const { model, input, previous_response_id, instructions, safety_identifier, user } = check(body);
    const asked = { model, input, previous_response_id, instructions, safety_identifier, user, store: false };
    context.identified({ model, stream: false, metadata: undefined });
    return read(asked, body, context, ports, [task]);
  },
  toBody: async ({ text, usage, finish }, { id, createdAt, idBase }) => {
    if (text.trim() === '' || finish.kind === 'refusal')
      throw malformedOutput('The model gave no summary of the conversation. Keep the conversation as it is.');
    return {
      id,
      object: 'response.compaction',
      created_at: createdAt,
      output: [{ type: 'compaction', id: `cmp_${idBase}0000`, encrypted_content: sealSummary(sealer, text) }],
      usage: usage === undefined ? null : toWireUsage(usage),
    };
  },
  errorBody: responsesErrorBody,
});
