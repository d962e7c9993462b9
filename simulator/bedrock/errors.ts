import type { Refusal } from '../refusal.ts';
import { json, type Reply } from '../reply.ts';

export const awsErrorTypes: Record<number, string> = {
  400: 'ValidationException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  413: 'RequestEntityTooLargeException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
};

/** Names that do not come from the service itself but from the layer before it. */
const CORAL =
  /^(?:UnrecognizedClient|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|UnknownOperation)/;

export const awsError = (refusal: Refusal, requestId: string): Reply => {
  // A Messages rule that broke here is a ValidationException; the rest already has its AWS name.
  const type = refusal.type.endsWith('Exception')
    ? refusal.type
    : (awsErrorTypes[refusal.status] ?? refusal.type);
  const namespace = CORAL.test(type) ? 'com.amazon.coral.service' : 'com.amazon.bedrock';
  return json(
    refusal.status,
    { message: refusal.message },
    {
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/${namespace}/`,
      ...refusal.headers,
    },
  );
};
