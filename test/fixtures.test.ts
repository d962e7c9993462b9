/** The project's own recordings of upstream traffic through the whole server; see fixtures/README.md. */

import { readdirSync, readFileSync } from 'node:fs';
import type { Recording } from './support/replay.ts';
import { describeRecordings } from './support/suite.ts';

const folder = new URL('./fixtures/', import.meta.url);

describeRecordings(
  'our own recordings',
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recording),
);
