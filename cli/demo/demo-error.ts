/** Shown to a person as one sentence, without a stack. */
export class DemoError extends Error {}
