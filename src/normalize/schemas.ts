/** A client's schema, checked before anything is made of it. */

import type { JsonObject } from '../core/chat.ts';
import { invalidRequest } from '../core/errors.ts';
import { measure, SchemaTooLarge } from '../json-schema/bounds.ts';
import { toDraft2020 } from '../json-schema/drafts.ts';
import { MalformedSchema, wellFormed } from '../json-schema/well-formed.ts';
import type { Quirks } from '../models/model.ts';

/** Runs a step that walks a client's schema; what is wrong with it is the client's mistake, at its path. */
export const walking = <Result>(path: string, walk: () => Result): Result => {
  try {
    return walk();
  } catch (error) {
    if (error instanceof MalformedSchema)
      throw invalidRequest(`${error.path}: ${error.expected}.`, error.path);
    if (!(error instanceof SchemaTooLarge)) throw error;
    throw invalidRequest(`${path}: is too large or too deeply nested. Simplify it.`, path);
  }
};

/** A checked schema in the draft that the model's API reads. Those that are reduced are rewritten anyway. */
export const currentDraft = (schema: JsonObject, { schemas }: Quirks): JsonObject =>
  schemas === 'whole' ? toDraft2020(schema) : schema;

/** Those that go whole must be built well. Of those that are reduced, what makes no sense is left out. */
export const readSchema = (schema: JsonObject, path: string, { schemas }: Quirks): JsonObject =>
  walking(path, () => {
    if (schemas === 'whole') return wellFormed(schema, path);
    // Too large is too large for either; the answer's check would find out only when it is too late for a 400.
    measure(schema);
    return schema;
  });
