/** Converse's stream events to chat events; and a whole answer to the events that would have made it. */

import type { ChatEvent, FinishKind, Usage } from '../../core/chat.ts';
import { endedEarly } from '../../core/errors.ts';
import type { Decoder, DecoderOptions } from '../adapter.ts';
import { finishKind, isMalformed, unreadableOutput } from '../finish-kind.ts';
import { KeyRestorer } from '../key-restorer.ts';
import { latest } from '../usage-figures.ts';
import { createTagFilter } from './tags.ts';
import type { ConverseEvent, ConverseMessage } from './wire.ts';

const finishKinds: Readonly<Record<string, FinishKind>> = {
  end_turn: 'end',
  stop_sequence: 'stop-sequence',
  max_tokens: 'length',
  model_context_window_exceeded: 'context-window',
  tool_use: 'tool-calls',
  guardrail_intervened: 'refusal',
  content_filtered: 'refusal',
};

/** The cache's figures stand under two names, or under one of them. */
type UsageFigures = NonNullable<ConverseMessage['usage']> & {
  readonly cacheReadInputTokenCount?: number;
  readonly cacheWriteInputTokenCount?: number;
};

const writtenForAnHour = ({ cacheDetails }: UsageFigures): number | undefined =>
  cacheDetails
    ?.filter(({ ttl }) => ttl === '1h')
    .reduce((total, { inputTokens }) => total + latest(inputTokens, 0), 0);

const nothingUsed: Usage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };

const readUsage = (figures: UsageFigures, serviceTier: string | undefined, before: Usage): Usage => {
  const { cacheReadInputTokenCount: readCount, cacheWriteInputTokenCount: writeCount } = figures;
  const cacheWrite = latest(figures.cacheWriteInputTokens, latest(writeCount, before.cacheWrite));
  const cacheWrite1h = writtenForAnHour(figures) ?? before.cacheWrite1h;
  return {
    input: latest(figures.inputTokens, before.input),
    output: latest(figures.outputTokens, before.output),
    cacheRead: latest(figures.cacheReadInputTokens, latest(readCount, before.cacheRead)),
    cacheWrite,
    cacheWrite1h: cacheWrite1h === undefined ? undefined : Math.min(cacheWrite1h, cacheWrite),
    serviceTier: serviceTier ?? before.serviceTier,
  };
};

/** A block under way. Text and reasoning have no start event: their first delta opens them. */
type OpenBlock =
  | { type: 'text' }
  | { type: 'reasoning'; thinking: string; signature: string; redacted: string }
  | { type: 'tool'; hasArguments: boolean; keys: KeyRestorer | undefined }
  | { type: 'foreign' };

type BlockStart = NonNullable<ConverseEvent['contentBlockStart']>;
type BlockDelta = NonNullable<ConverseEvent['contentBlockDelta']>;

/** More than the SDK knows of. */
interface AnnouncedBlock {
  readonly toolUse?: NonNullable<BlockStart['start']>['toolUse'];
  readonly text?: string;
  readonly reasoningContent?: { readonly text?: string };
}

/** A replaced key is held until it is whole: there may be nothing to pass on yet. */
const pushArguments = (text: string, out: ChatEvent[]): void => {
  if (text !== '') out.push({ type: 'tool-arguments', text });
};

/**
 * Text and reasoning need no announcement. Some servers that speak Converse make one all the same, `start: {}` or with
 * the text's beginning in it; where it does not say what the block is, the first delta does.
 */
const announcement = (start: BlockStart['start']) => {
  const { toolUse, text, reasoningContent, ...others }: AnnouncedBlock = start ?? {};
  return {
    toolUse: toolUse?.name || toolUse?.type ? toolUse : undefined,
    beginning: { ...(text ? { text } : {}), ...(reasoningContent?.text ? { reasoningContent } : {}) },
    isForeign: Object.values(others).some((member) => typeof member === 'object' && member !== null),
  };
};

const fromBase64 = (data: string): string => Buffer.from(data, 'base64').toString('utf8');

