/**
 * The parts of README.md that are data: the parameter table and the model table, written from the same
 * rows the server runs on. `npm run readme` puts them in; a test fails when they are out of date.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { parameters } from '../src/api/chat-completions/parameters.ts';
import type { Parameter } from '../src/api/content/parameter.ts';
import { parameters as responsesParameters } from '../src/api/responses/parameters.ts';
import type { Model } from '../src/models/model.ts';
import { models } from '../src/models/rows.ts';

const readme = new URL('../README.md', import.meta.url);

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const parameterTable = (rows: object): string =>
  table(
    ['parameter', 'level', 'what happens'],
    Object.entries(rows as Readonly<Record<string, Parameter<unknown>>>).map(([name, { level, note }]) => [
      `\`${name}\``,
      level,
      note === '' ? 'Accepted, without effect.' : note,
    ]),
  );

const thinkingOf = ({ thinking }: Model): string => {
  if (thinking === null) return 'no';
  const forms = thinking.accepts.includes('budget')
    ? thinking.accepts.includes('adaptive')
      ? 'budget or effort'
      : 'budget'
    : 'effort';
  return thinking.off === 'no'
    ? `${forms}, always on`
    : thinking.byDefault
      ? `${forms}, on by default`
      : forms;
};

const yes = (value: boolean) => (value ? 'yes' : 'no');
const thousands = (tokens: number) => (tokens >= 1_000_000 ? `${tokens / 1_000_000}M` : `${tokens / 1000}k`);

const placeNames = { anthropic: 'Anthropic API', bedrock: 'Bedrock' };

const lifecycleOf = ({ lifecycle: { status }, endpoints }: Model): string =>
  [
    status,
    ...endpoints.flatMap(({ provider, retires }) =>
      retires === undefined ? [] : [`${placeNames[provider]} until ${retires}`],
    ),
  ].join(', ');

const modelTable = (): string =>
  table(
    ['model', 'context', 'answer', 'thinking', 'vision', 'sampling', 'state'],
    models.map((model) => [
      `\`${model.id}\``,
      thousands(model.contextWindow),
      thousands(model.maxOutput),
      thinkingOf(model),
      yes(model.vision),
      model.sampling === 'exclusive' ? 'temperature or top_p' : yes(model.sampling === 'both'),
      lifecycleOf(model),
    ]),
  );

const sections: Readonly<Record<string, () => string>> = {
  parameters: () => parameterTable(parameters),
  'responses-parameters': () => parameterTable(responsesParameters),
  models: modelTable,
};

/** The text with its generated sections replaced. Throws where a section's markers are missing. */
export const fillIn = (text: string): string =>
  Object.entries(sections).reduce((filled, [name, make]) => {
    const start = `<!-- ${name}: made by npm run readme -->`;
    const end = `<!-- end of ${name} -->`;
    const from = filled.indexOf(start);
    const to = filled.indexOf(end);
    if (from < 0 || to < from) throw new Error(`README.md has no section '${name}'`);
    return `${filled.slice(0, from + start.length)}\n\n${make()}\n\n${filled.slice(to)}`;
  }, text);

export const readReadme = (): string => readFileSync(readme, 'utf8');

if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(readme, fillIn(readReadme()));
