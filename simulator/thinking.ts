import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signatures the way the API has them: opaque, long, bound to model and text, checked when the block comes back.
 * One key for all simulators of a process: blocks made at one upstream are good at the other, as in reality.
 */
const KEY = 'parley simulator';
const HEADER = Buffer.from('12b5010a460804180222', 'hex');

const mac = (kind: string, model: string, text: string, nonce: Buffer): Buffer =>
  createHmac('sha512', KEY).update(`${kind}\0${model}\0${text}\0`).update(nonce).digest();

const seal = (kind: string, model: string, text: string, seed: string): string => {
  const nonce = createHmac('sha256', KEY).update(`${seed}\0${text}`).digest().subarray(0, 16);
  return Buffer.concat([HEADER, nonce, mac(kind, model, text, nonce)]).toString('base64');
};

const opens = (kind: string, model: string, text: string, sealed: string): boolean => {
  const bytes = Buffer.from(sealed, 'base64');
  const nonce = bytes.subarray(HEADER.length, HEADER.length + 16);
  const given = bytes.subarray(HEADER.length + 16);
  const wanted = mac(kind, model, text, nonce);
  return (
    bytes.toString('base64') === sealed && given.length === wanted.length && timingSafeEqual(given, wanted)
  );
};

export const signThinking = (model: string, text: string, seed: string): string =>
  seal('thinking', model, text, seed);

export const verifyThinking = (model: string, text: string, signature: string): boolean =>
  opens('thinking', model, text, signature);

export const redactThinking = (model: string, seed: string): string => seal('redacted', model, '', seed);

export const verifyRedacted = (model: string, data: string): boolean => opens('redacted', model, '', data);
