import type { IncomingHttpHeaders } from 'node:http';
import type { ThinkingOutcome } from './claude/binding.ts';
import type { Upstream } from './reply.ts';

export interface SeenRequest {
  readonly upstream: Upstream;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed, or the text itself where it is no JSON. */
  readonly body: unknown;
  /** 0 until answered. */
  status: number;
  /** Claude's thinking blocks in it, and what became of them. */
  thinking: readonly ThinkingOutcome[];
  /** The client left before the end. */
  aborted: boolean;
}

const MOST = 200;
const MOST_BYTES = 64 * 1024 * 1024;

/** What came in, newest last, bounded in number and bytes. */
export class Sightings {
  readonly list: SeenRequest[] = [];
  readonly #sizes: number[] = [];
  #bytes = 0;

  add(seen: SeenRequest, bytes: number): void {
    this.list.push(seen);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    while (this.list.length > MOST || (this.#bytes > MOST_BYTES && this.list.length > 1)) {
      this.list.shift();
      this.#bytes -= this.#sizes.shift() ?? 0;
    }
  }
}
