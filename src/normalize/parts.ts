import type { Part, Turn } from '../chat.ts';

/** All parts of one kind, in order. A loop, because `flatMap` costs several times as much on a long history. */
export const partsOf = <Kind extends Part>(
  turns: readonly Turn[],
  isKind: (part: Part) => part is Kind,
): readonly Kind[] => {
  const found: Kind[] = [];
  for (const { parts } of turns) for (const part of parts) if (isKind(part)) found.push(part);
  return found;
};
