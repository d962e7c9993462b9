import type { IncomingHttpHeaders } from 'node:http';
import type { ThinkingOutcome } from './claude/binding.ts';

/** A request as the wires see it: read whole, headers in lower case. */
export interface Call {
  readonly method: string;
  /** As sent: percent signs and all. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** A fault wants the tool call of this answer cut off. */
  readonly unfinishedTool: boolean;
  /** What became of the thinking blocks that were sent. */
  noteThinking(outcomes: readonly ThinkingOutcome[]): void;
}

export type Upstream = 'anthropic' | 'bedrock-invoke' | 'bedrock-converse';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Plain | Stream;
}

export interface Plain {
  readonly kind: 'plain';
  readonly body: string;
}

/** Made while it is written, so that a hung-up client stops it. */
export interface Stream {
  readonly kind: 'stream';
  readonly events: Iterable<Buffer>;
  /** How this wire says that something went wrong, for the faults. */
  readonly error: (type: string, message: string) => Buffer;
  readonly garbage: () => Buffer;
  /** The same bytes with a checksum that does not fit; wires without checksums have none. */
  readonly damage?: (event: Buffer) => Buffer;
}

export const json = (status: number, value: unknown, headers: Record<string, string>): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  content: { kind: 'plain', body: JSON.stringify(value) },
});
