/**
 * Preserved thinking: some models refuse thinking blocks where what stood before them has changed, for some accounts. A
 * client of another API cannot mend its history, so where the check is known to hold such blocks are asked to be dropped.
 * Behaviour 5.10.
 */

import { createHash } from 'node:crypto';
import type { Prompt, UpstreamName } from '../core/chat.ts';
import { canSayMisplaced } from '../core/misplaced-thinking.ts';
import type { Target } from '../models/catalogue.ts';
import { dropThinking, willThink } from '../normalize/history.ts';
import type { Collection, StoreCommands } from '../store/store.ts';
import { sentBlocks } from './sent-blocks.ts';

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

/** Undefined where there is no thinking in the prompt. A conversation is known by the oldest of its blocks. */
const conversationKey = (prompt: Prompt, { model }: Target, client: string): string | undefined => {
  const [oldest] = sentBlocks(prompt);
  return oldest === undefined ? undefined : digest('broken', client, model.id, oldest.digest);
};

export class ThinkingBinding {
  readonly #store: StoreCommands;
  readonly #credentialOf: (upstream: UpstreamName) => string;

  /** `credentialOf`: something that stands for the credential that an upstream is asked with. */
  constructor(store: StoreCommands, credentialOf: (upstream: UpstreamName) => string) {
    this.#store = store;
    this.#credentialOf = credentialOf;
  }

  /** The prompt as it is to be asked, by what is known of the target and of the conversation. */
  async guard(prompt: Prompt, target: Target, client: string): Promise<Prompt> {
    const { model } = target;
    if (model.bindsThinking === 'never' || prompt.misplacedThinking !== undefined) return prompt;
    const bare = dropThinking(prompt.turns);
    if (bare === undefined || !willThink(prompt.thinking, model)) return prompt;
    if (canSayMisplaced(prompt.thinking))
      return model.bindsThinking === 'always' || (await this.#isShown(this.#checkKey(target)))
        ? { ...prompt, misplacedThinking: 'drop' }
        : prompt;
    return (await this.#isShown(conversationKey(prompt, target, client)))
      ? { ...prompt, turns: bare }
      : prompt;
  }

  async note(shown: Shown, prompt: Prompt, target: Target, client: string): Promise<void> {
    const key = shown === 'check' ? this.#checkKey(target) : conversationKey(prompt, target, client);
    if (key !== undefined) await this.#store.put(collection, [key], '1');
  }

  /** The check holds for an account. */
  #checkKey({ model, upstream }: Target): string {
    return digest('check', upstream, this.#credentialOf(upstream), model.id);
  }

  async #isShown(key: string | undefined): Promise<boolean> {
    if (key === undefined) return false;
    const [value] = await this.#store.get(collection, [key]);
    return value === '1';
  }
}
