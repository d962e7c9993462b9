/** The providers that are configured, each with the protocols it speaks. A further one is a line in `create`. */

import type { UpstreamOf } from '../adapters/protocols.ts';
import type { Timeouts } from '../core/timeouts.ts';
import type { Protocol, Provider } from '../models/upstreams.ts';
import { type AnthropicOptions, createAnthropic } from './anthropic.ts';
import { type BedrockOptions, createBedrock } from './bedrock/bedrock.ts';
import { createBedrockConverse } from './bedrock/converse.ts';
import { createBedrockClaude } from './bedrock/invoke.ts';
import type { TransportOptions } from './http/transport.ts';

export interface ConfiguredProvider {
  readonly speaks: { readonly [P in Protocol]?: UpstreamOf<P> };
  /** Whether it has a credential. Looking for one may take seconds where there is none. */
  hasCredential(): Promise<boolean>;
  close(): Promise<void>;
}

export type Providers = { readonly [provider in Provider]?: ConfiguredProvider };

export interface ProviderSettings {
  /** Null: not to be asked. */
  readonly anthropic: Omit<AnthropicOptions, keyof TransportOptions> | null;
  readonly aws: Omit<BedrockOptions, keyof TransportOptions> | null;
  readonly timeouts: Timeouts;
  /** Requests at once. */
  readonly maxConcurrent: number;
}

const anthropicProvider = (options: AnthropicOptions): ConfiguredProvider => {
  const anthropic = createAnthropic(options);
  // Its key is a setting: without one it is not configured.
  return {
    speaks: { 'anthropic-messages': anthropic },
    hasCredential: async () => true,
    close: anthropic.close,
  };
};

const bedrockProvider = (options: BedrockOptions): ConfiguredProvider => {
  const bedrock = createBedrock(options);
  return {
    speaks: {
      'anthropic-messages': createBedrockClaude(bedrock),
      'bedrock-converse': createBedrockConverse(bedrock),
    },
    hasCredential: bedrock.canSign,
    close: bedrock.close,
  };
};

export const createProviders = ({ anthropic, aws, timeouts, maxConcurrent }: ProviderSettings): Providers => {
  // Never a queue for sockets: as many as there may be requests, and as many that were given up while connecting.
  const transport = { connectTimeout: timeouts.connect, connections: 2 * maxConcurrent };
  return {
    ...(anthropic && { anthropic: anthropicProvider({ ...anthropic, ...transport }) }),
    ...(aws && { bedrock: bedrockProvider({ ...aws, ...transport }) }),
  };
};
