import { createHash } from 'node:crypto';
import type { Ask, AskTurn } from '../core/ask.ts';
import type { Turn } from '../core/chat.ts';

/** Characters of a text that tell conversations apart well enough. */
const telling = 4096;

/** By the user's first words, which stay while the conversation grows. `kind`: what it is remembered for. */
export const conversationDigest = (
  kind: string,
  client: string,
  model: string,
  { turns, texts }: { readonly turns: readonly (AskTurn | Turn)[] } & Pick<Ask, 'texts'>,
): string => {
  const first = turns.find(({ role }) => role === 'user');
  const words = (first?.parts ?? []).flatMap((part) => {
    if (part.type !== 'text') return [];
    const text = texts.read(part.text);
    return [text.slice(0, telling), String(text.length)];
  });
  return createHash('sha256')
    .update(JSON.stringify([kind, client, model, ...words]))
    .digest('base64url');
};
