/**
 * Answers that take their time, to the client: the one file that writes to the socket itself. It owns
 * back-pressure, keep-alives, the client's leaving, and the teardown. Written straight to `reply.raw` because
 * the headers must leave together with the first frame, and because `Readable.from` costs another queue per
 * stream. It frames the chunks of an answer without a length itself. Behaviour 7.5 to 7.8.
 */

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { Cancellation } from '../core/cancellation.ts';
import { ClientDisconnected } from '../core/errors.ts';
import { setLastHeaders } from '../server/headers.ts';
import { type Framing, takeFraming } from '../server/node-internals.ts';
import type { FailedEnding } from './chat-api.ts';
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
  /** What breaks a silence: something that clients ignore, or a piece of the answer that says nothing. */
  readonly keepAlive: (kind: KeepAliveKind) => string;
}

/** Ms; half of what LangChain's async streams wait for a chunk. */
const chunkInterval = 60_000;

/**
 * Aborted when the client hangs up before the answer is complete. (Not by `request.signal`: on a POST that
 * fires once the body has been read.)
 */
export const clientDisconnection = (reply: FastifyReply): Cancellation => {
  const cancellation = new Cancellation();
  reply.raw.on('close', () => {
    if (!reply.raw.writableFinished) cancellation.abort(new ClientDisconnected());
  });
  return cancellation;
};

/** Waits until there is room again, or no client left to make any; leaves no listener behind. */
const flowing = (raw: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const resume = (): void => {
      raw.off('drain', resume).off('close', resume);
      resolve();
    };
    raw.on('drain', resume).on('close', resume);
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
  readonly keepAlive: (kind: KeepAliveKind) => string;
  /** Ms; the longest time without a piece of the answer. */
  readonly chunkInterval: number;
}

/** The status and headers, sent when there is something to say, and what breaks the silences after. */
const openReply = (reply: FastifyReply, form: ReplyForm, { hold, interval }: Delivery) => {
  const { raw } = reply;
  let isCommitted = false;
  let framing: Framing | undefined;

  const commit = (length?: number): void => {
    if (isCommitted) return;
    isCommitted = true;
    hold.stop();
    reply.headers({ ...form.headers });
    if (length !== undefined) reply.header('content-length', length);
    setLastHeaders(reply);
    reply.hijack();
    raw.writeHead(200, reply.getHeaders() as Record<string, string>);
    framing = takeFraming(raw);
    if (length === undefined) keepAlive.start();
  };
  const framed = (text: string): string => framing?.frame(text) ?? text;
  const end = (text: string, length?: number): void => {
    commit(length);
    stop();
    raw.end(framing?.last(text) ?? text);
  };
  const breakSilence = (kind: KeepAliveKind): void => {
    // With a full buffer the client has plenty to read.
    if (!raw.writableNeedDrain) raw.write(framed(form.keepAlive(kind)));
  };
  const keepAlive = new KeepAlive({ silence: interval, chunk: form.chunkInterval }, breakSilence);
  const stop = (): void => {
    hold.stop();
    keepAlive.stop();
  };
  hold.start(() => {
    commit();
    breakSilence('comment');
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
    /** The answer in one piece; nothing but keep-alives may have been sent before. */
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

/** An answer on its way to the client. */
export interface Outgoing<Batch> {
  readonly batches: AsyncIterable<Batch>;
  /** The frames of a batch; empty where it holds nothing for the client. */
  readonly encode: (batch: Batch) => string;
  /** What follows the last batch of an answer that ended well. */
  readonly end: () => string | Promise<string>;
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
    const last = end();
    open.end(typeof last === 'string' ? last : await last);
  } finally {
    close();
  }
};

/**
 * Resolves when the last frame is handed over, or the client has left. A failure before the status is out is
 * thrown; a later one becomes the last frames, made by `onFailure`.
 */
export const deliverStream = async <Batch>(
  reply: FastifyReply,
  answer: Promise<Outgoing<Batch>>,
  delivery: StreamDelivery,
  onFailure: (error: unknown) => FailedEnding,
): Promise<void> => {
  const { raw } = reply;
  const form = {
    headers: streamHeaders,
    keepAlive: delivery.keepAlive,
    chunkInterval,
  };
  const open = openReply(reply, form, delivery);
  try {
    await send(raw, open, await answer);
  } catch (error) {
    open.stop();
    if (!open.isCommitted()) throw error;
    const { frames, ending } = onFailure(error);
    if (raw.destroyed) return;
    if (ending === 'cut') open.cut(frames);
    else open.end(frames);
  }
};

/**
 * A plain answer. Where it takes longer than the hold, 200 and JSON white space go out first, for routers that
 * drop silent connections; if it fails after that, the connection is destroyed, so that no client takes what
 * it has for an answer, and `onFailure` is notified.
 */
export const deliverPlain = async (
  reply: FastifyReply,
  answer: Promise<object>,
  delivery: Delivery,
  onFailure: (error: unknown) => void,
): Promise<FastifyReply> => {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const open = openReply(
    reply,
    { headers, keepAlive: () => ' ', chunkInterval: Number.POSITIVE_INFINITY },
    delivery,
  );
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
