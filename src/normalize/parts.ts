import type { Part, ToolCallPart, Turn } from '../core/chat.ts';

export const isCall = (part: Part): part is ToolCallPart => part.type === 'tool-call';

/** All parts of one kind, in order. A loop, because `flatMap` costs several times as much on a long history. */
export const partsOf = <Kind extends Part>(
  turns: readonly Turn[],
  isKind: (part: Part) => part is Kind,
): readonly Kind[] => {
  const found: Kind[] = [];
  for (const { parts } of turns) for (const part of parts) if (isKind(part)) found.push(part);
  return found;
};
