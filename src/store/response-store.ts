/**
 * Responses that clients may go on from, by client and id. An item's id begins with that of its response, so that items
 * need no index of their own. Behaviour 12.6.
 */

import type { JsonObject } from '../core/chat.ts';
import type { Collection, Store } from './store.ts';

export interface StoredResponse {
  readonly id: string;
  /** The responses that it goes on from, the oldest first. */
  readonly parents: readonly string[];
  /** Items of the request, each with an id. */
  readonly input: readonly JsonObject[];
  /** The response object. */
  readonly response: JsonObject & { readonly output: readonly JsonObject[] };
}

interface Bounds {
  /** Ms. */
  readonly maxAge: number;
  readonly maxBytes: number;
}

/** Of `resp_…` and of the items in it, which have it after their own prefix and before their number. */
const idPattern = /^[a-z]+_([0-9a-f]{40})/;

const responseIdOf = (itemId: string): string | undefined => {
  const base = idPattern.exec(itemId)?.[1];
  return base === undefined ? undefined : `resp_${base}`;
};

const keyOf = (client: string, id: string): string => `${client}:${id}`;

export class ResponseStore {
  readonly #store: Store;
  readonly #collection: Collection;

  constructor(store: Store, bounds: Bounds) {
    this.#store = store;
    // A conversation that goes on keeps all that it goes on from.
    this.#collection = { name: 'responses', renewedByReading: true, ...bounds };
  }

  async get(client: string, id: string): Promise<StoredResponse | undefined> {
    const [found] = await this.#read(client, [id]);
    return found;
  }

  /** The response and those it goes on from, the oldest first; undefined where one of them is not there. */
  async chain(client: string, id: string): Promise<readonly StoredResponse[] | undefined> {
    const last = await this.get(client, id);
    if (last === undefined) return undefined;
    const before = await this.#read(client, last.parents);
    const found = before.filter((each) => each !== undefined);
    return found.length === before.length ? [...found, last] : undefined;
  }

  /** Items that are there, by their ids. */
  async items(client: string, ids: readonly string[]): Promise<ReadonlyMap<string, JsonObject>> {
    const responseIds = [...new Set(ids.flatMap((id) => responseIdOf(id) ?? []))];
    const responses = await this.#read(client, responseIds);
    const wanted = new Set(ids);
    const items = new Map<string, JsonObject>();
    for (const stored of responses) {
      // An answer's own items win over what a client sent under their ids.
      for (const item of [...(stored?.input ?? []), ...(stored?.response.output ?? [])])
        if (typeof item.id === 'string' && wanted.has(item.id)) items.set(item.id, item);
    }
    return items;
  }

  async put(client: string, stored: StoredResponse): Promise<void> {
    await this.#store.put(this.#collection, [keyOf(client, stored.id)], JSON.stringify(stored));
  }

  /** Whether it was there. */
  async delete(client: string, id: string): Promise<boolean> {
    const found = await this.get(client, id);
    if (found === undefined) return false;
    await this.#store.delete(this.#collection, [keyOf(client, id)]);
    return true;
  }

  async #read(client: string, ids: readonly string[]): Promise<readonly (StoredResponse | undefined)[]> {
    if (ids.length === 0) return [];
    const values = await this.#store.get(
      this.#collection,
      ids.map((id) => keyOf(client, id)),
    );
    return values.map((value) => (value === null ? undefined : (JSON.parse(value) as StoredResponse)));
  }
}
