/**
 * What all chunks of a stream share, and its first chunk, which carries the role. Where a stream has to show life
 * before the upstream does, that chunk goes out early, with an id of our own that the stream keeps. Behaviour 7.4, 7.6.
 */

import type { ReplyOptions } from './reply.ts';

export class StreamHead {
  readonly #options: Pick<ReplyOptions, 'created' | 'model' | 'makeId'>;
  /** What every chunk begins with, up to its choices; empty until the first chunk. */
  start = '';
  /** What every chunk with a delta begins with, up to the delta's fields; empty until the first chunk. */
  prefix = '';
  /** What such a chunk ends with, unless it is the last. */
  readonly suffix: string;
  readonly usageNull: string;

  constructor(options: Pick<ReplyOptions, 'created' | 'model' | 'makeId' | 'includeUsage'>) {
    this.#options = options;
    this.usageNull = options.includeUsage ? ',"usage":null' : '';
    this.suffix = `},"logprobs":null,"finish_reason":null}]${this.usageNull}}\n\n`;
  }

  /** The first chunk; nothing where it has been sent already. */
  open(id: string | undefined): string {
    if (this.prefix !== '') return '';
    const { created, model, makeId } = this.#options;
    const common = { id: id ?? makeId(), object: 'chat.completion.chunk', created, model };
    this.start = `data: ${JSON.stringify(common).slice(0, -1)},"choices":[`;
    this.prefix = `${this.start}{"index":0,"delta":{`;
    return `${this.prefix}"role":"assistant","content":"","refusal":null${this.suffix}`;
  }

  /** A chunk that says nothing. */
  keepAlive(): string {
    return this.open(undefined) || this.prefix + this.suffix;
  }
}
