/**
 * Answers that take their time, to the caller: the one file that writes to the socket itself. It owns
 * back-pressure, keep-alives, the caller's leaving, and the teardown. Written straight to `reply.raw` because
 * the headers must leave together with the first frame, and because `Readable.from` costs another queue per
 * stream. It frames the chunks of an answer without a length itself. Behaviour 7.5 to 7.8.
 */

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { Cancellation } from '../core/cancellation.ts';
import { CallerGone } from '../core/errors.ts';
import { setLastHeaders } from '../server/headers.ts';
import type { HeaderHold } from './header-hold.ts';
import { KeepAlive, type KeepAliveKind } from './keep-alive.ts';

/** How an answer that takes its time is delivered. */
export interface Delivery {
  /** How long its status is held back. */
  readonly hold: HeaderHold;
  /** Ms; the longest silence once the status is out. */
  readonly interval: number;
}

export interface StreamDelivery extends Delivery {
  /** A frame that clients take for a piece of the answer, and that says nothing. */
  readonly keepAliveFrame: () => string;
}

/** Ms; half of what LangChain's async streams wait for a chunk. */
const chunkInterval = 60_000;

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

/** Ms for a client to close its side of a connection that we have ended. */
const lingering = 1000;

/**
 * Ends our side behind what has been written. Destroyed at once, a connection with unread bytes is
 * reset, and a reset can eat what is still on its way to the client.
 */
const closeInOrder = (socket: Socket | null): void => {
  if (socket === null || socket.destroyed) return;
  socket.end();
  const late = setTimeout(() => socket.destroy(), lingering);
  socket.once('close', () => clearTimeout(late));
};

interface ReplyForm {
  readonly headers: Readonly<Record<string, string>>;
  /** What clients ignore. */
  readonly filler: string;
  /** A frame that says nothing; absent where the answer is one piece. */
  readonly emptyFrame?: () => string;
}

/** The status and headers, sent when there is something to say, and what fills the silences after. */
const openReply = (reply: FastifyReply, form: ReplyForm, { hold, interval }: Delivery) => {
  const { raw } = reply;
  const { filler, emptyFrame } = form;
  let isCommitted = false;
  let isChunked = false;

  const commit = (length?: number): void => {
    if (isCommitted) return;
    isCommitted = true;
    hold.stop();
    reply.headers({ ...form.headers });
    if (length !== undefined) reply.header('content-length', length);
    setLastHeaders(reply);
    reply.hijack();
    raw.writeHead(200, reply.getHeaders() as Record<string, string>);
    // Node writes a chunk in four pieces; as one it costs a fourth less (docs/decisions/2026-11-23-own-chunk-framing.md).
    isChunked = raw.chunkedEncoding;
    raw.chunkedEncoding = false;
    if (length === undefined) keepAlive.start();
  };
  const framed = (text: string): string =>
    isChunked && text !== '' ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text;
  const end = (text: string, length?: number): void => {
    commit(length);
    stop();
    raw.end(isChunked ? `${framed(text)}0\r\n\r\n` : text);
  };
  const fill = (kind: KeepAliveKind): void => {
    // With a full buffer the client has plenty to read.
    if (!raw.writableNeedDrain) raw.write(framed(kind === 'chunk' && emptyFrame ? emptyFrame() : filler));
  };
  const chunk = emptyFrame === undefined ? Number.POSITIVE_INFINITY : chunkInterval;
  const keepAlive = new KeepAlive({ silence: interval, chunk }, fill);
  const stop = (): void => {
    hold.stop();
    keepAlive.stop();
  };
  hold.start(() => {
    commit();
    fill('filler');
  });
  raw.on('close', stop);

  return {
    isCommitted: () => isCommitted,
    write: (text: string): void => {
      commit();
      keepAlive.pieceSent();
      raw.write(framed(text));
    },
    end: (text: string): void => end(text),
    /** The answer in one piece; nothing but fillers may have been sent before. */
    endWith: (text: string): void => end(text, Buffer.byteLength(text)),
    /**
     * The last frame of an answer that failed. The connection is closed without the chunk that ends an answer, so
     * that clients that do not know the frame notice too. HTTP/1.0 has no chunks: there every answer ends so.
     */
    cut: (text: string): void => {
      stop();
      raw.write(framed(text), () => closeInOrder(raw.socket));
    },
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
  delivery: StreamDelivery,
  onFailure: (error: unknown) => string,
): Promise<void> => {
  const { raw } = reply;
  const form = {
    headers: streamHeaders,
    filler: ': keep-alive\n\n',
    emptyFrame: delivery.keepAliveFrame,
  };
  const open = openReply(reply, form, delivery);
  try {
    await send(raw, open, await answer);
  } catch (error) {
    open.stop();
    if (!open.isCommitted()) throw error;
    const last = onFailure(error);
    if (!raw.destroyed) open.cut(last);
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
  delivery: Delivery,
  onFailure: (error: unknown) => void,
): Promise<FastifyReply> => {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const open = openReply(reply, { headers, filler: ' ' }, delivery);
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
