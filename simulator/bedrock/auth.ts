import { createHash, createHmac } from 'node:crypto';
import { textOf } from '../json.ts';
import { Refusal } from '../refusal.ts';
import type { Call } from '../reply.ts';

const deny = (type: string, message: string, status = 403): never => {
  throw new Refusal(status, type, message);
};

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

interface Authorization {
  readonly accessKey: string;
  readonly scope: readonly [date: string, region: string, service: string, end: string];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const FORM =
  /^AWS4-HMAC-SHA256 +Credential=([^/,\s]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/(aws4_request), *SignedHeaders=([a-z0-9:;-]+), *Signature=([0-9a-f]{64})$/;

const read = (header: string): Authorization => {
  const found = FORM.exec(header);
  if (found === null)
    return deny('IncompleteSignatureException', 'Authorization header is malformed or incomplete.');
  const [, accessKey = '', date = '', region = '', service = '', end = '', signed = '', signature = ''] =
    found;
  return { accessKey, scope: [date, region, service, end], signedHeaders: signed.split(';'), signature };
};

const escapeUri = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const headerValue = (call: Call, name: string): string => {
  // HTTP/2 has `:authority` where HTTP/1.1 has `host`.
  const value = call.headers[name] ?? (name === 'host' ? call.headers[':authority'] : undefined);
  return (Array.isArray(value) ? value.join(',') : textOf(value)).trim().replace(/ +/g, ' ');
};

const canonicalRequest = (call: Call, { signedHeaders }: Authorization): string => {
  const [path = '/', query = ''] = call.path.split('?');
  return [
    call.method,
    // Every service but S3 escapes the escaped path once more.
    path.split('/').map(escapeUri).join('/'),
    query
      .split('&')
      .filter((pair) => pair !== '')
      .sort()
      .join('&'),
    ...signedHeaders.map((name) => `${name}:${headerValue(call, name)}`),
    '',
    signedHeaders.join(';'),
    sha256(call.body),
  ].join('\n');
};

const expectedSignature = (call: Call, given: Authorization, secret: string): string => {
  const scope = given.scope.join('/');
  const text = [
    'AWS4-HMAC-SHA256',
    headerValue(call, 'x-amz-date'),
    scope,
    sha256(canonicalRequest(call, given)),
  ].join('\n');
  const key = given.scope.reduce<Buffer | string>((from, part) => hmac(from, part), `AWS4${secret}`);
  return hmac(key, text).toString('hex');
};

const checkSignature = (call: Call, header: string, secret: string | undefined): void => {
  const given = read(header);
  const date = headerValue(call, 'x-amz-date');
  if (!/^\d{8}T\d{6}Z$/.test(date) || !date.startsWith(given.scope[0])) {
    deny(
      'IncompleteSignatureException',
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    );
  }
  // Over HTTP/2 the SDK signs `:authority` where it signs `host` over HTTP/1.1.
  const signed = given.signedHeaders.map((name) => (name === ':authority' ? 'host' : name));
  for (const name of ['host', 'x-amz-date']) {
    if (!signed.includes(name)) {
      deny('InvalidSignatureException', `'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
    }
  }
  if (given.scope[2] !== 'bedrock') {
    deny('InvalidSignatureException', "Credential should be scoped to correct service: 'bedrock'.");
  }
  if (/invalid/i.test(given.accessKey)) {
    deny('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  if (secret !== undefined && expectedSignature(call, given, secret) !== given.signature) {
    deny(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    );
  }
};

/** The region a request was signed for; with a Bedrock API key only the address tells, and here it does not. */
export const signedRegion = (call: Call): string =>
  /Credential=[^/,\s]+\/\d{8}\/([a-z0-9-]+)\//.exec(textOf(call.headers.authorization))?.[1] ?? 'us-east-1';

/** SigV4 or a Bedrock API key. Credentials that say `invalid` are refused. */
export const checkAws = (call: Call, secret: string | undefined): void => {
  const header = textOf(call.headers.authorization);
  if (header === '') deny('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const bearer = /^Bearer +(\S+)$/i.exec(header)?.[1];
  if (bearer === undefined) checkSignature(call, header, secret);
  else if (/invalid/i.test(bearer)) {
    deny('AccessDeniedException', 'Authentication failed: Please make sure your API Key is valid.');
  }
};
