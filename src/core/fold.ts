/** A chat's events folded into the whole answer. */

import type { ChatEvent, DroppedThinking, ThinkingBlock, Usage } from './chat.ts';
import { endedEarly } from './errors.ts';

export interface FoldedCall {
  readonly id: string;
  readonly name: string;
  arguments: string;
}

export interface Folded {
  /** What was said and how it ended, in order: what follows on what it goes on with joined to it. */
  readonly events: readonly ChatEvent[];
  readonly id: string | undefined;
  /** Thinking blocks of the request that the model did not get. */
  readonly droppedThinking: readonly DroppedThinking[];
  readonly text: string;
  readonly reasoning: string;
  readonly blocks: readonly ThinkingBlock[];
  readonly calls: readonly FoldedCall[];
  readonly usage: Usage | undefined;
  readonly finish: Extract<ChatEvent, { type: 'finish' }>;
}

type Piece = Extract<ChatEvent, { type: 'text' | 'reasoning' | 'tool-arguments' }>;

/** Joined to the last event where it goes on with that. */
const addPiece = (events: ChatEvent[], piece: Piece): void => {
  const last = events.at(-1);
  if (last?.type === piece.type)
    events[events.length - 1] = { type: piece.type, text: last.text + piece.text };
  else events.push(piece);
};

/** Throws what the events throw, and 502 for events that end without a finish. `onUsage` hears each running total. */
export const fold = async (
  batches: AsyncIterable<readonly ChatEvent[]>,
  onUsage: (usage: Usage) => void,
): Promise<Folded> => {
  let id: string | undefined;
  let droppedThinking: readonly DroppedThinking[] = [];
  let text = '';
  let reasoning = '';
  const events: ChatEvent[] = [];
  const blocks: ThinkingBlock[] = [];
  const calls: FoldedCall[] = [];
  let usage: Usage | undefined;
  let finish: Folded['finish'] | undefined;

  for await (const batch of batches) {
    for (const event of batch) {
      switch (event.type) {
        case 'start':
          id = event.id;
          droppedThinking = event.droppedThinking ?? [];
          break;
        case 'text':
          text += event.text;
          addPiece(events, event);
          break;
        case 'reasoning':
          reasoning += event.text;
          addPiece(events, event);
          break;
        case 'thinking-block':
          blocks.push(event.block);
          events.push(event);
          break;
        case 'tool-call':
          events.push(event);
          calls.push({ id: event.id, name: event.name, arguments: '' });
          break;
        case 'tool-arguments': {
          addPiece(events, event);
          const call = calls.at(-1);
          if (call !== undefined) call.arguments += event.text;
          break;
        }
        case 'usage':
          usage = event.usage;
          onUsage(usage);
          break;
        case 'finish':
          finish = event;
          events.push(event);
          break;
        default:
          event satisfies never;
      }
    }
  }
  if (finish === undefined) throw endedEarly();
  return { events, id, droppedThinking, text, reasoning, blocks, calls, usage, finish };
};
