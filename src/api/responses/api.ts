/** POST /v1/responses, plain and streaming. */

import type { Sealer } from '../../core/sealer.ts';
import type { ChatApi } from '../chat-api.ts';
import { createCompaction } from './compact.ts';
import { createOutput, finalProgress, keep, ResponseEncoder, removedFrom } from './encoder.ts';
import { responsesErrorBody } from './errors.ts';
import { check, type ParsePorts, type ResponsesContext, read } from './parse.ts';
import { openBlock, openSummary, sealBlock } from './reasoning.ts';
import { toResponse } from './response-object.ts';

export interface ResponsesPorts extends Pick<ParsePorts, 'state' | 'reads' | 'memoryOf'> {
  readonly sealer: Sealer;
}

export const createResponses = ({
  sealer,
  ...others
}: ResponsesPorts): Readonly<Record<'responses' | 'compaction', ChatApi<ResponsesContext>>> => {
  const ports = {
    ...others,
    open: (content: string) => openBlock(sealer, content),
    openSummary: (content: string) => openSummary(sealer, content),
    seal: (block: Parameters<typeof sealBlock>[1]) => sealBlock(sealer, block),
  };
  const responses: ChatApi<ResponsesContext> = {
    path: '/v1/responses',
    parse: (body, context) => {
      const request = check(body);
      context.identified({
        model: request.model,
        stream: request.stream === true,
        metadata: request.metadata ?? undefined,
      });
      return read(request, body, context, ports);
    },
    encoder: (context) => new ResponseEncoder(context, ports),
    toBody: async (folded, context, facts) => {
      const output = createOutput(context, facts, ports, undefined);
      for (const event of folded.events) output.push(event);
      output.usage = folded.usage;
      const progress = finalProgress(output, removedFrom(context, facts, folded.droppedThinking));
      await keep(context, progress);
      return toResponse(context, progress);
    },
    errorBody: responsesErrorBody,
  };
  return { responses, compaction: createCompaction(sealer, ports) };
};
