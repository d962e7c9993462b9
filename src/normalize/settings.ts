import type { OpenRouterFields } from '../api/chat-completions/reply.ts';
import type { ResponseFormat } from '../api/chat-completions/request.ts';
import type { CacheMark, Prompt } from '../core/chat.ts';
import type { Target } from '../models/catalogue.ts';
import type { Reporter } from './report.ts';
import type { ThinkingRequest } from './thinking.ts';

/** Everything the parameters decide; the messages make up the rest of the prompt. */
export interface Settings extends Omit<Prompt, 'system' | 'turns' | 'texts' | 'betas' | 'cache'> {
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly includeCost: boolean;
  readonly includeReasoning: boolean;
  /** The parameter that decided whether reasoning is shown; undefined: the operator's default. */
  readonly reasoningShownBy: string | undefined;
  /** Which of OpenRouter's fields shown reasoning stands in too, for clients that ask in OpenRouter's form. */
  readonly openRouterReasoning: OpenRouterFields;
  /** The parameter the caller's cap came from, if there is one. */
  readonly maxTokensFrom: string | undefined;
  /** What decided about thinking, if anything did. */
  readonly thinkingRequest: ThinkingRequest | undefined;
  readonly responseFormat: ResponseFormat;
  readonly allowIgnored: boolean;
  /** The caller's mark on the prompt as a whole. */
  readonly cacheWhole: CacheMark | undefined;
  /** Time-to-live of the marks the server sets by itself. */
  readonly cacheTtl: '5m' | '1h';
}

/** While they are decided, one after the other; not seen by anything else yet. */
export type SettingsDraft = { -readonly [Name in keyof Settings]: Settings[Name] };

export interface Context {
  readonly target: Target;
  readonly settings: Settings;
  readonly report: Reporter;
  /** The parameter's name, for reports and errors. */
  readonly name: string;
}
