import type { ErrorShape } from '../../core/errors.ts';

/** OpenAI's body of an error, all four keys always. Behaviour 1.3. */
export const openAiErrorBody: ErrorShape = ({ message, type, param, code }) => ({
  error: { message, type, param, code },
});
