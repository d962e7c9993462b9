/** The instruction for a model that has to call a tool and cannot be forced to. Behaviour 4.3. */

import type { Prompt, TextPart } from '../core/chat.ts';
import { textPart } from '../core/message-text.ts';
import type { Names } from './names.ts';

const instruction = (names: readonly string[]): string =>
  names.length === 1
    ? `You have to call the tool "${names[0]}" in your next answer. Do not answer in words instead.`
    : 'You have to call one of the tools in your next answer. Do not answer in words instead.';

/** The system's text with the line, last: what stands before it stays the same and stays cached. */
export const withCallInstruction = (
  { system, tools, toolChoice }: Prompt,
  names: Names,
): readonly TextPart[] =>
  toolChoice.type === 'instructed' && tools.length > 0
    ? [...system, textPart(instruction(tools.map(({ name }) => names.send(name))))]
    : system;
