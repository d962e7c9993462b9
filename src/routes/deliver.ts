/**
 * Answers that take their time, to the caller: the one file that writes to the socket itself. It owns
 * back-pressure, keep-alives, the caller's leaving, and the teardown. Written straight to `reply.raw` because
 * the headers must leave together with the first frame, and because `Readable.from` costs another queue per
 * stream. It frames the chunks of an answer without a length itself. BEHAVIOUR 7.5 to 7.8.
 */

import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { Cancellation } from '../cancellation.ts';
import { CallerGone } from '../errors.ts';
import { setLastHeaders } from '../plugins/headers.ts';
import { type Silence, watchSilence } from '../silence.ts';

/** Times in ms. */
export interface Pace {
  /** How long the status is held back for the answer to begin; 0: for ever. */
  readonly hold: number;
  /** The longest silence once the status is out. */
  readonly interval: number;
}

/**
 * Aborted when the caller hangs up before the answer is complete. (Not by `request.signal`: on a POST that
 * fires once the body has been read.)
 */
export const callerLeaving = (reply: FastifyReply): Cancellation => {
  const cancellation = new Cancellation();
  reply.raw.on('close', () => {
    if (!reply.raw.writableFinished) cancellation.abort(new CallerGone());
  });
  return cancellation;
};

/** Waits until there is room again, or nobody to make any; leaves no listener behind. */
const flowing = (raw: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const settle = (): void => {
      raw.off('drain', settle).off('close', settle);
      resolve();
    };
    raw.on('drain', settle).on('close', settle);
  });

/** The status and headers, sent when there is something to say, and a filler for the silences after. */
const openReply = (reply: FastifyReply, headers: Record<string, string>, filler: string, pace: Pace) => {
  const { raw } = reply;
  let isCommitted = false;
  let isChunked = false;

  const commit = (length?: number): void => {
    if (isCommitted) return;
    isCommitted = true;
    clearTimeout(holding);
    reply.headers(headers);
    if (length !== undefined) reply.header('content-length', length);
    setLastHeaders(reply);
    reply.hijack();
    raw.writeHead(200, reply.getHeaders() as Record<string, string>);
    // Node writes a chunk in four pieces; as one it costs a fourth less (docs/performance.md).
    isChunked = raw.chunkedEncoding;
    raw.chunkedEncoding = false;
  };
  const framed = (text: string): string =>
    isChunked && text !== '' ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text;
  const write = (text: string): void => {
    raw.write(framed(text));
  };
  const end = (text: string, length?: number): void => {
    commit(length);
    stop();
    raw.end(isChunked ? `${framed(text)}0\r\n\r\n` : text);
  };
  const beat = (): void => {
    commit();
    // With a full buffer the caller has plenty to read.
    if (!raw.writableNeedDrain) write(filler);
    rest();
  };
  const holding = pace.hold > 0 ? setTimeout(beat, pace.hold) : undefined;
  let silence: Silence | undefined;
  const rest = (): void => {
    if (silence === undefined) silence = watchSilence(pace.interval, beat);
    else silence.sign();
  };
  const stop = (): void => {
    clearTimeout(holding);
    silence?.stop();
  };
  raw.on('close', stop);

  return {
    isCommitted: () => isCommitted,
    write: (text: string): void => {
      commit();
      rest();
      write(text);
    },
    end: (text: string): void => end(text),
    /** The answer in one piece; nothing but fillers may have been sent before. */
    endWith: (text: string): void => end(text, Buffer.byteLength(text)),
    stop,
  };
};

type OpenReply = ReturnType<typeof openReply>;

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** An answer on its way to the caller. */
export interface Outgoing<Batch> {
  readonly batches: AsyncIterable<Batch>;
  /** The frames of a batch; empty where it holds nothing for the caller. */
  readonly encode: (batch: Batch) => string;
  /** What follows the last batch of an answer that ended well. */
  readonly end: () => string;
  /** Called once, however it ended. */
  readonly close: () => void;
}

const send = async <Batch>(
  raw: ServerResponse,
  open: OpenReply,
  outgoing: Outgoing<Batch>,
): Promise<void> => {
  const { batches, encode, end, close } = outgoing;
  try {
    for await (const batch of batches) {
      const frames = encode(batch);
      if (frames === '') continue;
      if (raw.destroyed) return;
      open.write(frames);
      if (raw.writableNeedDrain) await flowing(raw);
    }
    open.end(end());
  } finally {
    close();
  }
};

/**
 * Resolves when the last frame is handed over, or the caller has left. A failure before the status is out is
 * thrown; a later one becomes the last frame, made by `onFailure`, and nothing pretends that it ended well.
 */
export const deliverStream = async <Batch>(
  reply: FastifyReply,
  answer: Promise<Outgoing<Batch>>,
  pace: Pace,
  onFailure: (error: unknown) => string,
): Promise<void> => {
  const { raw } = reply;
  const open = openReply(reply, streamHeaders, ': keep-alive\n\n', pace);
  try {
    await send(raw, open, await answer);
  } catch (error) {
    open.stop();
    if (!open.isCommitted()) throw error;
    const last = onFailure(error);
    if (!raw.destroyed) open.end(last);
  }
};

/**
 * A plain answer. Where it takes longer than the hold, 200 and JSON white space go out first, for routers that
 * drop silent connections; if it fails after that, the connection is destroyed, so that no client takes what
 * it has for an answer, and the failure is told to `onFailure`.
 */
export const deliverPlain = async (
  reply: FastifyReply,
  answer: Promise<object>,
  pace: Pace,
  onFailure: (error: unknown) => void,
): Promise<FastifyReply> => {
  const open = openReply(reply, { 'content-type': 'application/json; charset=utf-8' }, ' ', pace);
  try {
    open.endWith(JSON.stringify(await answer));
  } catch (error) {
    open.stop();
    if (!open.isCommitted()) throw error;
    onFailure(error);
    reply.raw.destroy();
  }
  return reply;
};
