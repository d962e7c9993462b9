/** Every recording, told whole, in pieces, by half and lost in the middle. */

import { readExpected } from '../../../test/support/expected.ts';
import {
  cutsOf,
  longCap,
  modelRow,
  readOwnRecordings,
  readSharedRecordings,
  requestFor,
  streaming,
} from '../../../test/support/recorded.ts';
import type { Cut, Recording } from '../../../test/support/replay.ts';
import { bothUpstreams, type Case, type Group, single } from '../kind.ts';

export const recordings: readonly Recording[] = [...readOwnRecordings(), ...readSharedRecordings()];

interface Told {
  readonly recording: Recording;
  readonly cut: Cut;
}

/** What breaks off is a failure, and servers learn from failures. */
const isFailure = ({ recording, cut }: Told): boolean =>
  typeof cut === 'string' || readExpected(recording).kind === 'error';

const casesOf = ({ recording, cut }: Told): readonly Case[] => {
  const plain = single('replay', `${recording.id}, cut ${cut}, plain`, {
    body: requestFor(recording, cut, recording.stream ? { max_tokens: longCap } : {}),
  });
  const streamed = single('replay', `${recording.id}, cut ${cut}, streamed`, {
    body: requestFor(recording, cut, streaming),
  });
  // An answer in one piece is none to a stream; a refusal is.
  return recording.stream || recording.status !== 200 ? [plain, streamed] : [plain];
};

const groupOf = (name: string, upstreamUrl: string, told: readonly Told[]): Group => ({
  upstreamUrl,
  // What was said before a failure is lost where both come in one piece, and what is one piece is the network's affair.
  isTimed: true,
  servers: {
    replay: {
      upstreams: bothUpstreams,
      // What is recorded once is asked once.
      env: { MAX_RETRIES: '0' },
      models: told.map(({ recording, cut }) => modelRow(recording, cut)),
    },
  },
  kinds: [{ name, cases: told.flatMap(casesOf) }],
});

export const recordedGroups = (replayUrl: string): readonly Group[] => {
  const all = recordings.flatMap((recording) => cutsOf(recording).map((cut) => ({ recording, cut })));
  return [
    groupOf(
      'recordings',
      replayUrl,
      all.filter((told) => !isFailure(told)),
    ),
    groupOf('recorded failures', replayUrl, all.filter(isFailure)),
  ];
};
