/** What a request for a path that does not exist was probably meant to be, and what to use instead. Behaviour 1.3. */

const chat = 'Use POST /v1/chat/completions';

/** What is served, as clients call it below their base URL. */
const served: Readonly<Record<string, string>> = {
  'chat/completions': '/v1/chat/completions',
  models: '/v1/models',
  health: '/health',
  ready: '/ready',
  responses: '/v1/responses',
  'openapi.json': '/openapi.json',
  // Near misses.
  chat: '/v1/chat/completions',
  response: '/v1/responses',
  'chat/completion': '/v1/chat/completions',
  model: '/v1/models',
};

/** What OpenAI's API and its neighbours serve and this server does not, by the first segment below the base URL. */
const notServed: Readonly<Record<string, string>> = {
  completions: `Text completions are not served here. ${chat}.`,
  engines: `Engines are not served here. ${chat}.`,
  edits: `Edits are not served here. ${chat}.`,
  conversations: `Conversations are not stored here. ${chat} and send the messages so far with each request.`,
  messages: `Anthropic's Messages API is not served here. ${chat}.`,
  complete: `Anthropic's text completions are not served here. ${chat}.`,
  embeddings: 'Embeddings are not served here. Point the embeddings client at a server that has such models.',
  rerank: 'Ranking is not served here. Point that client at a server that has such models.',
  moderations: 'Moderation is not served here. Point the moderation client at another server.',
  files:
    'Files are not stored here. Send them inside the messages, as image_url or file parts with a data URI.',
  uploads:
    'Files are not stored here. Send them inside the messages, as image_url or file parts with a data URI.',
  vector_stores:
    'Vector stores are not served here. Search on your side, and send what was found as messages.',
  batches: `Batches are not served here. ${chat} for each of the requests.`,
  assistants: `Assistants are not served here. ${chat} with tools.`,
  threads: `Threads are not stored here. ${chat} and send the messages so far with each request.`,
  realtime: `The Realtime API is not served here. ${chat} with stream: true.`,
  images: 'Images are not made here. Models read them: send image_url parts to POST /v1/chat/completions.',
  videos: 'Videos are not made here.',
  audio: 'Speech and transcription are not served here.',
  fine_tuning: 'Models are not trained here.',
  'fine-tunes': 'Models are not trained here.',
  evals: 'Evals are not served here.',
  containers: 'Containers are not served here. Run code on your side, as a tool.',
  skills: 'Skills are not stored here.',
  chatkit: `ChatKit is not served here. ${chat}.`,
  organization: 'Keys, projects and usage are not administered by this API.',
};

/** What other servers have before or in place of `v1/`. */
const foreignPrefix = /^(?:(?:api|openai|anthropic|inference|compatible-mode|v\d+(?:beta\d*)?)\/)+/;

const ofServed = (rest: string): string | undefined =>
  Object.hasOwn(served, rest) ? served[rest] : undefined;

const ofNotServed = (rest: string): string | undefined => {
  const [first = ''] = rest.split('/', 1);
  return Object.hasOwn(notServed, first) ? notServed[first] : undefined;
};

/** The end of a path whose beginning already was an endpoint. */
const afterEndpoint = (rest: string): string | undefined =>
  /^(?:chat\/completions|completions|models|responses|messages|embeddings)\/(.+)$/.exec(rest)?.[1];

const isEndpoint = (rest: string): boolean => {
  const below = rest.replace(foreignPrefix, '');
  return ofServed(below) !== undefined || ofNotServed(below) !== undefined;
};

const didYouMean = (path: string): string =>
  path.startsWith('/v1/')
    ? `Did you mean ${path}? The base URL of a client ends at /v1.`
    : `Did you mean ${path}?`;

/** One or two sentences that follow the name of the path. */
export const unknownPathHint = (path: string): string => {
  // Without repeated slashes and those at the ends.
  const written = path.split('/').filter(Boolean).join('/');
  const plain = written.toLowerCase();
  const rest = plain.replace(foreignPrefix, '');

  const after = afterEndpoint(rest);
  if (after !== undefined && isEndpoint(after)) {
    return 'The base URL of the client already names an endpoint; it has to end at /v1.';
  }
  if (rest.startsWith('chat/completions/')) {
    return 'Completions are not stored here: there is nothing to read, change or delete.';
  }
  if (rest.startsWith('models/')) {
    return plain === `v1/${rest}`
      ? 'A slash within the id of a model is written %2F.'
      : didYouMean('/v1/models/{id}');
  }
  const meant = ofServed(rest);
  if (meant === `/${written}`) return 'There is such a path, but not for this method.';
  if (meant !== undefined) return didYouMean(meant);
  const instead = ofNotServed(rest);
  if (instead !== undefined) return instead;
  // Azure's `/openai/deployments/{name}/chat/completions`, and whatever else a gateway has before it.
  if (/(?:^|\/)chat\/completions$/.test(rest)) return didYouMean('/v1/chat/completions');
  return 'The API is under /v1/, e.g. POST /v1/chat/completions.';
};
