import { claude } from '../../src/adapters/anthropic-messages/index.ts';
import type { Prompt } from '../../src/core/chat.ts';
import type { Target } from '../../src/models/catalogue.ts';

/** The request a prompt becomes, as the API gets it. */
export const anthropicMessages = (prompt: Prompt, target: Target) => claude.encode(prompt, target).request;
