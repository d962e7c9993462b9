/**
 * When a silent answer needs something sent, and of which kind. Routers count bytes, so something that clients
 * ignore is enough for them. Some clients count chunks: LangChain's async streams give up after 120 s without one,
 * comments or not. Behaviour 7.6.
 */

/** `comment`: what clients ignore. `chunk`: a piece of the answer, with nothing in it. */
export type KeepAliveKind = 'comment' | 'chunk';

/** In ms. */
export interface KeepAliveIntervals {
  /** The longest silence. */
  readonly silence: number;
  /** The longest time without a piece of the answer; Infinity where none may be sent for its own sake. */
  readonly chunk: number;
}

/** To note the time of each piece costs less than to move a timer. */
export class KeepAlive {
  readonly #intervals: KeepAliveIntervals;
  readonly #send: (kind: KeepAliveKind) => void;
  #lastPiece = 0;
  #lastComment = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervals: KeepAliveIntervals, send: (kind: KeepAliveKind) => void) {
    this.#intervals = intervals;
    this.#send = send;
  }

  /** From now on. */
  start(): void {
    this.#lastPiece = performance.now();
    this.#schedule(this.#lastPiece);
  }

  /** A piece of the answer has been sent. */
  pieceSent(): void {
    this.#lastPiece = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(now: number): void {
    this.#timer = setTimeout(this.#check, Math.min(this.#chunkDue(), this.#commentDue()) - now);
  }

  #chunkDue(): number {
    return this.#lastPiece + this.#intervals.chunk;
  }

  #commentDue(): number {
    return Math.max(this.#lastPiece, this.#lastComment) + this.#intervals.silence;
  }

  readonly #check = (): void => {
    const now = performance.now();
    const kind = this.#due(now);
    if (kind === 'chunk') this.#lastPiece = now;
    else if (kind === 'comment') this.#lastComment = now;
    // First, because sending may be what finds the connection lost, and stops this.
    this.#schedule(now);
    if (kind !== undefined) this.#send(kind);
  };

  #due(now: number): KeepAliveKind | undefined {
    if (now >= this.#chunkDue()) return 'chunk';
    return now >= this.#commentDue() ? 'comment' : undefined;
  }
}
