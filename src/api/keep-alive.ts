/**
 * When a silent answer needs a sign of life, and of which kind. Routers count bytes, so something that clients
 * ignore is enough for them. Some clients count chunks: LangChain's async streams give up after 120 s without one,
 * comments or not. Behaviour 7.6.
 */

/** `filler`: what clients ignore. `chunk`: a piece of the answer, with nothing in it. */
export type KeepAliveKind = 'filler' | 'chunk';

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
  #lastFiller = 0;
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
    this.#timer = setTimeout(this.#check, Math.min(this.#chunkDue(), this.#fillerDue()) - now);
  }

  #chunkDue(): number {
    return this.#lastPiece + this.#intervals.chunk;
  }

  #fillerDue(): number {
    return Math.max(this.#lastPiece, this.#lastFiller) + this.#intervals.silence;
  }

  readonly #check = (): void => {
    const now = performance.now();
    const kind = this.#due(now);
    if (kind === 'chunk') this.#lastPiece = now;
    else if (kind === 'filler') this.#lastFiller = now;
    // First, because sending may be what finds the connection lost, and stops this.
    this.#schedule(now);
    if (kind !== undefined) this.#send(kind);
  };

  #due(now: number): KeepAliveKind | undefined {
    if (now >= this.#chunkDue()) return 'chunk';
    return now >= this.#fillerDue() ? 'filler' : undefined;
  }
}
