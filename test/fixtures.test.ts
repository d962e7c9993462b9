/** The project's own recordings of upstream traffic through the whole server; see fixtures/README.md. */

import { readOwnRecordings } from './support/recorded.ts';
import { describeRecordings } from './support/suite.ts';

describeRecordings('our own recordings', readOwnRecordings());
