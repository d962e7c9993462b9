/** About four characters a token, as good as any estimate here and easy to reckon with in a test. */
export const countTokens = (text: string): number => Math.ceil(text.length / 4);

/** The longest head of `text` that is worth `tokens`, never half a surrogate pair. */
export const cutToTokens = (text: string, tokens: number): string => {
  const end = Math.min(text.length, Math.max(0, tokens) * 4);
  const code = text.charCodeAt(end - 1);
  return text.slice(0, code >= 0xd800 && code <= 0xdbff ? end - 1 : end);
};

/** Uneven pieces, as a stream delivers them: a few words each, never half a character. */
export const splitText = (text: string, next: (below: number) => number): string[] => {
  const words = text.match(/\s*\S+\s*$|\s*\S+|\s+/gu) ?? [];
  const pieces: string[] = [];
  for (let at = 0; at < words.length; ) {
    const count = 1 + next(5);
    pieces.push(words.slice(at, at + count).join(''));
    at += count;
  }
  return pieces;
};

/** As `splitText`, for JSON: by characters. */
export const splitJson = (text: string, next: (below: number) => number): string[] => {
  const characters = Array.from(text);
  const pieces: string[] = [];
  for (let at = 0; at < characters.length; ) {
    const count = 4 + next(14);
    pieces.push(characters.slice(at, at + count).join(''));
    at += count;
  }
  return pieces;
};
