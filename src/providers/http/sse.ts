/**
 * Server-sent events as Anthropic sends them, read in batches: bytes in, the parsed `data` of all
 * frames that are complete out. Cut anywhere, inside a character too.
 */

import { StringDecoder } from 'node:string_decoder';
import { type JsonBatch, parseAll } from './json.ts';

/** Bytes of one unfinished frame; real ones are a few kB. */
const largestFrame = 16 * 1024 * 1024;

export interface SseParser {
  push(chunk: Buffer): JsonBatch;
}

/** The `data` of a frame's lines; undefined for comments. */
const frameData = (frame: string): string | undefined => {
  // Nearly every frame is `event: x\ndata: {...}`.
  const line = frame.indexOf('\n') + 1;
  if (frame.startsWith('data: ', line) && !frame.includes('\n', line) && !frame.startsWith('data:'))
    return frame.slice(line + 6);
  let data: string | undefined;
  for (const each of frame.split('\n')) {
    if (!each.startsWith('data:')) continue;
    const value = each.startsWith('data: ') ? each.slice(6) : each.slice(5);
    data = data === undefined ? value : `${data}\n${value}`;
  }
  return data;
};

/** Lines may end in CR LF, or in CR alone. */
const withPlainBreaks = (text: string): string => (text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text);

const nothing: JsonBatch = { events: [], broken: false };

export const createSseParser = (): SseParser => {
  const utf8 = new StringDecoder('utf8');
  // A CR whose LF may still come.
  let carried = '';
  let pending = '';
  let endsWithBreak = false;
  return {
    push: (chunk) => {
      const read = carried + utf8.write(chunk);
      carried = read.endsWith('\r') ? '\r' : '';
      const text = withPlainBreaks(carried === '' ? read : read.slice(0, -1));
      // Looked for in the new text alone, so that a large frame in many pieces costs no quadratic search.
      if (!text.includes('\n\n') && !(endsWithBreak && text.startsWith('\n'))) {
        pending += text;
        if (text !== '') endsWithBreak = text.endsWith('\n');
        return pending.length > largestFrame ? { events: [], broken: true } : nothing;
      }
      const frames = (pending + text).split('\n\n');
      pending = frames.pop() ?? '';
      endsWithBreak = pending.endsWith('\n');
      const texts: string[] = [];
      for (const frame of frames) {
        const data = frameData(frame);
        if (data !== undefined && data !== '') texts.push(data);
      }
      const { events, broken } = parseAll(texts);
      return { events, broken: broken || pending.length > largestFrame };
    },
  };
};
