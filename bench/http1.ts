/**
 * HTTP/1.1 messages off a socket, for both ends of the benchmark: requests at the fake upstream, responses at the
 * load generator. It knows what those need and no more, so that neither end is what limits a run.
 */

export interface MessageEvents {
  /** The start line and the headers, as they came. */
  onHead(head: string): void;
  /** A piece of the body, with chunked framing taken off. */
  onBody(bytes: Buffer): void;
  onEnd(): void;
}

export interface MessageReader {
  push(chunk: Buffer): void;
}

type State = 'head' | 'body' | 'size' | 'data' | 'data-end' | 'trailer';

const nothing = Buffer.alloc(0);

export const createMessageReader = ({ onHead, onBody, onEnd }: MessageEvents): MessageReader => {
  let state: State = 'head';
  /** An unfinished line or head. */
  let pending: Buffer = nothing;
  /** Bytes of the body, or of the current chunk, that are still to come. */
  let left = 0;
  let bytes: Buffer = nothing;
  let at = 0;

  const end = (): void => {
    state = 'head';
    onEnd();
  };
  /** What stands before the separator, or undefined when that has not come yet. */
  const upTo = (separator: string): string | undefined => {
    const index = bytes.indexOf(separator, at);
    if (index < 0) return undefined;
    const text = bytes.toString('latin1', at, index);
    at = index + separator.length;
    return text;
  };
  const takeBody = (): void => {
    const until = Math.min(bytes.length, at + left);
    const piece = bytes.subarray(at, until);
    left -= piece.length;
    at = until;
    onBody(piece);
  };

  /** One step each; false where more bytes are needed. */
  const steps: Record<State, () => boolean> = {
    head: () => {
      const head = upTo('\r\n\r\n');
      if (head === undefined) return false;
      const isChunked = /\r\ntransfer-encoding: *chunked/i.test(head);
      left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      state = isChunked ? 'size' : 'body';
      onHead(head);
      if (!isChunked && left === 0) end();
      return true;
    },
    body: () => {
      takeBody();
      if (left === 0) end();
      return true;
    },
    size: () => {
      const line = upTo('\r\n');
      if (line === undefined) return false;
      left = Number.parseInt(line, 16);
      if (Number.isNaN(left)) throw new Error(`no chunk size: ${line.slice(0, 20)}`);
      state = left === 0 ? 'trailer' : 'data';
      return true;
    },
    data: () => {
      takeBody();
      if (left === 0) state = 'data-end';
      return true;
    },
    'data-end': () => {
      if (upTo('\r\n') === undefined) return false;
      state = 'size';
      return true;
    },
    trailer: () => {
      const line = upTo('\r\n');
      if (line === undefined) return false;
      if (line === '') end();
      return true;
    },
  };

  return {
    push: (chunk) => {
      bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      at = 0;
      while (at < bytes.length && steps[state]());
      pending = at < bytes.length ? bytes.subarray(at) : nothing;
    },
  };
};
