import { anthropicError } from './anthropic/errors.ts';
import { anthropic, anthropicRequestId } from './anthropic/index.ts';
import { awsError } from './bedrock/errors.ts';
import { bedrock, bedrockRequestId, bedrockUpstream } from './bedrock/index.ts';
import { PrefixCache } from './cache.ts';
import { type Fault, FaultQueue } from './faults.ts';
import { openPort } from './ports.ts';
import type { Call, Reply, Upstream } from './reply.ts';
import { type Front, serve } from './serve.ts';
import { type SeenRequest, Sightings } from './sightings.ts';

export type { Fault, FaultKind, FaultScope } from './faults.ts';
export type { Upstream } from './reply.ts';
export type { SeenRequest } from './sightings.ts';

export interface SimulatorOptions {
  readonly host?: string;
  readonly anthropicPort?: number;
  readonly bedrockPort?: number;
  /** Between the events of a stream. */
  readonly delayMs?: number;
  readonly now?: () => number;
  /** When given, SigV4 signatures are verified in full, body included; otherwise only their form. */
  readonly awsSecretAccessKey?: string;
}

export interface Simulator {
  /** Without `/v1`. */
  readonly anthropicUrl: string;
  readonly bedrockUrl: string;
  /** Newest last; at most 200 requests and 64 MB of bodies. */
  readonly requests: SeenRequest[];
  /** Queued: strikes the next request(s) it fits. */
  inject(fault: Fault): void;
  /** Takes back what has been injected and has not struck. */
  withdrawFaults(): void;
  /** Ends open streams and frees the ports. */
  close(): Promise<void>;
}

/** Both upstreams on loopback, speaking their real wire formats and refusing what the real ones refuse. */
export const startSimulator = async (options: SimulatorOptions = {}): Promise<Simulator> => {
  const { host = '127.0.0.1', delayMs = 0, now = Date.now } = options;
  const cache = new PrefixCache(now);
  const faults = new FaultQueue();
  const sightings = new Sightings();
  const shared = { faults, sightings, delayMs };

  const anthropicFront: Front = {
    upstreamOf: (): Upstream => 'anthropic',
    answer: (call: Call): Reply => anthropic(call, { cache, now }),
    refuse: (refusal, call): Reply => anthropicError(refusal, anthropicRequestId(call)),
  };
  const bedrockFront: Front = {
    upstreamOf: bedrockUpstream,
    answer: (call: Call): Reply => bedrock(call, { cache, now, secret: options.awsSecretAccessKey }),
    refuse: (refusal, call): Reply => awsError(refusal, bedrockRequestId(call)),
  };

  const first = await openPort(host, options.anthropicPort ?? 0, serve(anthropicFront, shared));
  const second = await openPort(host, options.bedrockPort ?? 0, serve(bedrockFront, shared)).catch(
    async (error: unknown) => {
      await first.close();
      throw error;
    },
  );

  const name = host.includes(':') ? `[${host}]` : host;
  return {
    anthropicUrl: `http://${name}:${first.port}`,
    bedrockUrl: `http://${name}:${second.port}`,
    requests: sightings.list,
    inject: (fault) => faults.add(fault),
    withdrawFaults: () => faults.clear(),
    close: async () => {
      await Promise.all([first.close(), second.close()]);
    },
  };
};
