/** What someone who starts the server at a terminal wants to know: where it is, what it serves, how to ask. */

interface Started {
  readonly host: string;
  readonly port: number;
  /** Whether clients need a key. The key itself is never shown: terminals are recorded and shared. */
  readonly needsKey: boolean;
  /** Ids of what is served. */
  readonly models: readonly string[];
  /** A model that can be recommended, if there is one. */
  readonly example: string | undefined;
}

const shownModels = 6;

/** An address that listens everywhere is reached here as localhost. */
const baseUrl = ({ host, port }: Started): string => {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
};

export const startSummary = (started: Started): string => {
  const { needsKey, models } = started;
  const url = baseUrl(started);
  const example = started.example ?? models[0] ?? '';
  const more = models.length - shownModels;
  const key = needsKey ? '-H "Authorization: Bearer $INFERENCE_KEY" ' : '';
  return `
Parley listens on ${url}; base URL for SDKs: ${url}/v1

Models: ${models.slice(0, shownModels).join(', ')}${more > 0 ? ` and ${more} more (GET /v1/models)` : ''}

curl ${url}/v1/chat/completions ${key}-H "Content-Type: application/json" \\
  -d '{"model": "${example}", "messages": [{"role": "user", "content": "Hello"}]}'

`;
};
