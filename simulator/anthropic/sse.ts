import type { ClaudeEvent } from '../claude/message.ts';
import { numbers } from '../ids.ts';

export const sse = (name: string, data: string): Buffer => Buffer.from(`event: ${name}\ndata: ${data}\n\n`);

const PING = sse('ping', '{"type": "ping"}');

/** Blanks before the last brace hide how long a delta is; the ping follows the first block's start. */
export function* toSse(events: Iterable<ClaudeEvent>, seed: string): Generator<Buffer> {
  const next = numbers(`pad/${seed}`);
  let pinged = false;
  for (const event of events) {
    const data = JSON.stringify(event);
    yield sse(event.type, `${data.slice(0, -1)}${' '.repeat(next(16))}}`);
    if (event.type === 'content_block_start' && !pinged) {
      pinged = true;
      yield PING;
    }
  }
}
