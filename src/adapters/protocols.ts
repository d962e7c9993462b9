/** The adapters, one a protocol. */

import type { Protocol } from '../models/upstreams.ts';
import type { Adapter, Upstream } from './adapter.ts';
import { anthropicMessages } from './anthropic-messages/index.ts';
import type { ClaudeEvent, ClaudeMessage, ClaudeRequest } from './anthropic-messages/wire.ts';
import { bedrockConverse } from './bedrock-converse/index.ts';
import type { ConverseEvent, ConverseMessage, ConverseRequest } from './bedrock-converse/wire.ts';

/** What travels in a protocol. */
interface Wires {
  'anthropic-messages': { request: ClaudeRequest; message: ClaudeMessage; event: ClaudeEvent };
  'bedrock-converse': { request: ConverseRequest; message: ConverseMessage; event: ConverseEvent };
}

export type AdapterOf<P extends Protocol> = Adapter<
  Wires[P]['request'],
  Wires[P]['message'],
  Wires[P]['event']
>;
export type UpstreamOf<P extends Protocol> = Upstream<
  Wires[P]['request'],
  Wires[P]['message'],
  Wires[P]['event']
>;

export const adapters: { readonly [P in Protocol]: AdapterOf<P> } = {
  'anthropic-messages': anthropicMessages,
  'bedrock-converse': bedrockConverse,
};
