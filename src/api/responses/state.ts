/** What earlier requests left behind, as this API needs it; app.ts says where it is kept. Behaviour 12.6. */

import type { JsonObject } from '../../core/chat.ts';

export interface StoredResponse {
  readonly id: string;
  /** The responses that it goes on from, the oldest first. */
  readonly parents: readonly string[];
  /** Items as the client sent them, each with an id; references as what they refer to. */
  readonly input: readonly JsonObject[];
  /** The response object. */
  readonly response: JsonObject & { readonly output: readonly JsonObject[] };
}

/** Each for one client: the ids of another's are not found. */
export interface ResponseState {
  get(client: string, id: string): Promise<StoredResponse | undefined>;
  /** The response and those it goes on from, the oldest first; undefined where one of them is not there. */
  chain(client: string, id: string): Promise<readonly StoredResponse[] | undefined>;
  /** Items that are there, by their ids. */
  items(client: string, ids: readonly string[]): Promise<ReadonlyMap<string, JsonObject>>;
  put(client: string, stored: StoredResponse): Promise<void>;
  /** Whether it was there. */
  delete(client: string, id: string): Promise<boolean>;
}
