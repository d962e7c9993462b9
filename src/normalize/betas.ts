/**
 * The client's `anthropic-beta` header: features of Anthropic's API that are switched on by name. The API itself
 * knows which there are; Bedrock fails a request for one name that it does not know. Behaviour 2.
 */

import type { Endpoint } from '../models/model.ts';
import type { Reporter } from './report.ts';

/**
 * Known to Bedrock, as far as its model knows them. `extended-cache-ttl-2025-04-11` is refused there
 * (github.com/anthropics/claude-code/issues/56595).
 */
const knownToBedrock: ReadonlySet<string> = new Set([
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'thinking-binding-controls-2026-08-01',
  'token-efficient-tools-2025-02-19',
  'interleaved-thinking-2025-05-14',
  'output-128k-2025-02-19',
  'dev-full-thinking-2025-05-14',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'effort-2025-11-24',
  'tool-search-tool-2025-10-19',
  'tool-examples-2025-10-29',
]);

/** Those that the upstream can be sent; whether some cannot is reported. */
export const selectBetas = (
  betas: readonly string[],
  { quirks }: Endpoint,
  report: Reporter,
): readonly string[] => {
  if (betas.length === 0 || quirks.betas === 'any') return betas;
  const sent = quirks.betas === 'listed' ? betas.filter((name) => knownToBedrock.has(name)) : [];
  if (sent.length < betas.length) report.ignore(report.nameOf('betas'));
  return sent;
};
