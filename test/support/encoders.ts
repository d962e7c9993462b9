import { anthropicMessages } from '../../src/adapters/anthropic-messages/index.ts';
import type { Prompt } from '../../src/core/chat.ts';
import type { Target } from '../../src/models/catalogue.ts';

/** The request a prompt becomes, as the API gets it. */
export const messagesRequest = (prompt: Prompt, target: Target) =>
  anthropicMessages.encode(prompt, target).request;
