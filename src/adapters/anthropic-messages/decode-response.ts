/** Anthropic's stream events to chat events; and a whole message to the events that would have made it. */

import type Anthropic from '@anthropic-ai/sdk';
import type { ChatEvent, DroppedThinking, FinishKind, Usage } from '../../core/chat.ts';
import { endedEarly, upstreamFailed } from '../../core/errors.ts';
import type { Decoder, DecoderOptions } from '../adapter.ts';
import { finishKind, isMalformed, unreadableOutput } from '../finish-kind.ts';
import { KeyRestorer } from '../key-restorer.ts';
import { latest } from '../usage-figures.ts';
import type { ClaudeEvent, ClaudeMessage } from './wire.ts';

const finishKinds = {
  end_turn: 'end',
  stop_sequence: 'stop-sequence',
  pause_turn: 'pause',
  max_tokens: 'length',
  model_context_window_exceeded: 'context-window',
  tool_use: 'tool-calls',
  refusal: 'refusal',
} satisfies Partial<Record<NonNullable<Anthropic.StopReason>, FinishKind>>;

type UsageFigures = {
  [Key in 'input_tokens' | 'output_tokens' | 'cache_read_input_tokens' | 'cache_creation_input_tokens']?:
    | number
    | null;
} & {
  cache_creation?: { ephemeral_5m_input_tokens?: number; ephemeral_1h_input_tokens?: number } | null;
  output_tokens_details?: { thinking_tokens?: number | null } | null;
  service_tier?: string | null;
  inference_geo?: string | null;
};

const nothingUsed: Usage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };

const updateUsage = (before: Usage, figures: UsageFigures): Usage => {
  const { ephemeral_5m_input_tokens: written5m, ephemeral_1h_input_tokens: written1h } =
    figures.cache_creation ?? {};
  const cacheWrite = latest(
    figures.cache_creation_input_tokens,
    figures.cache_creation ? latest(written5m, 0) + latest(written1h, 0) : before.cacheWrite,
  );
  const cacheWrite1h = latest(written1h, before.cacheWrite1h);
  return {
    input: latest(figures.input_tokens, before.input),
    cacheRead: latest(figures.cache_read_input_tokens, before.cacheRead),
    cacheWrite,
    cacheWrite1h: cacheWrite1h === undefined ? undefined : Math.min(cacheWrite1h, cacheWrite),
    output: latest(figures.output_tokens, before.output),
    reasoning: latest(figures.output_tokens_details?.thinking_tokens, before.reasoning),
    serviceTier: figures.service_tier ?? before.serviceTier,
    geography: figures.inference_geo ?? before.geography,
  };
};

/**
 * A content block under way. `announced`: arguments that came whole with the call, which count unless deltas follow.
 * `other`: blocks and deltas that are none of the client's business.
 */
type OpenBlock =
  | { type: 'text'; keys: KeyRestorer | undefined }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'tool_use'; announced: string; hasDeltas: boolean; keys: KeyRestorer | undefined }
  | { type: 'other' };

type AnnouncedBlock = Anthropic.RawContentBlockStartEvent['content_block'];

/** Fields by which a block without a type shows what it is. */
const typeByField = { text: 'text', thinking: 'thinking', data: 'redacted_thinking', name: 'tool_use' };

/**
 * Some servers that speak this API leave the type out; what the block brings along tells it as well. Undefined where
 * nothing tells it: then the first delta does.
 */
const withType = (block: AnnouncedBlock | null | undefined): AnnouncedBlock | undefined => {
  if (block?.type) return block;
  const fields = (block ?? {}) as { readonly [key: string]: unknown };
  const found = Object.entries(typeByField).find(([field]) => typeof fields[field] === 'string');
  return found && ({ ...fields, type: found[1] } as AnnouncedBlock);
};

const hasKeys = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;

const textOrNone = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const pushRestored = (
  type: 'text' | 'tool-arguments',
  keys: KeyRestorer | undefined,
  piece: string,
  out: ChatEvent[],
): void => {
  const text = keys === undefined ? piece : keys.push(piece);
  // A key is held until it is whole, and comes with a later piece.
  if (text !== '') out.push({ type, text });
};

