import { createHash } from 'node:crypto';
import type { Ask, AskTurn } from '../core/ask.ts';
import type { DocumentPart, ImagePart, Turn } from '../core/chat.ts';

/** Characters of a text or an image that tell conversations apart well enough. */
const telling = 4096;

const wordOf = (source: (ImagePart | DocumentPart)['source']): string => {
  if ('url' in source) return source.url;
  return 'text' in source ? source.text : source.data;
};

/** By the user's first words, which stay while the conversation grows. `kind`: what it is remembered for. */
export const conversationDigest = (
  kind: string,
  client: string,
  model: string,
  { turns, texts }: { readonly turns: readonly (AskTurn | Turn)[] } & Pick<Ask, 'texts'>,
): string => {
  const first = turns.find(({ role }) => role === 'user');
  const said = (first?.parts ?? []).flatMap((part) => {
    const text = part.type === 'text' ? texts.read(part.text) : 'source' in part ? wordOf(part.source) : '';
    return [text.slice(0, telling), String(text.length)];
  });
  return createHash('sha256')
    .update(JSON.stringify([kind, client, model, ...said]))
    .digest('base64url');
};
