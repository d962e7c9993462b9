/**
 * Thinking that is bound to what stood before it is bound to how we wrote that. So that a conversation keeps its thinking
 * when another upstream takes it over, its prompts are written with what all of them take. Behaviour 5.10.
 */

import type { Model, Quirks } from './model.ts';

/** The same conversation is written alike at all of these endpoints: what shapes a prompt is as where it can do least. */
export const writtenAlike = <Served extends { readonly endpoint: Model['endpoints'][number] }>(
  { bindsThinking }: Model,
  served: readonly Served[],
): readonly Served[] => {
  if (bindsThinking === 'never' || served.length < 2) return served;
  const all = served.map(({ endpoint }) => endpoint.quirks);
  const shaping = {
    midSystem: all.every(({ midSystem }) => midSystem),
    imageUrls: all.every(({ imageUrls }) => imageUrls),
    strictTools: all.every(({ strictTools }) => strictTools),
    callIds: all.some(({ callIds }) => callIds === 'narrow') ? 'narrow' : 'wide',
    schemas: all.some(({ schemas }) => schemas === 'reduced') ? 'reduced' : 'whole',
  } satisfies Partial<Quirks>;
  return served.map((each) => ({
    ...each,
    endpoint: { ...each.endpoint, quirks: { ...each.endpoint.quirks, ...shaping } },
  }));
};
