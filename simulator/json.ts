/** Narrowing helpers for values that came off the wire. */
export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const isBlank = (text: string): boolean => text.trim() === '';

export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Each escape of a JSON text; `\\\\` as one, so that what follows it is none. */
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|.)/gs;

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** What the services' parser says about an escaped half of a surrogate pair, and where; undefined where all are whole. */
export const brokenSurrogate = (json: string): string | undefined => {
  if (!/\\u[dD]/.test(json)) return undefined;
  let high: number | undefined;
  for (const { 1: digits, index } of json.matchAll(ESCAPE)) {
    const unit = digits === undefined ? 0 : Number.parseInt(digits, 16);
    const follows = high !== undefined && index === high + 6;
    if (high !== undefined && !(follows && isLow(unit))) {
      return `${follows && digits !== undefined ? 'invalid' : 'no'} low surrogate in string: char ${high + 6}`;
    }
    if (high === undefined && isLow(unit)) return `invalid high surrogate in string: char ${index}`;
    high = isHigh(unit) ? index : undefined;
  }
  return high === undefined ? undefined : `no low surrogate in string: char ${high + 6}`;
};
