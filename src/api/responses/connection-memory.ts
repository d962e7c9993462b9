/**
 * What a WebSocket remembers of its last response where that is not stored, so that the next one can go on from it.
 * (openresponses.org, section "WebSocket")
 */

import type { JsonObject } from '../../core/chat.ts';
import type { ResponseState, StoredResponse } from './state.ts';

export class ConnectionMemory {
  readonly #shared: ResponseState | undefined;
  #last: StoredResponse | undefined;

  constructor(shared: ResponseState | undefined) {
    this.#shared = shared;
  }

  /** In place of what came before it: one is remembered. */
  remember(response: StoredResponse): void {
    this.#last = response;
  }

  forget(): void {
    this.#last = undefined;
  }

  async chain(client: string, id: string): Promise<readonly StoredResponse[] | undefined> {
    if (this.#last?.id === id) return [this.#last];
    return this.#shared?.chain(client, id);
  }

  async items(client: string, ids: readonly string[]): Promise<ReadonlyMap<string, JsonObject>> {
    const known = await this.#shared?.items(client, ids);
    const own = [...(this.#last?.input ?? []), ...(this.#last?.response.output ?? [])];
    const wanted = own.filter(({ id }) => typeof id === 'string' && ids.includes(id));
    return new Map([...(known ?? []), ...wanted.map((item) => [item.id as string, item] as const)]);
  }
}
