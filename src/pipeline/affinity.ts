/**
 * A conversation stays with the upstream that gave its first answer, as long as that one answers: thinking is bound to the
 * account there. Behaviour 5.10.
 */

import type { Ask } from '../core/ask.ts';
import type { Target } from '../models/catalogue.ts';
import type { Collection, StoreCommands } from '../store/store.ts';
import { conversationDigest } from './conversation-digest.ts';

const collection: Collection = {
  name: 'affinity',
  maxAge: 3600 * 1000,
  renewedByReading: true,
  maxBytes: 4 * 1024 * 1024,
};

/** Where a conversation was answered first. */
export interface Placement {
  /** In the order in which they are to be asked. */
  readonly targets: readonly Target[];
  /** Notified of who has answered; undefined: nothing has to be remembered. */
  readonly answered: ((target: Target) => void) | undefined;
}

export class Affinity {
  readonly #store: StoreCommands;

  constructor(store: StoreCommands) {
    this.#store = store;
  }

  async place(
    targets: readonly Target[],
    ask: Pick<Ask, 'turns' | 'texts'>,
    client: string,
  ): Promise<Placement> {
    const [first] = targets;
    if (first === undefined || targets.length < 2 || first.model.bindsThinking === 'never')
      return { targets, answered: undefined };
    const key = conversationDigest('affinity', client, first.model.id, ask);
    // A new one may have the words of another that was answered elsewhere.
    if (!ask.turns.some(({ role }) => role === 'assistant'))
      return { targets, answered: noteIn(this.#store, key) };
    const [upstream] = await this.#store.get(collection, [key]);
    // A failover does not move it.
    if (upstream !== null && upstream !== undefined)
      return { targets: putFirst(targets, upstream), answered: undefined };
    return { targets, answered: noteIn(this.#store, key) };
  }
}

const putFirst = (targets: readonly Target[], upstream: string): readonly Target[] => [
  ...targets.filter((target) => target.upstream === upstream),
  ...targets.filter((target) => target.upstream !== upstream),
];

/** Out here: beside the request it would hold the conversation. */
const noteIn =
  (store: StoreCommands, key: string) =>
  ({ upstream }: Target): void => {
    void store.put(collection, [key], upstream);
  };
