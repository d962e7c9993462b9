import type { Choice } from './ask.ts';

/** The last line of a system prompt, or of the user's turn, that says a tool has to be called. */
const ORDER =
  /\bhave to call (?:(?:the tool|one of these tools:) "([^"]{1,64})"|one of the tools)[^\n]{0,3000}$/i;

/** Models that cannot be forced still follow instructions: the order stands for `any`, or for the first tool it names. */
export const choiceAsTold = (choice: Choice, system: string, words: string): Choice => {
  if (choice.type !== 'auto') return choice;
  const order = ORDER.exec(words.slice(-4000)) ?? ORDER.exec(system.slice(-500));
  if (order === null) return choice;
  const [, name] = order;
  return name === undefined ? { ...choice, type: 'any' } : { ...choice, type: 'tool', name };
};
