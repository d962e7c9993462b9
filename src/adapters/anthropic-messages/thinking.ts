/** The plan for thinking in Anthropic's words: `thinking`, and the effort beside it. */

import type Anthropic from '@anthropic-ai/sdk';
import type { Prompt } from '../../core/chat.ts';
import type { Model } from '../../models/model.ts';

/** With what only the beta types have. */
type ThinkingConfig = Anthropic.ThinkingConfigParam & {
  readonly block_binding?: { readonly prefix_mismatch_behavior: 'error' | 'drop_block' };
};

interface Encoded {
  readonly thinking?: ThinkingConfig;
  readonly effort?: Anthropic.OutputConfig['effort'];
}

/** The beta that the field belongs to; by itself it asks for reports of what was dropped. */
export const bindingBeta = 'thinking-binding-controls-2026-08-01';

const behaviours = { drop: 'drop_block', refuse: 'error' } as const;

export const encodeThinking = (
  { thinking, misplacedThinking, showReasoning }: Prompt,
  { thinking: ability }: Model,
): Encoded => {
  if (ability === null) return {};
  const binding =
    misplacedThinking === undefined
      ? {}
      : { block_binding: { prefix_mismatch_behavior: behaviours[misplacedThinking] } };
  const display = showReasoning && ability.display === 'omitted' ? ({ display: 'summarized' } as const) : {};
  switch (thinking.mode) {
    case 'default':
      // Readable reasoning must be asked for, even where the model thinks of its own accord.
      return ability.byDefault && ('display' in display || 'block_binding' in binding)
        ? { thinking: { type: 'adaptive', ...display, ...binding } }
        : {};
    case 'off':
      return ability.byDefault ? { thinking: { type: 'disabled' } } : {};
    case 'between_tools':
      return { thinking: { type: 'between_tools' } };
    case 'budget':
      return { thinking: { type: 'enabled', budget_tokens: thinking.budgetTokens, ...display, ...binding } };
    case 'adaptive':
      return {
        thinking: { type: 'adaptive', ...display, ...binding },
        // `minimal` is no level of Anthropic's; rows never list it.
        ...(thinking.effort === undefined || thinking.effort === 'minimal'
          ? {}
          : { effort: thinking.effort }),
      };
    default:
      return thinking satisfies never;
  }
};
