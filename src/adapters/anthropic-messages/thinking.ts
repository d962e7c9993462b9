/** The plan for thinking in Anthropic's words: `thinking`, and the effort beside it. */

import type Anthropic from '@anthropic-ai/sdk';
import type { Prompt } from '../../core/chat.ts';
import type { Model } from '../../models/model.ts';

interface Encoded {
  readonly thinking?: Anthropic.ThinkingConfigParam;
  readonly effort?: Anthropic.OutputConfig['effort'];
}

export const encodeThinking = (
  { thinking, showReasoning }: Prompt,
  { thinking: ability }: Model,
): Encoded => {
  if (ability === null) return {};
  const display = showReasoning && ability.display === 'omitted' ? ({ display: 'summarized' } as const) : {};
  switch (thinking.mode) {
    case 'default':
      // Readable reasoning must be asked for, even where the model thinks of its own accord.
      return ability.byDefault && 'display' in display ? { thinking: { type: 'adaptive', ...display } } : {};
    case 'off':
      return ability.byDefault ? { thinking: { type: 'disabled' } } : {};
    case 'between_tools':
      return { thinking: { type: 'between_tools' } };
    case 'budget':
      return { thinking: { type: 'enabled', budget_tokens: thinking.budgetTokens, ...display } };
    case 'adaptive':
      return {
        thinking: { type: 'adaptive', ...display },
        // `minimal` is no level of Anthropic's; rows never list it.
        ...(thinking.effort === undefined || thinking.effort === 'minimal'
          ? {}
          : { effort: thinking.effort }),
      };
    default:
      return thinking satisfies never;
  }
};
