/**
 * Server-sent events as Anthropic sends them, read in batches: bytes in, the parsed `data` of all
 * frames that are complete out. Cut anywhere, inside a character too.
 */

import { StringDecoder } from 'node:string_decoder';

/** Bytes of one unfinished frame; real ones are a few kB. */
const largestFrame = 16 * 1024 * 1024;

export interface SseBatch {
  readonly events: readonly unknown[];
  /** What followed the events is no SSE with JSON in it. */
  readonly broken: boolean;
}

export interface SseParser {
  push(chunk: Buffer): SseBatch;
}

/** The `data` of a frame's lines; undefined for comments and pings. */
const frameData = (frame: string): string | undefined => {
  // Nearly every frame is `event: x\ndata: {...}`.
  let data: string | undefined;
  for (const line of frame.split('\n')) {
    if (!line.startsWith('data:')) continue;
    const value = line.startsWith('data: ') ? line.slice(6) : line.slice(5);
    data = data === undefined ? value : `${data}\n${value}`;
  }
  return data;
};

export const createSseParser = (): SseParser => {
  const utf8 = new StringDecoder('utf8');
  let pending = '';
  return {
    push: (chunk) => {
      const text = utf8.write(chunk);
      // A line break cut in two: keep the CR until its LF can be seen.
      const joined = pending + text;
      const complete = joined.endsWith('\r') ? joined.slice(0, -1) : joined;
      const normal = complete.includes('\r') ? complete.replace(/\r\n?/g, '\n') : complete;
      const frames = normal.split('\n\n');
      pending = (frames.pop() ?? '') + (joined.endsWith('\r') ? '\r' : '');
      const events: unknown[] = [];
      for (const frame of frames) {
        const data = frameData(frame);
        if (data === undefined || data === '') continue;
        try {
          events.push(JSON.parse(data));
        } catch {
          return { events, broken: true };
        }
      }
      return { events, broken: pending.length > largestFrame };
    },
  };
};
