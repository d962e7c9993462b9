import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signatures the way the API has them: opaque, long, made for a model and bound to what stood before the block, checked
 * when it comes back. One key for all simulators of a process: what may read a block is decided by what it was made for.
 */
const KEY = 'parley simulator';
const HEADER = Buffer.from('12b5010a460804180222', 'hex');
const NONCE = 16;
const MAC = 64;

/** What a block was made after. Digests in hexadecimal. */
export interface Binding {
  /** Who asked: an organisation at the API, an AWS account. */
  readonly account: string;
  readonly system: string;
  readonly tools: string;
  /** Of all that was said before, thinking aside. */
  readonly messages: string;
  /** The thinking block before it, that was sent or made; '' where there was none. */
  readonly previous: string;
}

export interface SealedBlock {
  readonly model: string;
  /** Undefined in blocks of tests, which fit everywhere. */
  readonly binding: Binding | undefined;
}

type Kind = 'thinking' | 'redacted';

const macOf = (kind: Kind, text: string, sealed: Buffer): Buffer =>
  createHmac('sha512', KEY).update(`${kind}\0${text}\0`).update(sealed).digest();

const seal = (kind: Kind, text: string, seed: string, block: SealedBlock): string => {
  const nonce = createHmac('sha256', KEY).update(`${seed}\0${text}`).digest().subarray(0, NONCE);
  const content = Buffer.concat([nonce, Buffer.from(JSON.stringify(block))]);
  return Buffer.concat([HEADER, macOf(kind, text, content), content]).toString('base64');
};

const open = (kind: Kind, text: string, sealed: string): SealedBlock | undefined => {
  const bytes = Buffer.from(sealed, 'base64');
  const mac = bytes.subarray(HEADER.length, HEADER.length + MAC);
  const content = bytes.subarray(HEADER.length + MAC);
  if (bytes.toString('base64') !== sealed || mac.length < MAC) return undefined;
  if (!timingSafeEqual(mac, macOf(kind, text, content))) return undefined;
  return JSON.parse(content.subarray(NONCE).toString('utf8')) as SealedBlock;
};

export const signThinking = (model: string, text: string, seed: string, binding?: Binding): string =>
  seal('thinking', text, seed, { model, binding });

/** Undefined where it is no signature of ours, or of another text. */
export const openThinking = (text: string, signature: string): SealedBlock | undefined =>
  open('thinking', text, signature);

export const redactThinking = (model: string, seed: string, binding?: Binding): string =>
  seal('redacted', '', seed, { model, binding });

export const openRedacted = (data: string): SealedBlock | undefined => open('redacted', '', data);
