/**
 * Preserved thinking: some models refuse thinking blocks where what stood before them has changed, for some accounts. A
 * client of another API cannot mend its history, so where the check is known to hold such blocks are asked to be dropped.
 * Behaviour 5.10.
 */

import { createHash } from 'node:crypto';
import type { Part, Prompt } from '../core/chat.ts';
import type { LongTexts } from '../core/message-text.ts';
import { canSayMisplaced } from '../core/misplaced-thinking.ts';
import type { Target } from '../models/catalogue.ts';
import { dropThinking, willThink } from '../normalize/history.ts';
import type { Collection, StoreCommands } from '../store/store.ts';

/** What a refusal has shown: that the check holds for a model at an upstream, or that a conversation is broken. */
export type Shown = 'check' | 'conversation';

const hour = 3600 * 1000;

const collection: Collection = {
  name: 'thinking-binding',
  maxAge: hour,
  renewedByReading: false,
  maxBytes: 1024 * 1024,
};

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** The credential is the upstream's one; another one would mean another start. */
const checkKey = ({ model, upstream }: Target): string => digest('check', upstream, model.id);

/**
 * What stays of a part while its conversation grows: cache marks move on, paths count the system messages before it, and
 * a long text has another placeholder in each request.
 */
const lasting = (part: Part, texts: LongTexts): unknown => {
  if (part.type === 'text') return texts.read(part.text);
  return 'source' in part ? part.source : part.type;
};

/** By its first turn, which stays while the conversation grows. */
const conversationKey = ({ turns, texts }: Prompt, { model }: Target, client: string): string => {
  const first = turns[0]?.parts ?? [];
  return digest('conversation', client, model.id, JSON.stringify(first.map((part) => lasting(part, texts))));
};

export class ThinkingBinding {
  readonly #store: StoreCommands;

  constructor(store: StoreCommands) {
    this.#store = store;
  }

  /** The prompt as it is to be asked, by what is known of the target and of the conversation. */
  async guard(prompt: Prompt, target: Target, client: string): Promise<Prompt> {
    const { model } = target;
    if (model.bindsThinking === 'never' || prompt.misplacedThinking !== undefined) return prompt;
    const bare = dropThinking(prompt.turns);
    if (bare === undefined || !willThink(prompt.thinking, model)) return prompt;
    if (canSayMisplaced(prompt.thinking))
      return model.bindsThinking === 'always' || (await this.#isShown(checkKey(target)))
        ? { ...prompt, misplacedThinking: 'drop' }
        : prompt;
    return (await this.#isShown(conversationKey(prompt, target, client)))
      ? { ...prompt, turns: bare }
      : prompt;
  }

  async note(shown: Shown, prompt: Prompt, target: Target, client: string): Promise<void> {
    const key = shown === 'check' ? checkKey(target) : conversationKey(prompt, target, client);
    await this.#store.put(collection, [key], '1');
  }

  async #isShown(key: string): Promise<boolean> {
    const [value] = await this.#store.get(collection, [key]);
    return value === '1';
  }
}
