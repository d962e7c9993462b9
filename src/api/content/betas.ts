/** The client's `anthropic-beta` header. Behaviour 2. */

/** The names in the header, which may hold a list and come in several lines. */
export const readBetas = (header: string | readonly string[] | undefined): readonly string[] => {
  if (header === undefined) return [];
  const names = (typeof header === 'string' ? header : header.join(','))
    .split(',')
    .map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
};
