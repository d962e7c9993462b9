/**
 * Every exchange of a collection of real upstream traffic, through the whole server. The
 * collection lies beside the project; where it is absent (a fresh clone, say), fixtures.test.ts does the
 * same with the project's own recordings.
 */

import { readSharedRecordings } from './support/recorded.ts';
import { describeRecordings } from './support/suite.ts';

const recordings = readSharedRecordings();

describeRecordings(
  `recorded upstream traffic (${recordings.length === 0 ? '../shared/recordings is absent' : recordings.length})`,
  recordings,
);
