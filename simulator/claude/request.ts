import type { Fields } from '../json.ts';
import type { ClaudeModel } from '../models.ts';

/** A Messages request on one of its three ways in. */
export interface ClaudeRequest {
  readonly body: Fields;
  readonly model: ClaudeModel;
  /** `anthropic-version`: a header on the API, a body field on Bedrock. */
  readonly version: string;
  /** Features switched on by name: the header `anthropic-beta` on the API, a body field on Bedrock. */
  readonly betas: readonly string[];
  readonly via: 'api' | 'invoke' | 'converse';
  readonly stream: boolean;
  /** Of an account made since 2026-08-31, for which preserved thinking is checked: its key says `new-account`. */
  readonly isNewAccount: boolean;
}

export type ThinkingMode = 'off' | 'enabled' | 'adaptive' | 'between_tools';

/** What the request's `thinking` comes to, the model's default included. */
export const thinkingMode = ({ body, model }: ClaudeRequest): ThinkingMode => {
  const given = body.thinking;
  if (typeof given !== 'object' || given === null) {
    return model.thinksByDefault && body.max_tokens !== 0 ? 'adaptive' : 'off';
  }
  const { type } = given as Fields;
  return type === 'enabled' || type === 'adaptive' || type === 'between_tools' ? type : 'off';
};
