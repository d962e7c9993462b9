/**
 * Every exchange of a collection of real upstream traffic, through the whole server. The
 * collection lies beside the project; where it is absent (a fresh clone, say), fixtures.test.ts does the
 * same with the project's own recordings.
 */

import { existsSync, readFileSync } from 'node:fs';
import type { Recording } from './support/replay.ts';
import { describeRecordings } from './support/suite.ts';

const folder = new URL('../../shared/recordings/', import.meta.url);
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));

const index = existsSync(new URL('index.json', folder)) ? (read('index.json') as { id: string }[]) : [];

describeRecordings(
  `recorded upstream traffic (${index.length === 0 ? '../shared/recordings is absent' : index.length})`,
  index.map(({ id }) => read(`${id}.json`) as Recording),
);
