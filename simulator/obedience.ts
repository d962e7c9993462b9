import type { Choice } from './ask.ts';

/** The last line of a system prompt that says a tool has to be called. */
const ORDER = /\bhave to call (?:the tool|one of the tools)\b[^\n]{0,300}$/i;

/** Models that cannot be forced still follow instructions: the order stands for `any`. */
export const choiceAsTold = (choice: Choice, system: string): Choice =>
  choice.type === 'auto' && ORDER.test(system.slice(-500)) ? { ...choice, type: 'any' } : choice;