export const createConverseDecoder = ({ tools, keys, tag }: DecoderOptions): Decoder<ConverseEvent> => {
  /** Undefined until the upstream tells of it: unknown is not nothing. */
  let usage: Usage | undefined;
  let stopReason: string | undefined;
  let finished = false;
  let hasCalls = false;
  const tags = tag === null ? undefined : createTagFilter(tag);
  const open = new Map<number, OpenBlock>();

  const startBlock = ({ contentBlockIndex = 0, start }: BlockStart, out: ChatEvent[]): void => {
    const { toolUse, beginning, isForeign } = announcement(start);
    // The upstream's own tools are its own business: type server_tool_use, and their results.
    if (isForeign || toolUse?.type === 'server_tool_use') {
      open.set(contentBlockIndex, { type: 'foreign' });
      return;
    }
    if (toolUse === undefined) {
      continueBlock({ contentBlockIndex, delta: beginning as BlockDelta['delta'] }, out);
      return;
    }
    hasCalls = true;
    const name = tools.restore(toolUse.name ?? '');
    const renaming = keys?.inCalls.get(name);
    const restorer = renaming && new KeyRestorer(renaming);
    open.set(contentBlockIndex, { type: 'tool', hasArguments: false, keys: restorer });
    out.push({ type: 'tool-call', id: toolUse.toolUseId ?? '', name });
  };

  /** Undefined where a block is not open yet and the delta does not say what it is, as a citation does not. */
  const blockFor = (index: number, delta: NonNullable<BlockDelta['delta']>): OpenBlock | undefined => {
    const known = open.get(index);
    if (known !== undefined) return known;
    if (delta.text === undefined && delta.reasoningContent === undefined) return undefined;
    const block: OpenBlock =
      delta.reasoningContent === undefined
        ? { type: 'text' }
        : { type: 'reasoning', thinking: '', signature: '', redacted: '' };
    open.set(index, block);
    return block;
  };

  const continueBlock = ({ contentBlockIndex = 0, delta }: BlockDelta, out: ChatEvent[]): void => {
    if (delta === undefined) return;
    const block = blockFor(contentBlockIndex, delta);
    if (block === undefined) return;
    if (delta.text && block.type === 'text') {
      if (tags === undefined) out.push({ type: 'text', text: delta.text });
      else tags.push(delta.text, out);
    } else if (delta.toolUse?.input && block.type === 'tool') {
      block.hasArguments = true;
      pushArguments(
        block.keys === undefined ? delta.toolUse.input : block.keys.push(delta.toolUse.input),
        out,
      );
    } else if (delta.reasoningContent !== undefined && block.type === 'reasoning') {
      const { text, signature, redactedContent } = delta.reasoningContent;
      if (text) {
        block.thinking += text;
        out.push({ type: 'reasoning', text });
      }
      if (signature) block.signature += signature;
      if (redactedContent) block.redacted += fromBase64(redactedContent);
    }
  };

  const stopBlock = (index: number, out: ChatEvent[]): void => {
    const block = open.get(index);
    open.delete(index);
    if (block?.type === 'text') tags?.flush(out);
    if (block?.type === 'tool') pushArguments(block.keys?.end() ?? '', out);
    if (block?.type === 'tool' && !block.hasArguments) out.push({ type: 'tool-arguments', text: '{}' });
    if (block?.type === 'reasoning' && block.signature !== '') {
      const { thinking, signature } = block;
      out.push({ type: 'thinking-block', block: { type: 'thinking', thinking, signature } });
    }
    if (block?.type === 'reasoning' && block.redacted !== '') {
      out.push({ type: 'thinking-block', block: { type: 'redacted_thinking', data: block.redacted } });
    }
  };

  const finish = (out: ChatEvent[]): void => {
    if (stopReason === undefined || isMalformed(stopReason)) return;
    for (const index of [...open.keys()]) stopBlock(index, out);
    tags?.end(out);
    finished = true;
    const kind = finishKind(stopReason, finishKinds, hasCalls);
    out.push({ type: 'finish', kind, upstreamReason: stopReason });
  };

  const read = (event: ConverseEvent, out: ChatEvent[]): void => {
    if (event.contentBlockDelta !== undefined) continueBlock(event.contentBlockDelta, out);
    else if (event.contentBlockStart !== undefined) startBlock(event.contentBlockStart, out);
    else if (event.contentBlockStop !== undefined)
      stopBlock(event.contentBlockStop.contentBlockIndex ?? 0, out);
    else if (event.messageStart !== undefined) out.push({ type: 'start', id: undefined });
    else if (event.messageStop !== undefined) stopReason = event.messageStop.stopReason ?? 'none';
    else if (event.metadata !== undefined) {
      // The usage comes after the stop: only now is the answer whole.
      const { usage: figures, serviceTier } = event.metadata;
      if (figures) {
        usage = readUsage(figures, serviceTier?.type, usage ?? nothingUsed);
        out.push({ type: 'usage', usage });
      }
      finish(out);
    }
  };

  return {
    push: (events) => {
      const out: ChatEvent[] = [];
      for (const event of events) if (!finished) read(event, out);
      return out;
    },
    end: () => {
      const out: ChatEvent[] = [];
      if (!finished) finish(out);
      if (finished) return out;
      throw stopReason === undefined ? endedEarly() : unreadableOutput();
    },
  };
};

type ContentBlock = NonNullable<
  NonNullable<NonNullable<ConverseMessage['output']>['message']>['content']
>[number];

/** What the stream would have sent between a block's start and stop. */
const blockEvents = (block: ContentBlock, contentBlockIndex: number): ConverseEvent[] => {
  const delta = (content: unknown): ConverseEvent =>
    ({ contentBlockDelta: { contentBlockIndex, delta: content } }) as ConverseEvent;
  if (block.text !== undefined) return [delta({ text: block.text })];
  if (block.citationsContent !== undefined) {
    // The cited words of a plain answer stand here and nowhere else.
    return (block.citationsContent.content ?? []).map((cited) => delta({ text: cited.text ?? '' }));
  }
  if (block.reasoningContent !== undefined) {
    const { reasoningText, redactedContent } = block.reasoningContent;
    return [
      ...(reasoningText === undefined ? [] : [delta({ reasoningContent: { text: reasoningText.text } })]),
      ...(reasoningText?.signature
        ? [delta({ reasoningContent: { signature: reasoningText.signature } })]
        : []),
      ...(redactedContent === undefined ? [] : [delta({ reasoningContent: { redactedContent } })]),
    ];
  }
  const { toolUse } = block;
  // Results of the upstream's own tools, and whatever else there may come to be.
  if (toolUse === undefined) return [];
  const { input, ...start } = toolUse;
  return [
    { contentBlockStart: { contentBlockIndex, start: { toolUse: start } } } as ConverseEvent,
    delta({ toolUse: { input: JSON.stringify(input ?? {}) } }),
  ];
};

export const converseEvents = ({
  output,
  stopReason,
  usage,
  serviceTier,
}: ConverseMessage): readonly ConverseEvent[] => {
  const events: unknown[] = [{ messageStart: { role: 'assistant' } }];
  for (const [contentBlockIndex, block] of (output?.message?.content ?? []).entries()) {
    for (const event of blockEvents(block, contentBlockIndex)) events.push(event);
    events.push({ contentBlockStop: { contentBlockIndex } });
  }
  events.push({ messageStop: { stopReason } }, { metadata: { usage, serviceTier } });
  return events as ConverseEvent[];
};
