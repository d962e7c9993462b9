/** The arguments of a call that a client sends back. Behaviour 4.5. */

import type { JsonObject } from '../../core/chat.ts';
import { invalidRequest } from '../../core/errors.ts';
import { closeJson } from '../../core/partial-json.ts';
import { parseJson } from '../../core/surrogates.ts';
import { isTooDeep } from '../../json-schema/bounds.ts';

/** Undefined where it is no JSON. */
const readJson = (json: string | undefined): unknown => {
  if (json === undefined) return undefined;
  try {
    return parseJson(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/** The client has a call that the token limit cut off from us: refused, it would end the conversation for ever. */
const readCutArguments = (value: string, onCut: () => void): unknown => {
  const parsed = readJson(closeJson(value));
  if (parsed !== undefined) onCut();
  return parsed;
};

/** `onCut`: notified of arguments that break off. Throws 400 with `path` for what is no JSON object. */
export const readArguments = (
  value: string | null | undefined,
  path: string,
  onCut: () => void,
): JsonObject => {
  if (value === null || value === undefined || value.trim() === '') return {};
  const parsed = readJson(value) ?? readCutArguments(value, onCut);
  if (isTooDeep(parsed)) throw invalidRequest(`${path}: is nested too deeply.`, path);
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as JsonObject;
  throw invalidRequest(`${path}: must be the text of a JSON object, as the model wrote it.`, path);
};
