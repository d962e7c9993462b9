/** How long one attempt at an upstream is waited for, and how a wait ends. Behaviour 8.6. */

import { Cancellation } from '../core/cancellation.ts';
import { upstreamTimeout } from '../core/errors.ts';
import { IdleTimer } from '../core/idle-timer.ts';
import type { Timeouts } from '../core/timeouts.ts';

/** Notified of how an answer is read. */
export interface ReadingListener {
  /** Something has come; before the first event it does not count. */
  activity(): void;
  /** False while the client takes its time with what came: that silence is not the upstream's. */
  listening(isListening: boolean): void;
  /** The answer is complete; the end of the connection is waited for a moment, so that it can be used again. */
  finished(): void;
  /** Ends all waits. Unless the answer is complete, the upstream call is cancelled. */
  done(isComplete: boolean): void;
}

export interface Attempt {
  /** Whether the upstream is asked for a stream; a plain call is bounded by its total alone. */
  readonly stream: boolean;
  /** The client's leaving. */
  readonly client: Cancellation;
  /** `performance.now()` at the first attempt: what bounds the whole covers retries. */
  readonly startedAt: number;
}

/** Ms for an upstream to close what it has finished. */
const lastWait = 1000;

const notWanted = () => new Error('The answer is not wanted any more.');

/** The waits of one attempt. Times in ms. */
export class AttemptTimeouts implements ReadingListener {
  /** Aborted when a wait has ended or the client has left, with the error as its reason. */
  readonly cancellation = new Cancellation();
  readonly #idle: number;
  readonly #stream: boolean;
  readonly #client: Cancellation;
  readonly #whole: NodeJS.Timeout;
  /** For the first event, and at last for the end. */
  #timer: NodeJS.Timeout | undefined;
  /** Between the first event and the end. */
  #idleTimer: IdleTimer | undefined;
  #isListening = true;

  constructor(timeouts: Timeouts, { stream, client, startedAt }: Attempt) {
    const total = stream ? timeouts.stream : timeouts.total;
    this.#idle = timeouts.idle;
    this.#stream = stream;
    this.#client = client;
    if (stream) this.#timer = this.#expire('The model did not begin to answer in time', timeouts.firstByte);
    const left = Math.max(0, startedAt + total - performance.now());
    this.#whole = this.#expire('The answer took longer than this server allows', total, left);
    if (client.aborted) this.#leave();
    else client.listen(this.#leave);
  }

  activity(): void {
    this.#idleTimer?.reset();
  }

  /** The first event is here: from now on silence is what is measured. */
  started(): void {
    clearTimeout(this.#timer);
    if (this.#stream && !this.cancellation.aborted) {
      this.#idleTimer = new IdleTimer(this.#idle, () => this.#expireIdle());
    }
  }

  listening(isListening: boolean): void {
    this.#isListening = isListening;
    if (isListening) this.activity();
  }

  finished(): void {
    this.#stopTimers();
    if (!this.cancellation.aborted)
      this.#timer = setTimeout(() => this.cancellation.abort(notWanted()), lastWait);
  }

  done(isComplete: boolean): void {
    this.#stopTimers();
    if (!isComplete) this.cancellation.abort(notWanted());
  }

  #expire(which: string, named: number, after: number = named): NodeJS.Timeout {
    return setTimeout(() => this.cancellation.abort(upstreamTimeout(which, named)), after);
  }

  #expireIdle(): void {
    if (!this.#isListening) return;
    this.#idleTimer?.stop();
    this.cancellation.abort(upstreamTimeout('The model stopped in the middle of its answer', this.#idle));
  }

  #stopTimers(): void {
    clearTimeout(this.#timer);
    this.#idleTimer?.stop();
    clearTimeout(this.#whole);
    this.#client.forget(this.#leave);
  }

  readonly #leave = (): void => {
    this.#stopTimers();
    this.cancellation.abort(this.#client.reason);
  };
}
