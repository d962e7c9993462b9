/** One request to a server, and its answer as it came over the wire. */

import { type Agent, request as open } from 'node:http';
import { raw } from '../../test/support/raw.ts';

export interface Sending {
  readonly method?: string;
  readonly path?: string;
  /** Over those that every request has; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON; a string or a buffer as it is; absent: none. */
  readonly body?: unknown;
  /** Without a length before it. */
  readonly isChunked?: boolean;
  /** Bytes in the place of a request; all of the above is without effect. */
  readonly raw?: string;
}

export interface Answer {
  /** 0: none came. */
  readonly status: number;
  /** Of the status line. */
  readonly reason: string;
  /** Names and values by turns, as they came. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** `cut`: closed before its end. `silent`: no end within the patience. */
  readonly ended: 'complete' | 'cut' | 'silent';
}

export const key = 'equality-key';

/** Ms. Above every wait that a server is set up with. */
const patience = 15_000;

const encode = (body: unknown): Buffer =>
  Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));

const headersOf = ({ headers = {}, isChunked }: Sending, body: Buffer | undefined) => {
  const all: Record<string, string | undefined> = {
    authorization: `Bearer ${key}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(body === undefined || isChunked ? {} : { 'content-length': String(body.length) }),
    ...headers,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
};

const sendRaw = async (url: string, bytes: string): Promise<Answer> => {
  const { status, headers, body } = await raw(url, bytes);
  return { status, reason: '', headers: [...headers].flat(), body: Buffer.from(body), ended: 'complete' };
};

export const send = (url: string, agent: Agent, sending: Sending): Promise<Answer> => {
  if (sending.raw !== undefined) return sendRaw(url, sending.raw);
  const { method = 'POST', path = '/v1/chat/completions', isChunked } = sending;
  const body = sending.body === undefined ? undefined : encode(sending.body);
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const seen = { status: 0, reason: '', headers: [] as readonly string[] };
    const settle = (ended: Answer['ended']) => {
      clearTimeout(late);
      resolve({ ...seen, body: Buffer.concat(pieces), ended });
      if (ended !== 'complete') request.destroy();
    };
    const request = open({ hostname, port, agent, method, path, headers: headersOf(sending, body) });
    const late = setTimeout(() => settle('silent'), patience);
    // After an answer is complete this says nothing any more: a promise settles once.
    request.on('error', () => settle('cut'));
    request.on('response', (response) => {
      seen.status = response.statusCode ?? 0;
      seen.reason = response.statusMessage ?? '';
      seen.headers = response.rawHeaders;
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', () => settle('cut'));
      response.on('close', () => settle(response.complete ? 'complete' : 'cut'));
    });
    if (isChunked) request.flushHeaders();
    request.end(body);
  });
};
