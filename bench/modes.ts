/** How the fake upstream answers, one mode at a time, and how it is told. */

interface ModeRow {
  readonly writes: 'plain' | 'burst' | 'split' | 'paced';
  /** Ms between writes. */
  readonly gap: number;
}

export const modes = {
  /** JSON in one piece. */
  plain: { writes: 'plain', gap: 0 },
  /** A whole stream in one write. */
  burst: { writes: 'burst', gap: 0 },
  /** A delta each 20 ms. */
  paced: { writes: 'paced', gap: 20 },
  /** The first delta at once, the rest together a little later. */
  brief: { writes: 'split', gap: 5 },
  /** A delta each second, until all are let go and end at once. */
  held: { writes: 'paced', gap: 1000 },
} satisfies Record<string, ModeRow>;

export type Mode = keyof typeof modes;

export interface UpstreamOrder {
  readonly mode?: Mode;
  readonly release?: boolean;
}
