/** JSON texts that arrived together, parsed together. */

export interface JsonBatch {
  readonly events: readonly unknown[];
  /** What followed the events is no JSON. */
  readonly broken: boolean;
}

const parseEach = (texts: readonly string[]): JsonBatch => {
  const events: unknown[] = [];
  for (const text of texts) {
    try {
      events.push(JSON.parse(text));
    } catch {
      return { events, broken: true };
    }
  }
  return { events, broken: false };
};

/** All of them at once, which costs half as much as one by one; where that does not come out even, one by one.
 * (What is JSON only together could pass for events; none of them would be one that a decoder knows.) */
export const parseAll = (texts: readonly string[]): JsonBatch => {
  if (texts.length > 1) {
    try {
      const events = JSON.parse(`[${texts.join(',')}]`) as unknown[];
      if (events.length === texts.length) return { events, broken: false };
    } catch {
      // One of them is no JSON, and those before it still count.
    }
  }
  return parseEach(texts);
};
