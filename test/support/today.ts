/**
 * The day the tests live on, in ms: models retire by the calendar, and a test must not fail because one has.
 */
export const today = Date.parse('2026-11-22T12:00:00Z');
