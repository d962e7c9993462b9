/** What is asked: cases, by kinds that share their servers. */

import type { Answer, Sending } from './client.ts';
import type { Surroundings } from './side.ts';

export type Ask = (server: string, sending: Sending) => Promise<Answer>;

/** The same for both sides; later requests of a case may be made of earlier answers. */
export interface Case {
  readonly name: string;
  readonly run: (ask: Ask) => Promise<unknown>;
}

export interface Kind {
  readonly name: string;
  readonly cases: readonly Case[];
}

/** Kinds that share servers, so that what these learn and remember stays among their cases. */
export interface Group extends Surroundings {
  readonly kinds: readonly Kind[];
  /** Only one side is asked at a time: both have the same hosts to turn to. */
  readonly inTurns?: boolean;
  /**
   * The clock has a part in it, and no case depends on an earlier one: a difference counts when it shows each time that
   * its case is asked again.
   */
  readonly isTimed?: boolean;
}

export type Body = Readonly<Record<string, unknown>>;

/** One request. */
export const single = (server: string, name: string, sending: Sending): Case => ({
  name,
  run: (ask) => ask(server, sending),
});

export const plainAndStreamed = (server: string, name: string, body: Body): readonly Case[] =>
  [false, true].map((stream) =>
    single(server, `${name}, ${stream ? 'streamed' : 'plain'}`, { body: { ...body, stream } }),
  );

export const user = (content: unknown) => ({ role: 'user', content });

export const bothUpstreams = ['anthropic', 'bedrock'] as const;

/** One server for each place where Claude is found; Nova is beside the second. */
export const oneEach = {
  anthropic: { upstreams: ['anthropic'] },
  bedrock: { upstreams: ['bedrock'] },
} as const;

/** For generated requests, whose pictures by URL lie nowhere. */
export const withoutPictures = {
  anthropic: { ...oneEach.anthropic, env: { IMAGE_FETCH: 'off' } },
  bedrock: { ...oneEach.bedrock, env: { IMAGE_FETCH: 'off' } },
} as const;
