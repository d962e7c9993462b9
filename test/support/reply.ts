/** What an answer of the chat endpoint is written with, and the events it is written from, for tests without a server. */

import type { ReplyOptions } from '../../src/api/chat-completions/reply.ts';
import type { ChatEvent, FinishKind, Usage } from '../../src/core/chat.ts';

export const replyOptions = (more: Partial<ReplyOptions> = {}): ReplyOptions => ({
  model: 'claude-4-5-haiku',
  created: 1_700_000_000,
  makeId: () => 'msg_made',
  includeReasoning: true,
  openRouterReasoning: 'none',
  includeUsage: false,
  includeCost: false,
  legacyFunctions: false,
  customTools: new Set(),
  ...more,
});

export const usageOf = (more: Partial<Usage> = {}): Usage => ({
  input: 10,
  cacheRead: 0,
  cacheWrite: 0,
  output: 5,
  ...more,
});

export const start = (id = 'msg_1'): ChatEvent => ({ type: 'start', id });
/** Of an upstream that gives its answers no ids. */
export const startWithoutId: ChatEvent = { type: 'start', id: undefined };
export const text = (words: string): ChatEvent => ({ type: 'text', text: words });
export const reasoning = (words: string): ChatEvent => ({ type: 'reasoning', text: words });
export const thought = (thinking: string, signature = 'signed'): ChatEvent => ({
  type: 'thinking-block',
  block: { type: 'thinking', thinking, signature },
});
export const redacted = (data: string): ChatEvent => ({
  type: 'thinking-block',
  block: { type: 'redacted_thinking', data },
});
/** A call whose arguments come in these pieces. */
export const call = (id: string, name: string, ...pieces: readonly string[]): readonly ChatEvent[] => [
  { type: 'tool-call', id, name },
  ...pieces.map((piece): ChatEvent => ({ type: 'tool-arguments', text: piece })),
];
export const used = (more: Partial<Usage> = {}): ChatEvent => ({ type: 'usage', usage: usageOf(more) });
export const finish = (kind: FinishKind = 'end', explanation?: string): ChatEvent => ({
  type: 'finish',
  kind,
  upstreamReason: `upstream_${kind}`,
  explanation,
});

/** Batches as an adapter hands them on. */
export async function* batchesOf(
  ...batches: readonly (readonly ChatEvent[])[]
): AsyncGenerator<readonly ChatEvent[]> {
  yield* batches;
}
