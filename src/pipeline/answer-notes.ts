/** What is remembered of an answer, gathered while it comes. Nothing of the conversation is held here. Behaviour 5.10. */

import type { ChatEvent, DroppedThinking, Prompt } from '../core/chat.ts';
import type { AnswerPiece, Line } from '../core/remembered-answer.ts';
import type { Target } from '../models/catalogue.ts';
import { type SentBlock, sentBlocks } from './sent-blocks.ts';
import type { Scope, ThinkingMemory } from './thinking-memory.ts';

/** Where the thinking of an answer is remembered. */
export interface Remembering {
  readonly memory: ThinkingMemory;
  readonly scope: Scope;
}

/** What the answer was asked for with. */
interface Question {
  readonly upstream: string;
  /** Whether it has to be found by its blocks as well. */
  readonly byBlocks: boolean;
  readonly lines: readonly Line[];
  readonly tools: Promise<string> | undefined;
  readonly hadTools: boolean;
  readonly sent: readonly SentBlock[];
}

export class AnswerNotes {
  readonly #remembering: Remembering;
  readonly #question: Question;
  readonly #pieces: AnswerPiece[] = [];
  #text = 0;
  #dropped: readonly DroppedThinking[] = [];

  constructor(remembering: Remembering, question: Question) {
    this.#remembering = remembering;
    this.#question = question;
  }

  push(event: ChatEvent): void {
    switch (event.type) {
      case 'start':
        this.#dropped = event.droppedThinking ?? [];
        break;
      case 'text':
        this.#text += event.text.length;
        break;
      case 'thinking-block':
        this.#add({ type: 'thinking-block', block: event.block });
        break;
      case 'tool-call':
        this.#add({ type: 'tool-call', id: event.id });
        break;
      default:
    }
  }

  /** The answer is whole. Done when the next request can recall it. */
  async end(): Promise<void> {
    const { memory, scope } = this.#remembering;
    const { upstream, byBlocks, lines, tools, hadTools } = this.#question;
    await memory.remember(
      scope,
      { pieces: this.#pieces, lines, previous: this.#previous(), upstream, hadTools },
      { tools: await tools, byBlocks },
    );
  }

  #add(piece: AnswerPiece): void {
    if (this.#text > 0) this.#pieces.push({ type: 'text', length: this.#text });
    this.#text = 0;
    this.#pieces.push(piece);
  }

  /**
   * What was dropped is still remembered: it did not fit this request, and may fit the next one, of another branch of the
   * conversation. In this one it stays out, because the answer knows of no block before it.
   */
  #isDropped({ turn, part }: SentBlock): boolean {
    // One that cannot be found may be any.
    return this.#dropped.some(
      ({ place }) => place === undefined || (place.turn === turn && place.part === part),
    );
  }

  #previous(): string | null {
    return this.#question.sent.findLast((block) => !this.#isDropped(block))?.digest ?? null;
  }
}

/** Undefined where nothing of the answer is remembered. Out here: within the answer it would hold the conversation. */
export const notesFor = (
  prompt: Prompt,
  { model, upstream }: Target,
  remembering: Remembering | undefined,
): AnswerNotes | undefined => {
  const binds = model.bindsThinking !== 'never';
  const { tools, forMemory } = prompt;
  if (remembering === undefined || (tools.length === 0 && !binds)) return undefined;
  const { memory, scope } = remembering;
  return new AnswerNotes(remembering, {
    upstream,
    byBlocks: binds && forMemory.isCarried,
    lines: forMemory.lines,
    hadTools: tools.length > 0,
    tools:
      binds && forMemory.hasOwnTools
        ? memory.rememberTools(
            scope,
            tools.map(({ name, description, parameters, strict }) => ({
              name,
              description,
              parameters,
              strict,
            })),
          )
        : undefined,
    sent: binds ? sentBlocks(prompt) : [],
  });
};
