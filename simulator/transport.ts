import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import { type AnyRequest, type AnyResponse, cut } from './ports.ts';
import type { Reply, Stream } from './reply.ts';

const BODY_LIMIT = 32 * 1024 * 1024;

/** The whole body, or undefined once it is past the limit (the rest is read and dropped). */
export const readBody = async (request: AnyRequest): Promise<Buffer | undefined> => {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size <= BODY_LIMIT) pieces.push(piece);
    else pieces.length = 0;
  }
  return size > BODY_LIMIT ? undefined : Buffer.concat(pieces);
};

const isGone = (signal: AbortSignal): boolean => signal.aborted;

/** Sleeps; false if the client left meanwhile. */
export const pause = async (ms: number, signal: AbortSignal): Promise<boolean> => {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
};

const forever = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};

/** Honours back-pressure; false if the client left. */
const write = async (
  response: AnyResponse,
  bytes: Buffer | string,
  signal: AbortSignal,
): Promise<boolean> => {
  if (isGone(signal)) return false;
  // The two response classes declare `write` apart; both take a string or a buffer.
  const flowing = (response as { write(bytes: Buffer | string): boolean }).write(bytes);
  if (!flowing) await once(response, 'drain', { signal }).catch(() => undefined);
  return !isGone(signal);
};

export interface Sending {
  readonly request: AnyRequest;
  readonly response: AnyResponse;
  readonly signal: AbortSignal;
  readonly delayMs: number;
}

type StreamFault = Extract<Fault, { afterEvents: number }>;

const isStreamFault = (fault: Fault): fault is StreamFault => 'afterEvents' in fault;

type Ending = 'go on' | 'stop';

/** What a stream fault does when its moment has come. */
const strike = async (
  fault: StreamFault,
  stream: Stream,
  event: Buffer | undefined,
  to: Sending,
): Promise<Ending> => {
  const { response, request, signal } = to;
  switch (fault.kind) {
    case 'reset':
      cut(request);
      return 'stop';
    case 'end-early':
      response.end();
      return 'stop';
    case 'error-event':
      await write(response, stream.error(fault.type, fault.message), signal);
      response.end();
      return 'stop';
    case 'garbage':
      await write(response, stream.garbage(), signal);
      return 'go on';
    case 'bad-crc':
      if (stream.damage === undefined || event === undefined) return 'go on';
      await write(response, stream.damage(event), signal);
      return 'go on';
    case 'stall':
      if (fault.ms === undefined) await forever(signal);
      else await pause(fault.ms, signal);
      return isGone(signal) ? 'stop' : 'go on';
  }
};

const sendStream = async (stream: Stream, faults: readonly Fault[], to: Sending): Promise<void> => {
  const fault = faults.find(isStreamFault);
  let sent = 0;
  let struck = false;
  for (const event of stream.events) {
    if (isGone(to.signal)) return;
    if (fault !== undefined && !struck && sent >= fault.afterEvents) {
      struck = true;
      if ((await strike(fault, stream, event, to)) === 'stop') return;
      if (fault.kind === 'bad-crc' && stream.damage !== undefined) continue;
    }
    if (sent > 0 && !(await pause(to.delayMs, to.signal))) return;
    if (!(await write(to.response, event, to.signal))) return;
    sent += 1;
  }
  if (fault !== undefined && !struck && (await strike(fault, stream, undefined, to)) === 'stop') return;
  to.response.end();
};

const sendPlain = async (body: string, faults: readonly Fault[], to: Sending): Promise<void> => {
  const fault = faults.find(isStreamFault);
  const half = body.slice(0, Math.ceil(body.length / 2));
  const { response, request, signal } = to;
  switch (fault?.kind) {
    case 'reset':
      await write(response, half, signal);
      // The half must leave before the socket goes.
      setImmediate(() => cut(request));
      return;
    case 'end-early':
      response.end(half);
      return;
    case 'garbage':
    case 'bad-crc':
      response.end(`${half}\u0000<not json>`);
      return;
    case 'stall':
      await write(response, half, signal);
      if (fault.ms === undefined) await forever(signal);
      else await pause(fault.ms, signal);
      if (!isGone(signal)) response.end(body.slice(half.length));
      return;
    default:
      response.end(body);
  }
};

/** Writes a reply, struck by its faults. Resolves when all is written or the client has left. */
export const send = async (reply: Reply, faults: readonly Fault[], to: Sending): Promise<void> => {
  const { content } = reply;
  const whole = content.kind === 'plain' && !faults.some(isStreamFault);
  const length = whole ? { 'content-length': String(Buffer.byteLength(content.body)) } : {};
  to.response.writeHead(reply.status, { ...reply.headers, ...length });
  if (content.kind === 'plain') await sendPlain(content.body, faults, to);
  else {
    // HTTP/2 has sent them already.
    if ('flushHeaders' in to.response) to.response.flushHeaders();
    await sendStream(content, faults, to);
  }
};
