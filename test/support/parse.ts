import type { Parsed } from '../../src/api/chat-api.ts';
import { type ChatContext, check, read } from '../../src/api/chat-completions/parse.ts';
import { noLongTexts } from '../../src/core/message-text.ts';

/** What a chat completions body asks for, as the server reads it. Throws the client's 400. */
export const parse = (
  body: unknown,
  headers: Parameters<typeof read>[2]['headers'] = {},
): Parsed<ChatContext> => read(check(body), body, { headers, texts: noLongTexts });
