/** Lines for a model that has to call a tool, or may call some alone, and cannot be bound to that. Behaviour 4.3. */

import type { CallInstructionPart, Prompt, TextPart } from '../core/chat.ts';
import { textPart } from '../core/message-text.ts';
import type { Names } from './names.ts';

const demand = (subject: string): string =>
  `You have to call ${subject} in your next answer. Do not answer in words instead.`;

const listed = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');

const line = (names: readonly string[], isDemanded: boolean): string => {
  const [only, ...more] = names;
  if (!isDemanded) return `In your next answer you may call no tools but these: ${listed(names)}.`;
  if (only === undefined) return demand('one of the tools');
  return demand(more.length === 0 ? `the tool "${only}"` : `one of these tools: ${listed(names)}`);
};

/** The line in words, with the names that the upstream knows. */
export const callInstruction = ({ tools, isDemanded, cache }: CallInstructionPart, names: Names): TextPart =>
  textPart(line(tools.map(names.send), isDemanded), cache);

/** The system's text with the line, last: what stands before it stays the same and stays cached. */
export const withCallInstruction = (
  { system, tools, toolChoice }: Prompt,
  names: Names,
): readonly TextPart[] => {
  if (toolChoice.type !== 'instructed' || tools.length === 0) return system;
  const [only, ...more] = tools;
  const named = only !== undefined && more.length === 0 ? [only.name] : [];
  return [...system, callInstruction({ type: 'call-instruction', isDemanded: true, tools: named }, names)];
};
