/**
 * What had no effect, and what was changed to fit the model. A wish remembers where it stood; what is no wish of its
 * own, or has lost sight of it, is reported as a concept, which the API of the client has a name for.
 */

export type Concept =
  | 'messages'
  | 'thinking'
  | 'stop'
  | 'topK'
  | 'serviceTier'
  | 'cacheBreakpoints'
  | 'betas';

/** What an API calls the concepts, and what else is spoken of in errors. */
export type ParameterNames = Readonly<Record<Concept | 'maxTokens' | 'allowIgnored', string>>;

export interface ConceptReport {
  readonly ignored: readonly Concept[];
  readonly adjusted: readonly Concept[];
}

/** In the words of the client's API: names of parameters, headers among them, and paths of fields. */
export interface Report {
  readonly ignored: readonly string[];
  readonly adjusted: readonly string[];
}

const union = (a: readonly string[], b: readonly string[]): readonly string[] =>
  b.length === 0 ? a : [...new Set([...a, ...b])];

export const withAdjusted = ({ ignored, adjusted }: Report, name: string): Report => ({
  ignored,
  adjusted: union(adjusted, [name]),
});

/** `report` itself where nothing is added. */
export const withConcepts = (
  report: Report,
  { ignored, adjusted }: ConceptReport,
  names: ParameterNames,
): Report => {
  if (ignored.length === 0 && adjusted.length === 0) return report;
  const named = (concepts: readonly Concept[]) => concepts.map((concept) => names[concept]);
  return {
    ignored: union(report.ignored, named(ignored)),
    adjusted: union(report.adjusted, named(adjusted)),
  };
};
