/** Tools whose calls are a text: functions with one string, which is the text. Behaviour 4.7. */

import type { JsonObject } from '../../core/chat.ts';
import { closeJson } from '../../core/partial-json.ts';

/** The one parameter that stands for a custom tool's text. */
export const customInput = 'input';

export const customParameters: JsonObject = {
  type: 'object',
  properties: { [customInput]: { type: 'string' } },
  required: [customInput],
};

/** `grammar`: in words of its API's form; undefined: any text. */
export const customDescription = (
  description: string | null | undefined,
  grammar: string | undefined,
): string | undefined =>
  [description ?? '', grammar === undefined ? '' : `The input must follow this grammar: ${grammar}`]
    .filter((text) => text.trim() !== '')
    .join('\n\n') || undefined;

/** Undefined where the text is no JSON object. */
const readObject = (json: string | undefined): Record<string, unknown> | undefined => {
  if (json === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

/**
 * The text of a custom tool's call, of one that the token limit cut off as far as it came. What is no such call is
 * passed on as it is.
 */
export const customText = (callArguments: string): string => {
  const read = readObject(callArguments) ?? readObject(closeJson(callArguments));
  if (read === undefined) return callArguments;
  const text = read[customInput];
  if (typeof text === 'string') return text;
  // Called without a word, or cut off before the first.
  return Object.keys(read).length === 0 ? '' : callArguments;
};
