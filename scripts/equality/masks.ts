/**
 * What differs between two runs of one server by nature, and the fixed word that stands for it. Everything else is
 * compared to the byte. Words are numbered where the same value may stand in several places of one exchange.
 *
 *   upstream  the address of its recorder; `x-amz-date`, the day and the signature in AWS's `authorization`;
 *             `x-amz-content-sha256` and `content-length`, where they are those of the body
 *   client    `date`, `openai-processing-ms`, `x-ratelimit-reset-*` above nought; `content-length` where it is that of
 *             the body; ids made here (`req_...`, `msg_01` with hexadecimal digits); `created` of the present day;
 *             how often a silence was filled; in /metrics what tells of the process and of time
 */

import { createHash } from 'node:crypto';

export interface Masks {
  /** A header's value; `body` is that of the same message. */
  header(name: string, value: string, body: Buffer): string;
  /** A body, byte for byte a character. */
  body(bytes: Buffer): string;
}

export interface MaskOptions {
  /** Words for addresses, `host:port`. */
  readonly addresses: ReadonlyMap<string, string>;
  /** On which the servers live, ms. */
  readonly day: number;
}

const sha256 = (body: Buffer): string => createHash('sha256').update(body).digest('hex');

/** The rules for values of headers: unchanged where a rule does not apply. */
const headerRules: Readonly<Record<string, (value: string, body: Buffer) => string>> = {
  date: () => '<date>',
  'openai-processing-ms': (value) => value.replace(/^\d+$/, '<ms>'),
  'x-ratelimit-reset-requests': (value) => (value === '0s' ? value : '<wait>'),
  'x-ratelimit-reset-tokens': (value) => (value === '0s' ? value : '<wait>'),
  'x-amz-date': (value) => value.replace(/^\d{8}T\d{6}Z$/, '<date>'),
  authorization: (value) =>
    value
      .replace(/(Credential=[^/]+\/)\d{8}\//, '$1<day>/')
      .replace(/Signature=[0-9a-f]{64}$/, 'Signature=<signature>'),
  'x-amz-content-sha256': (value, body) => (value === sha256(body) ? '<hash of the body>' : value),
  'content-length': (value, body) => (value === String(body.length) ? '<length of the body>' : value),
};

const ids: readonly (readonly [word: string, pattern: RegExp])[] = [
  ['request id', /req_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g],
  ['message id', /msg_01[0-9a-f]{22}(?![0-9A-Za-z])/g],
];

/** What fills a silence: comments, chunks that say nothing, and white space before JSON. How many goes by the clock. */
const fillers =
  /(?:: keep-alive\n\n|data: \{[^\n]*"delta":\{\},"logprobs":null,"finish_reason":null\}\][^\n]*\n\n)+|^ +(?=\{)/g;

const ofProcess = /^(?:# (?:HELP|TYPE) )?(?:process_|nodejs_)[^\n]*\n+/gm;
const ofTime = /^(parley_[a-z_]*seconds[^ ]*) [^\n]*$/gm;

export const createMasks = ({ addresses, day }: MaskOptions): Masks => {
  const numbers = new Map<string, string>();
  const numbered = (word: string, id: string): string => {
    const known = numbers.get(id);
    if (known !== undefined) return known;
    const made = `<${word} ${numbers.size + 1}>`;
    numbers.set(id, made);
    return made;
  };
  const isToday = (seconds: string) => Math.abs(Number(seconds) * 1000 - day) < 3_600_000;

  const text = (given: string): string => {
    let masked = given;
    for (const [address, word] of addresses) masked = masked.replaceAll(address, word);
    for (const [word, pattern] of ids) masked = masked.replace(pattern, (id) => numbered(word, id));
    return masked;
  };

  return {
    header: (name, value, body) => headerRules[name.toLowerCase()]?.(value, body) ?? text(value),
    body: (bytes) =>
      text(bytes.toString('latin1'))
        .replace(/"created":(\d{10})(?!\d)/g, (whole, seconds: string) =>
          isToday(seconds) ? '"created":<now>' : whole,
        )
        .replace(fillers, '<fillers>')
        .replace(ofProcess, '')
        .replace(ofTime, '$1 <figure>'),
  };
};
