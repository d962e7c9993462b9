import { refuse, refuseAws } from '../refusal.ts';

/** The features of the API that are switched on by name; what is not among them fails the request. */
const API = new Set([
  'advanced-tool-use-2025-11-20',
  'claude-code-20250219',
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'dev-full-thinking-2025-05-14',
  'effort-2025-11-24',
  'extended-cache-ttl-2025-04-11',
  'fast-mode-2026-02-01',
  'fine-grained-tool-streaming-2025-05-14',
  'interleaved-thinking-2025-05-14',
  'mid-conversation-system-2026-04-07',
  'output-128k-2025-02-19',
  'prompt-caching-scope-2026-01-05',
  'redact-thinking-2026-02-12',
  'request-tags-2026-08-21',
  'structured-outputs-2025-12-15',
  'task-budgets-2026-03-13',
  'thinking-binding-controls-2026-08-01',
  'token-counting-2024-11-01',
  'token-efficient-tools-2025-02-19',
  'tool-examples-2025-10-29',
  'tool-search-tool-2025-10-19',
]);

const BEDROCK = new Set([
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'dev-full-thinking-2025-05-14',
  'effort-2025-11-24',
  'interleaved-thinking-2025-05-14',
  'output-128k-2025-02-19',
  'thinking-binding-controls-2026-08-01',
  'token-efficient-tools-2025-02-19',
  'tool-examples-2025-10-29',
  'tool-search-tool-2025-10-19',
]);

/** The `anthropic-beta` header. */
export const apiBetas = (header: string | string[] | undefined): readonly string[] => {
  const names = (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.filter((name) => !API.has(name));
  if (unknown.length > 0) {
    refuse(
      `Unexpected value(s) ${unknown.map((name) => `\`${name}\``).join(', ')} for the \`anthropic-beta\` header. Please consult our documentation at docs.claude.com or try again without the header.`,
    );
  }
  return names;
};

/** The body's `anthropic_beta`, in Invoke or among Converse's additional fields. */
export const bedrockBetas = (given: unknown): readonly string[] => {
  if (given === undefined) return [];
  if (!Array.isArray(given) || !given.every((name) => typeof name === 'string'))
    return refuseAws('anthropic_beta: Input should be a valid list of strings');
  if (!given.every((name) => BEDROCK.has(name))) refuseAws('invalid beta flag');
  return given;
};
