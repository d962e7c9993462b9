/**
 * What an upstream's words mean, where its status and the name of its error do not say it. One row for each way of
 * saying it. Whether a meaning counts depends on the status as well: providers/errors.ts and pipeline/correction.ts
 * ask for it. `source` says who writes so.
 */

interface ErrorPattern {
  readonly pattern: RegExp;
  readonly means: Meaning;
  readonly source: string;
}

export type Meaning =
  /** A tool call of the model did not come out as one. */
  | 'unreadable tool call'
  /** The prompt, or prompt and answer together, pass the model's window. */
  | 'context too long'
  /** An id that means nothing to the upstream, which then says no more than that. */
  | 'unknown model id'
  /** A model that the upstream has and does not give us. */
  | 'withheld model'
  /** A 404 that says nothing beyond its status. */
  | 'bare not found'
  /** The operator's money or limit of spending. */
  | 'money spent'
  /** The operator's share of use, which does not come back in seconds. */
  | 'quota spent'
  /** Thinking blocks that another model or account signed, or that something on the way altered. */
  | 'thinking refused'
  /** Thinking blocks of another conversation, or of this one before it was changed. */
  | 'thinking misplaced'
  /** A turn that has to begin with thinking does not. */
  | 'thinking demanded';

export const errorPatterns: readonly ErrorPattern[] = [
  {
    pattern: /tool ?use/i,
    means: 'unreadable tool call',
    source: 'Nova, with 424: "The model produced an invalid sequence as part of ToolUse."',
  },

  {
    pattern: /prompt is too long/i,
    means: 'context too long',
    source:
      'Claude: "prompt is too long: 210000 tokens > 200000 maximum", behind words of Bedrock\'s there (github.com/daisuke-awaji/moca/issues/254)',
  },
  {
    pattern: /exceed(s|ed)? (the )?(model'?s? )?(maximum )?context (limit|window|length)/i,
    means: 'context too long',
    source:
      'Claude, of prompt and answer together: "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000"',
  },
  {
    pattern: /input tokens exceeded/i,
    means: 'context too long',
    source: 'Nova: "Input Tokens Exceeded: ..."',
  },
  {
    pattern: /input is too long/i,
    means: 'context too long',
    source: 'Bedrock: "Input is too long for requested model."',
  },
  {
    pattern: /maximum context length is \d/i,
    means: 'context too long',
    source: 'OpenAI-like servers (github.com/evalstate/fast-agent/issues/621)',
  },
  { pattern: /too many total text bytes/i, means: 'context too long', source: 'not traced to a report' },

  {
    pattern: /model identifier is invalid/i,
    means: 'unknown model id',
    source: 'Bedrock, with 400: "The provided model identifier is invalid."',
  },

  // Most come as a 404, some as a 400 or 403. The apostrophe is a typographic one in some of them.
  {
    pattern: /on-demand throughput isn.t supported/i,
    means: 'withheld model',
    source: 'Bedrock, of a model that is had as a profile alone',
  },
  {
    pattern: /model version has reached the end of its life/i,
    means: 'withheld model',
    source: 'Bedrock, of a retired model',
  },
  {
    pattern: /marked by provider as legacy/i,
    means: 'withheld model',
    source: 'Bedrock, of an old model that the account has not used for a month',
  },
  {
    pattern: /use case details have not been submitted/i,
    means: 'withheld model',
    source: 'Bedrock, before the form that Anthropic wants is filled in',
  },
  {
    pattern: /data retention mode '[\w-]*' is not available/i,
    means: 'withheld model',
    source: "Bedrock, of a model that requires another retention than the account's",
  },
  {
    pattern: /action doesn.t support the model/i,
    means: 'withheld model',
    source: 'Bedrock, of a model that has not this operation',
  },

  {
    pattern: /^(model: \S+|(the )?(requested )?(model|resource) .{0,200}not found\.?|not found\.?|\s*)$/i,
    means: 'bare not found',
    source: 'all; Anthropic has the id in it: "model: claude-9"',
  },

  // Said with a 400 as well, where looser words would meet the client's own: a tool may be called `quota`.
  {
    pattern: /credit balance is too low/i,
    means: 'money spent',
    source: 'Anthropic: "Your credit balance is too low to access the Anthropic API."',
  },
  {
    pattern: /reached your specified (api )?usage limits/i,
    means: 'money spent',
    source: 'Anthropic: "You have reached your specified API usage limits."',
  },

  {
    pattern: /too many tokens per day/i,
    means: 'quota spent',
    source: 'Bedrock, with 429: "Too many tokens per day, please wait before trying again."',
  },
  { pattern: /spend limit/i, means: 'quota spent', source: 'with 429; not traced to a report' },
  { pattern: /quota/i, means: 'quota spent', source: 'with 429: "You have exceeded your current quota."' },

  {
    pattern: /invalid `?(signature|data)`? in `?(redacted_)?thinking`? block/i,
    means: 'thinking refused',
    source: 'Claude (github.com/lbjlaq/Antigravity-Manager/issues/498)',
  },
  {
    pattern: /`?redacted_thinking`? blocks in the latest assistant message cannot be modified/i,
    means: 'thinking refused',
    source: 'Claude (github.com/anthropics/claude-code/issues/63246)',
  },
  {
    pattern: /bound to a different conversation/i,
    means: 'thinking misplaced',
    source:
      'Claude, of preserved thinking: "... Invalid `signature` in `thinking` block. The block is bound to a different conversation."',
  },
  {
    pattern: /expected `?thinking`? or `?redacted_thinking`?/i,
    means: 'thinking demanded',
    source: 'Claude: "Expected `thinking` or `redacted_thinking`, but found `tool_use`"',
  },
];

export const says = (words: string, meaning: Meaning): boolean =>
  errorPatterns.some(({ means, pattern }) => means === meaning && pattern.test(words));

/** Tokens the window has beside the prompt: `... exceed context limit: 190000 + 32000 > 200000` -> 10000. */
export const roomLeft = (words: string): number | undefined => {
  const found = /context limit: (\d{1,9}) \+ \d{1,9} > (\d{1,9})/.exec(words);
  if (found === null) return undefined;
  const room = Number(found[2]) - Number(found[1]);
  return room > 0 ? room : undefined;
};
