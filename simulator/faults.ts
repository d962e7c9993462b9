import { isWithheld, type Withheld } from './bedrock/withheld.ts';
import { readDirectives } from './directives.ts';
import { digest } from './ids.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from './json.ts';
import type { Upstream } from './reply.ts';

/** `afterEvents` counts the events sent before it strikes (pings included); 0 is right after the headers. */
export type FaultKind =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly type?: string;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Bedrock has the model and does not serve it to this account; the Anthropic API answers as ever. */
  | { readonly kind: 'withheld'; readonly reason: Withheld }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'reset'; readonly afterEvents: number }
  | { readonly kind: 'end-early'; readonly afterEvents: number }
  | {
      readonly kind: 'error-event';
      readonly afterEvents: number;
      readonly type: string;
      readonly message: string;
    }
  | { readonly kind: 'garbage'; readonly afterEvents: number }
  | { readonly kind: 'bad-crc'; readonly afterEvents: number }
  | { readonly kind: 'stall'; readonly afterEvents: number; readonly ms?: number }
  | { readonly kind: 'html'; readonly status: number }
  | { readonly kind: 'unfinished-tool' };

export interface FaultScope {
  /** `bedrock` is both of Bedrock's. */
  readonly upstream?: Upstream | 'bedrock';
  /** How many requests it strikes; 1 if absent. */
  readonly times?: number;
  /** Strikes only where the model id contains this. */
  readonly model?: string;
}

export type Fault = FaultKind & FaultScope;

export const fits = (fault: FaultScope, upstream: Upstream, model: string): boolean =>
  (fault.upstream === undefined ||
    fault.upstream === upstream ||
    (fault.upstream === 'bedrock' && upstream.startsWith('bedrock'))) &&
  (fault.model === undefined || model.includes(fault.model));

const number = (value: unknown, otherwise: number): number => {
  const parsed = value === undefined ? Number.NaN : Number(value);
  return Number.isFinite(parsed) && parsed >= 0 ? parsed : otherwise;
};

type Reader = (values: Fields) => FaultKind;

/** One row per kind: how `[[fault kind key=value]]` becomes a Fault. */
const readers = {
  status: (values) => ({
    kind: 'status',
    status: Math.min(599, Math.max(400, number(values.status, 500))),
    ...(values.type === undefined ? {} : { type: textOf(values.type) }),
    ...(values.message === undefined ? {} : { message: textOf(values.message) }),
    ...(values['retry-after'] === undefined
      ? {}
      : { headers: { 'retry-after': textOf(values['retry-after']) } }),
  }),
  withheld: (values) => {
    const reason = textOf(values.reason);
    return { kind: 'withheld', reason: isWithheld(reason) ? reason : 'legacy' };
  },
  refuse: () => ({ kind: 'refuse' }),
  hang: () => ({ kind: 'hang' }),
  delay: (values) => ({ kind: 'delay', ms: number(values.ms, 1000) }),
  reset: (values) => ({ kind: 'reset', afterEvents: number(values.after, 2) }),
  'end-early': (values) => ({ kind: 'end-early', afterEvents: number(values.after, 2) }),
  'error-event': (values) => ({
    kind: 'error-event',
    afterEvents: number(values.after, 2),
    type: textOf(values.type),
    message: textOf(values.message) || 'Overloaded',
  }),
  garbage: (values) => ({ kind: 'garbage', afterEvents: number(values.after, 2) }),
  'bad-crc': (values) => ({ kind: 'bad-crc', afterEvents: number(values.after, 2) }),
  stall: (values) => ({
    kind: 'stall',
    afterEvents: number(values.after, 2),
    ...(values.ms === undefined ? {} : { ms: number(values.ms, 1000) }),
  }),
  html: (values) => ({ kind: 'html', status: number(values.status, 502) }),
  'unfinished-tool': () => ({ kind: 'unfinished-tool' }),
} satisfies Record<FaultKind['kind'], Reader>;

const isKind = (name: string): name is FaultKind['kind'] => Object.hasOwn(readers, name);

const UPSTREAMS = ['anthropic', 'bedrock', 'bedrock-invoke', 'bedrock-converse'] as const;

const scopeOf = (values: Fields): FaultScope => {
  const upstream = UPSTREAMS.find((name) => name === values.upstream);
  return {
    ...(upstream === undefined ? {} : { upstream }),
    ...(values.times === undefined ? {} : { times: number(values.times, 1) }),
    ...(values.model === undefined ? {} : { model: textOf(values.model) }),
  };
};

/** `[[fault status=529]]`, `[[fault end-early after=3]]`, `[[fault withheld reason=use-case-form]]`, `[[delay 2000]]`. */
const faultsIn = (text: string): Fault[] =>
  readDirectives(text).flatMap(({ name, words, values }): Fault[] => {
    const scope = scopeOf(values);
    if (name === 'delay') return [{ ...readers.delay({ ms: words[0] ?? values.ms }), ...scope }];
    if (name !== 'fault') return [];
    const kind = words[0] ?? (values.status === undefined ? undefined : 'status');
    return kind !== undefined && isKind(kind) ? [{ ...(readers[kind] as Reader)(values), ...scope }] : [];
  });

/** Texts of the last user turn, on either wire. */
export const lastUserText = (body: unknown): string => {
  const last = listOf(fieldsOf(body).messages)
    .filter(isFields)
    .findLast((message) => message.role === 'user');
  if (typeof last?.content === 'string') return last.content;
  return listOf(last?.content)
    .filter(isFields)
    .map((block) => textOf(block.text))
    .join('\n');
};

const REMEMBERED = 500;

/** The queue of injected faults, and a bounded count of directives that say `times`. */
export class FaultQueue {
  readonly #queue: { fault: Fault; left: number }[] = [];
  readonly #struck = new Map<string, number>();

  add(fault: Fault): void {
    this.#queue.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#queue.length = 0;
  }

  /** At most one injected fault and one delay strike a request, then what its own text asks for. */
  take(upstream: Upstream, model: string, text: string): Fault[] {
    const taken: Fault[] = [];
    const want = (delay: boolean): void => {
      const found = this.#queue.find(
        ({ fault, left }) => left > 0 && (fault.kind === 'delay') === delay && fits(fault, upstream, model),
      );
      if (found === undefined) return;
      found.left -= 1;
      if (found.left <= 0) this.#queue.splice(this.#queue.indexOf(found), 1);
      taken.push(found.fault);
    };
    want(true);
    want(false);
    const written = faultsIn(text).filter((fault) => fits(fault, upstream, model));
    return [...taken, ...written.filter((fault) => this.#mayStrike(fault, text))];
  }

  #mayStrike(fault: Fault, text: string): boolean {
    if (fault.times === undefined) return true;
    const key = digest(text, JSON.stringify(fault)).toString('hex');
    const struck = this.#struck.get(key) ?? 0;
    this.#struck.set(key, struck + 1);
    const oldest = this.#struck.keys().next().value;
    if (this.#struck.size > REMEMBERED && oldest !== undefined) this.#struck.delete(oldest);
    return struck < fault.times;
  }
}
