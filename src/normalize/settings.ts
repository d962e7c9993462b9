import type { AskThinking } from '../core/ask.ts';
import type { CacheBreakpoint, CallInstructionPart, Prompt } from '../core/chat.ts';

/** Everything that is decided about a prompt at its target; the messages make up the rest. */
export interface Settings
  extends Omit<Prompt, 'system' | 'turns' | 'texts' | 'betas' | 'cache' | 'forMemory'> {
  /** Whether the client sees the reasoning. */
  readonly includeReasoning: boolean;
  /** What decided that; undefined: the operator's default. */
  readonly reasoningShownBy: string | undefined;
  /** Whether the model signs its reasoning, so that there are blocks to show. */
  readonly reasoningIsSigned: boolean;
  /** Where the client's cap stands, if there is one. */
  readonly maxTokensFrom: string | undefined;
  /** What decided about thinking, if anything did. */
  readonly thinkingRequest: AskThinking | undefined;
  /** What is said about calls in words, last in the user's turn; undefined: nothing. */
  readonly callInstruction: CallInstructionPart | undefined;
  /** The client's breakpoint on the prompt as a whole. */
  readonly cacheWhole: CacheBreakpoint | undefined;
  /** Time-to-live of the breakpoints the server sets by itself. */
  readonly cacheTtl: '5m' | '1h';
}

/** While they are decided, one after the other; not seen by anything else yet. */
export type SettingsDraft = { -readonly [Name in keyof Settings]: Settings[Name] };
