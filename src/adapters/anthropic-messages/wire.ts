/** The Messages body as both of Claude's upstreams take it, before the transport's own fields. */

import type Anthropic from '@anthropic-ai/sdk';

/** The API version a request is written for: the older one still takes sampling parameters. */
export type ApiVersion = '2023-06-01' | '2026-10-21';

export interface ClaudeRequest {
  readonly version: ApiVersion;
  /** As in the header `anthropic-beta`. */
  readonly betas: readonly string[];
  readonly body: Omit<Anthropic.MessageCreateParams, 'model' | 'stream'> & {
    // Gone from the SDK's types with 2026-10-21, still part of 2023-06-01.
    readonly temperature?: number;
    readonly top_p?: number;
    readonly top_k?: number;
  };
}

export type ClaudeMessage = Anthropic.Message;
export type ClaudeEvent = Anthropic.RawMessageStreamEvent;
