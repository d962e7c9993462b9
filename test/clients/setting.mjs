/** What every client is asked with: the demo's address and key, a model of each family, and a loop of two calls. */

export const baseURL = process.env.CLIENTS_URL;
export const apiKey = 'demo';

export const models = ['claude-sonnet-5-5', 'claude-haiku-4-5', 'nova-2-lite'];

export const lookTwice =
  'Weather? [[call get_weather {"city":"Paris"}]] [[then]] [[call get_weather {"city":"Rome"}]] [[then]] [[say both sunny]] [[think always]]';
