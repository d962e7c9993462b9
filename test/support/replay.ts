/**
 * An upstream that says again what was recorded: JSON bodies, Anthropic's server-sent events, Bedrock's
 * binary event streams. Loopback only. The model id that is asked for names the recording and how its bytes
 * are cut, so that one replay serves any number of tests at once.
 */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { crc32 } from 'node:zlib';
import { listen } from './listen.ts';

export type Fields = Record<string, unknown>;

export interface RecordedEvent {
  /** Anthropic's name for the event. */
  readonly event?: string;
  readonly data?: Fields;
  /** Blanks before the last brace of the data. */
  readonly pad?: number;
  /** The exact data, where it was not compact JSON. */
  readonly raw?: string;
  /** Bedrock's name for the event, or for the exception. */
  readonly type?: string;
  readonly payload?: Fields;
  readonly messageType?: string;
  readonly p?: string;
}

/** The form of the files in fixtures/, and of real recordings; fixtures/README.md has the details. */
export interface Recording {
  readonly id: string;
  readonly upstream: 'anthropic' | 'bedrock-converse' | 'bedrock-invoke';
  readonly operation: string;
  readonly model: string;
  readonly stream: boolean;
  readonly tags: readonly string[];
  readonly request?: Fields | null;
  readonly request_was_stream?: boolean;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly body?: unknown;
  readonly events?: readonly RecordedEvent[];
}

// ---- bytes ---------------------------------------------------------------------------------------

const stringType = 7;

const headerBytes = (name: string, value: string): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name, 'latin1'),
    Buffer.from([stringType]),
    length,
    Buffer.from(value),
  ]);
};

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

/** A frame of application/vnd.amazon.eventstream whose headers are given as bytes already. */
export const rawFrame = (headers: Buffer, payload: Buffer): Buffer => {
  const lengths = Buffer.concat([uint32(16 + headers.length + payload.length), uint32(headers.length)]);
  const signed = Buffer.concat([lengths, uint32(crc32(lengths)), headers, payload]);
  return Buffer.concat([signed, uint32(crc32(signed))]);
};

export const frame = (headers: Readonly<Record<string, string>>, payload: unknown): Buffer =>
  rawFrame(
    Buffer.concat(Object.entries(headers).map(([name, value]) => headerBytes(name, value))),
    Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
  );

const serverSentEvent = ({ event, data, pad = 0, raw }: RecordedEvent): Buffer => {
  const compact = JSON.stringify(data);
  return Buffer.from(`event: ${event}\ndata: ${raw ?? `${compact.slice(0, -1)}${' '.repeat(pad)}}`}\n\n`);
};

const bedrockFrame = (recording: Recording, event: RecordedEvent): Buffer => {
  const { type = '', payload, messageType = 'event', p } = event;
  const name = messageType === 'exception' ? ':exception-type' : ':event-type';
  const headers = {
    [name]: type,
    ':content-type': 'application/json',
    ':message-type': messageType,
  };
  if (recording.upstream !== 'bedrock-invoke' || messageType === 'exception') return frame(headers, payload);
  const bytes = Buffer.from(JSON.stringify(payload)).toString('base64');
  return frame(headers, p === undefined ? { bytes } : { bytes, p });
};

/** The answer's body, as the upstream sent it. */
export const wireBytes = (recording: Recording): Buffer => {
  const { events, body, upstream } = recording;
  if (events === undefined || !recording.stream) {
    return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  }
  return Buffer.concat(
    events.map((event) =>
      upstream === 'anthropic' ? serverSentEvent(event) : bedrockFrame(recording, event),
    ),
  );
};

/** Pieces of `size` bytes; 0 leaves it whole. */
export const cutBytes = (bytes: Buffer, size: number): Buffer[] => {
  if (size === 0) return [bytes];
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
};

// ---- server --------------------------------------------------------------------------------------

/**
 * How a recording is told: its bytes in pieces of that many (0: whole), or only the first half of them,
 * followed by a proper end (`half`) or by a lost connection (`lost`).
 */
export type Cut = number | 'half' | 'lost';

/** The model id under which the replay knows a recording. */
export const replayId = (recording: Recording, cut: Cut): string => `${recording.id}~${cut}`;

export interface ReplayedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Fields;
  /** As asked for, e.g. `some-recording~7`. */
  readonly modelId: string;
  /** Whether a stream was asked for. */
  readonly stream: boolean;
}

export interface Replay {
  readonly url: string;
  /** Requests so far, oldest first. */
  readonly requests: readonly ReplayedRequest[];
  close(): Promise<void>;
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Turns of the event loop a body may take. A body with fewer pieces is really read piece by piece; of a
 * longer one, some neighbours arrive together. (The parsers' own tests cut everything byte by byte.)
 */
const mostTurns = 500;

const sendPieces = async (response: ServerResponse, pieces: readonly Buffer[]): Promise<void> => {
  const perTurn = Math.ceil(pieces.length / mostTurns);
  for (const [index, piece] of pieces.entries()) {
    if (response.destroyed) return;
    response.write(piece);
    if (index % perTurn === 0) await nextTurn();
  }
};

/** The recorded headers, without those that speak of the recorded connection. */
const headersOf = (recording: Recording): Record<string, string> => {
  const fallback = !recording.stream
    ? 'application/json'
    : recording.upstream === 'anthropic'
      ? 'text/event-stream; charset=utf-8'
      : 'application/vnd.amazon.eventstream';
  const recorded = Object.entries(recording.headers ?? {}).filter(
    ([name]) => !['transfer-encoding', 'content-length', 'content-encoding', 'connection'].includes(name),
  );
  return { 'content-type': fallback, ...Object.fromEntries(recorded) };
};

const answer = async (response: ServerResponse, recording: Recording, cut: string): Promise<void> => {
  const bytes = wireBytes(recording);
  response.writeHead(recording.status, headersOf(recording));
  if (cut === 'half' || cut === 'lost') {
    await sendPieces(response, [bytes.subarray(0, Math.floor(bytes.length / 2))]);
    if (cut === 'half') response.end();
    // Given a moment to arrive, so that it is the stream that breaks and not the request.
    else setTimeout(() => response.destroy(), 20);
    return;
  }
  await sendPieces(response, cutBytes(bytes, Number(cut)));
  response.end();
};

const readRequest = (path: string, headers: IncomingHttpHeaders, text: string): ReplayedRequest => {
  const body = JSON.parse(text) as Fields;
  const bedrock = /^\/model\/([^/]+)\/([a-z-]+)$/.exec(path);
  const modelId = bedrock?.[1] === undefined ? String(body.model) : decodeURIComponent(bedrock[1]);
  const stream = bedrock?.[2] === undefined ? body.stream === true : bedrock[2].includes('stream');
  return { path, headers, body, modelId, stream };
};

export const startReplay = async (recordings: readonly Recording[]): Promise<Replay> => {
  const byId = new Map(recordings.map((recording) => [recording.id, recording]));
  const requests: ReplayedRequest[] = [];

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const asked = readRequest(request.url ?? '', request.headers, Buffer.concat(chunks).toString('utf8'));
      requests.push(asked);
      const [id = '', cut = '0'] = asked.modelId.split('~');
      const recording = byId.get(id);
      if (recording === undefined || (recording.status === 200 && recording.stream !== asked.stream)) {
        response.writeHead(418, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ message: 'The replay has no such answer.' }));
        return;
      }
      answer(response, recording, cut).catch(() => response.destroy());
    });
  });
  const { url, close } = await listen(server);
  return { url, requests, close };
};
