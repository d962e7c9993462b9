/**
 * Half a surrogate pair, as clients write that cut texts by UTF-16 units: JSON can escape one, UTF-8 has no place for
 * it, and the upstreams refuse the whole request ("no low surrogate in string", github.com/anthropics/claude-code/issues/3277).
 * It becomes U+FFFD where JSON is read, so that nothing behind has to know of it. Behaviour 3.1.
 */

/** Only an escape can bring one: what is no valid UTF-8 becomes U+FFFD when it is decoded. */
const surrogateEscape = /\\u[dD][89a-fA-F]/;

/** An escaped backslash, a whole pair, or what is neither and so a half of one. */
const escapes = /\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]|(\\u[dD][89a-fA-F])/g;

/** Most escapes are whole pairs, from clients that write all that is not ASCII so: for them nothing is walked. */
const holdsHalf = (json: string): boolean => {
  if (!surrogateEscape.test(json)) return false;
  for (const [, half] of json.matchAll(escapes)) if (half !== undefined) return true;
  return false;
};

const repairFields = (fields: Record<string, unknown>, open: object[]): void => {
  for (const [key, value] of Object.entries(fields)) {
    const name = key.toWellFormed();
    const repaired = typeof value === 'string' ? value.toWellFormed() : value;
    if (name !== key) delete fields[key];
    if (name !== key || repaired !== value) fields[name] = repaired;
    if (typeof repaired === 'object' && repaired !== null) open.push(repaired);
  }
};

/** In place, and by a list instead of recursion: a client's JSON may be nested deeper than the stack is. */
const repair = (parsed: unknown): unknown => {
  if (typeof parsed === 'string') return parsed.toWellFormed();
  const open: object[] = typeof parsed === 'object' && parsed !== null ? [parsed] : [];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    repairFields(next as Record<string, unknown>, open);
  }
  return parsed;
};

/** A client's JSON text, every string of it, keys too, in whole characters. Throws a SyntaxError as `JSON.parse` does. */
export const parseJson = (json: string): unknown => {
  const parsed: unknown = JSON.parse(json);
  return holdsHalf(json) ? repair(parsed) : parsed;
};