const reasons: Readonly<Record<string, DroppedThinking['reason']>> = {
  prefix_binding_mismatch: 'prefix',
  model_binding_mismatch: 'model',
  organization_binding_mismatch: 'account',
  end_user_binding_mismatch: 'user',
};

const readPlace = (path: string): DroppedThinking['place'] => {
  const [, turn, part] = /^messages\.(\d{1,6})\.content\.(\d{1,6})$/.exec(path) ?? [];
  return turn === undefined ? undefined : { turn: Number(turn), part: Number(part) };
};

/** Only the beta has the list; what was let through is no loss. */
const readStart = (message: object): Extract<ChatEvent, { type: 'start' }> => {
  const { id, input_transformations: changes } = message as {
    readonly id?: string;
    readonly input_transformations?: readonly {
      readonly type?: string;
      readonly reason?: string;
      readonly path?: string;
    }[];
  };
  if (!Array.isArray(changes) || changes.length === 0) return { type: 'start', id };
  const droppedThinking = changes
    .filter(({ type }) => type === 'thinking_dropped')
    .map(({ reason = '', path = '' }) => ({ reason: reasons[reason] ?? 'other', place: readPlace(path) }));
  return { type: 'start', id, droppedThinking };
};

export const createClaudeDecoder = ({ tools, keys: replaced }: DecoderOptions): Decoder<ClaudeEvent> => {
  /** Undefined until the upstream tells of it: unknown is not nothing. */
  let usage: Usage | undefined;
  let stopReason: string | null = null;
  let started = false;
  let hasContent = false;
  let hasCalls = false;
  let stopSequence: string | undefined;
  let explanation: string | undefined;

  /** Most answers have none. */
  const detailsOf = (kind: FinishKind) => {
    if (kind === 'stop-sequence' && stopSequence !== undefined) return { stopSequence };
    return kind === 'refusal' && explanation !== undefined ? { explanation } : undefined;
  };
  let finished = false;
  const open = new Map<number, OpenBlock>();

  const openText = () => ({
    type: 'text' as const,
    keys: replaced?.inText && new KeyRestorer(replaced.inText),
  });

  const startBlock = (
    { index, content_block }: Anthropic.RawContentBlockStartEvent,
    out: ChatEvent[],
  ): void => {
    const block = withType(content_block);
    if (block === undefined) return;
    switch (block.type) {
      case 'text': {
        const opened = openText();
        open.set(index, opened);
        if (block.text) pushRestored('text', opened.keys, block.text, out);
        return;
      }
      case 'thinking':
        open.set(index, {
          type: 'thinking',
          thinking: block.thinking ?? '',
          signature: block.signature ?? '',
        });
        if (block.thinking) out.push({ type: 'reasoning', text: block.thinking });
        return;
      case 'redacted_thinking':
        out.push({ type: 'thinking-block', block: { type: 'redacted_thinking', data: block.data } });
        return;
      case 'tool_use': {
        if (typeof block.name !== 'string') throw new TypeError('A call of no tool.');
        hasCalls = true;
        const name = tools.restore(block.name);
        const renaming = replaced?.inCalls.get(name);
        const keys = renaming && new KeyRestorer(renaming);
        const announced = hasKeys(block.input) ? JSON.stringify(block.input) : '{}';
        open.set(index, { type: 'tool_use', announced, hasDeltas: false, keys });
        out.push({ type: 'tool-call', id: block.id, name });
        return;
      }
      default:
        open.set(index, { type: 'other' });
        return;
    }
  };

  /** A block that was not announced, or not as what, is what its first delta says; undefined where that is no telling. */
  const blockFor = (index: number, { type }: Anthropic.RawContentBlockDelta): OpenBlock | undefined => {
    const known = open.get(index);
    if (known !== undefined) return known;
    if (type !== 'text_delta' && type !== 'thinking_delta' && type !== 'signature_delta') return undefined;
    const block: OpenBlock =
      type === 'text_delta' ? openText() : { type: 'thinking', thinking: '', signature: '' };
    open.set(index, block);
    return block;
  };

  const continueBlock = ({ index, delta }: Anthropic.RawContentBlockDeltaEvent, out: ChatEvent[]): void => {
    const block = blockFor(index, delta);
    if (block === undefined) return;
    switch (delta.type) {
      case 'text_delta':
        if (block.type === 'text' && delta.text !== '') pushRestored('text', block.keys, delta.text, out);
        return;
      case 'input_json_delta':
        if (block.type !== 'tool_use' || delta.partial_json === '') return;
        block.hasDeltas = true;
        pushRestored('tool-arguments', block.keys, delta.partial_json, out);
        return;
      case 'thinking_delta':
        if (block.type !== 'thinking' || delta.thinking === '') return;
        block.thinking += delta.thinking;
        out.push({ type: 'reasoning', text: delta.thinking });
        return;
      case 'signature_delta':
        if (block.type === 'thinking') block.signature += delta.signature;
        return;
      default:
        return;
    }
  };

  const stopBlock = (index: number, out: ChatEvent[]): void => {
    const block = open.get(index);
    open.delete(index);
    if (block?.type === 'tool_use' && !block.hasDeltas)
      pushRestored('tool-arguments', block.keys, block.announced, out);
    if (block?.type === 'text' || block?.type === 'tool_use') {
      const rest = block.keys?.end();
      if (rest) out.push({ type: block.type === 'text' ? 'text' : 'tool-arguments', text: rest });
    }
    if (block?.type === 'thinking' && block.signature !== '') {
      const { thinking, signature } = block;
      out.push({ type: 'thinking-block', block: { type: 'thinking', thinking, signature } });
    }
  };

  const readUsage = (figures: UsageFigures | null | undefined, out: ChatEvent[]): void => {
    if (figures === undefined || figures === null) return;
    usage = updateUsage(usage ?? nothingUsed, figures);
    out.push({ type: 'usage', usage });
  };

  const read = (event: ClaudeEvent, out: ChatEvent[]): void => {
    switch (event.type) {
      case 'message_start':
        // Seen where something between failed over in the middle: what was said cannot be taken back.
        if (hasContent)
          throw upstreamFailed('The upstream began its answer again in the middle. Send the request again.');
        if (!started) out.push(readStart(event.message));
        started = true;
        readUsage(event.message.usage, out);
        return;
      case 'content_block_start':
        hasContent = true;
        startBlock(event, out);
        return;
      case 'content_block_delta':
        continueBlock(event, out);
        return;
      case 'content_block_stop':
        stopBlock(event.index, out);
        return;
      case 'message_delta':
        stopReason = event.delta.stop_reason ?? stopReason;
        stopSequence = event.delta.stop_sequence ?? stopSequence;
        explanation = textOrNone(event.delta.stop_details?.explanation) ?? explanation;
        readUsage(event.usage, out);
        return;
      case 'message_stop': {
        const upstreamReason = stopReason ?? 'none';
        // Said at the end of the stream.
        if (isMalformed(upstreamReason)) return;
        for (const index of [...open.keys()]) stopBlock(index, out);
        finished = true;
        const kind = finishKind(upstreamReason, finishKinds, hasCalls);
        out.push({ type: 'finish', kind, upstreamReason, ...detailsOf(kind) });
        return;
      }
      default:
        return;
    }
  };

  return {
    push: (events) => {
      const out: ChatEvent[] = [];
      for (const event of events) if (!finished) read(event, out);
      return out;
    },
    end: () => {
      if (finished) return [];
      throw isMalformed(stopReason) ? unreadableOutput() : endedEarly();
    },
  };
};

/** The start has the whole message; a reader of the stream looks for its content in the blocks. */
export const claudeEvents = (message: ClaudeMessage): readonly ClaudeEvent[] => {
  const events: ClaudeEvent[] = [{ type: 'message_start', message }];
  for (const [index, block] of message.content.entries()) {
    // In a stream a first delta may say what it is; here nothing follows.
    if (typeof block !== 'object' || block === null) throw new TypeError('A block that is none.');
    const content_block = block as Anthropic.RawContentBlockStartEvent['content_block'];
    events.push({ type: 'content_block_start', index, content_block }, { type: 'content_block_stop', index });
  }
  events.push(
    {
      type: 'message_delta',
      delta: {
        stop_reason: message.stop_reason,
        stop_sequence: message.stop_sequence,
        stop_details: message.stop_details ?? null,
        container: message.container ?? null,
      },
      usage: message.usage as Anthropic.MessageDeltaUsage,
    },
    { type: 'message_stop' },
  );
  return events;
};
