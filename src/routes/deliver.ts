/**
 * A stream of frames to the caller: the one file that writes to the socket itself. It owns back-pressure,
 * the caller's leaving, and the teardown. Written straight to `reply.raw` because the headers must leave
 * together with the first frame, and because `Readable.from` costs another queue per stream.
 */

import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import { CallerGone } from '../errors.ts';
import { setTimingHeaders } from '../plugins/headers.ts';

/**
 * A signal that is aborted when the caller hangs up before the answer is complete. (Not `request.signal`:
 * on a POST that fires once the body has been read.)
 */
export const callerSignal = (reply: FastifyReply): AbortSignal => {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new CallerGone());
  });
  return controller.signal;
};

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Resolves when the last frame is handed over, or the caller has left. Throws what the frames throw. */
export const deliver = async (reply: FastifyReply, frames: AsyncIterable<string>): Promise<void> => {
  const { raw } = reply;
  reply.headers(streamHeaders);
  setTimingHeaders(reply);
  reply.hijack();
  const headers = Object.entries(reply.getHeaders()).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  raw.writeHead(200, Object.fromEntries(headers));
  for await (const text of frames) {
    if (raw.destroyed) return;
    if (!raw.write(text)) await Promise.race([once(raw, 'drain'), once(raw, 'close')]);
  }
  raw.end();
};
