/** A caller who can be patient, slow, rude or wrong. On `node:http`, because fetch hides how an answer ended. */

import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request as open } from 'node:http';
import { connect } from 'node:net';

/** When the caller hangs up: so long after asking (ms), or with so many pieces of the answer read. */
export type Leaving = { readonly afterMs: number } | { readonly afterPieces: number };

export interface Sending {
  readonly method?: string;
  readonly path?: string;
  /** Sent as JSON; a string or a buffer as it is. */
  readonly body?: unknown;
  readonly headers?: OutgoingHttpHeaders;
  readonly leaving?: Leaving;
  /** Sends only half of what it announces. */
  readonly isHalf?: boolean;
  /** Ms: before the first read, and after every piece. */
  readonly slow?: { readonly first: number; readonly each: number };
}

/** `cut`: the server closed before the end. `silent`: no end within the caller's patience. */
export type Ended = 'complete' | 'cut' | 'left' | 'silent';

export interface Reply {
  /** 0: none came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly ended: Ended;
}

export interface Client {
  readonly send: (sending: Sending) => Promise<Reply>;
  /** Bytes that need not be HTTP; the status line that came back, or nothing. */
  readonly sendRaw: (bytes: string) => Promise<string>;
  readonly close: () => void;
}

/** Ms. Above all waits the server is configured with, so that its silence is a fault. */
const patience = 25_000;

const encode = (body: unknown): string | Buffer =>
  typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);

export const createClient = (url: string, key: string): Client => {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true });

  const send = (sending: Sending): Promise<Reply> =>
    new Promise((resolve) => {
      const { method = 'POST', path = '/v1/chat/completions', leaving, isHalf = false, slow } = sending;
      const payload = sending.body === undefined ? '' : encode(sending.body);
      const request = open({
        host: hostname,
        port,
        agent,
        method,
        path,
        headers: {
          authorization: `Bearer ${key}`,
          ...(payload === ''
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
          ...sending.headers,
        },
      });

      const seen = { status: 0, headers: {} as IncomingHttpHeaders, text: '' };
      const timers = new Set<NodeJS.Timeout>();
      const later = (ms: number, then: () => void) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          then();
        }, ms);
        timers.add(timer);
      };
      const settle = (ended: Ended) => {
        for (const timer of timers) clearTimeout(timer);
        timers.clear();
        if (ended !== 'complete') request.destroy();
        resolve({ ...seen, ended });
      };

      later(patience, () => settle('silent'));
      if (leaving !== undefined && 'afterMs' in leaving) later(leaving.afterMs, () => settle('left'));
      // After an answer is complete this says nothing any more: a promise settles once.
      request.on('error', () => settle('cut'));
      request.on('response', (response) => {
        seen.status = response.statusCode ?? 0;
        seen.headers = response.headers;
        response.setEncoding('utf8');
        let pieces = 0;
        response.on('data', (piece: string) => {
          seen.text += piece;
          pieces += 1;
          if (leaving !== undefined && 'afterPieces' in leaving && pieces >= leaving.afterPieces)
            settle('left');
          else if (slow !== undefined && slow.each > 0) {
            response.pause();
            later(slow.each, () => response.resume());
          }
        });
        response.on('error', () => settle('cut'));
        response.on('close', () => settle(response.complete ? 'complete' : 'cut'));
        if (slow !== undefined) {
          response.pause();
          later(slow.first, () => response.resume());
        }
      });
      if (isHalf) request.write(payload.slice(0, Math.ceil(payload.length / 2)));
      else request.end(payload);
    });

  const sendRaw = (bytes: string): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      socket.setEncoding('utf8');
      socket.setTimeout(patience, () => socket.destroy());
      socket.on('data', (piece: string) => {
        text += piece;
      });
      // What matters is what came back; `close` follows.
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text.split('\r\n')[0] ?? ''));
    });

  return { send, sendRaw, close: () => agent.destroy() };
};
