/** POST /v1/chat/completions, plain and streaming. */

import type { Cost } from '../../core/chat.ts';
import type { ApiError } from '../../core/errors.ts';
import type { AnswerEncoder, AnswerFacts, ChatApi, FailedEnding } from '../chat-api.ts';
import { openAiErrorBody } from '../content/openai-error.ts';
import type { KeepAliveKind } from '../keep-alive.ts';
import { type ChunkEncoder, createChunkEncoder, errorFrame } from './chunks.ts';
import { toCompletion } from './completion.ts';
import { type ChatContext, check, read } from './parse.ts';
import { makeMessageId, openRouterFields, type ReplyOptions } from './reply.ts';
import { StreamHead } from './stream-head.ts';

const now = () => Math.floor(Date.now() / 1000);

/** Field by field: to add to a spread takes longer than all of it. */
const replyOptions = (context: ChatContext, facts: AnswerFacts): ReplyOptions => ({
  model: context.model,
  created: now(),
  makeId: makeMessageId,
  openRouterReasoning: openRouterFields(context, facts),
  includeUsage: context.includeUsage,
  includeCost: context.includeCost,
  includeReasoning: facts.includeReasoning,
  legacyFunctions: context.legacyFunctions,
  customTools: context.customTools,
});

class ChatEncoder implements AnswerEncoder {
  readonly #context: ChatContext;
  /** What is known of a streamed reply before there is an answer. */
  readonly #head: StreamHead;
  #chunks: ChunkEncoder | undefined;

  constructor(context: ChatContext) {
    const { model, includeUsage } = context;
    this.#context = context;
    this.#head = new StreamHead({ model, created: now(), makeId: makeMessageId, includeUsage });
  }

  begin(facts: AnswerFacts): void {
    this.#chunks = createChunkEncoder(replyOptions(this.#context, facts), this.#head, facts.costOf);
  }

  push(events: Parameters<ChunkEncoder['push']>[0]): string {
    return this.#chunks?.push(events) ?? '';
  }

  end(): string {
    return this.#chunks?.end() ?? '';
  }

  fail(error: ApiError): FailedEnding {
    return { frames: errorFrame(openAiErrorBody(error)), ending: 'cut' };
  }

  keepAlive(kind: KeepAliveKind): string {
    return kind === 'chunk' ? this.#head.keepAlive() : ': keep-alive\n\n';
  }

  summary(): ReturnType<AnswerEncoder['summary']> {
    return this.#chunks?.summary() ?? { usage: undefined, finish: undefined };
  }
}

export const chatCompletions: ChatApi<ChatContext> = {
  path: '/v1/chat/completions',
  parse: (body, { headers, texts, identified }) => {
    const checked = check(body);
    identified({
      model: checked.model,
      stream: checked.stream === true,
      metadata: checked.metadata ?? undefined,
    });
    return read(checked, body, { headers, texts });
  },
  encoder: (context) => new ChatEncoder(context),
  toBody: (folded, context, facts, cost: Cost | undefined) =>
    toCompletion(folded, replyOptions(context, facts), cost),
  errorBody: openAiErrorBody,
};
