import { namesIn } from './arguments.ts';
import type { Ask, Tool } from './ask.ts';
import { fieldsOf, listOf, textOf } from './json.ts';

const COMMON = new Set(
  (
    'about after again all and any are been can current does each every for from function get gets give given has have ' +
    'here how into its just like list make many more must name number only other our please provided return returned ' +
    'returns set should some string such takes tell than that the their them then there these they this tool used ' +
    'useful user using value values what when where which who will with would you your'
  ).split(' '),
);

const wordsOf = (text: string, least: number): string[] =>
  text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word.length >= least && !COMMON.has(word));

const stem = (word: string): string => (word.length > 4 ? word.replace(/(?:ing|es|s)$/, '') : word);

const score = (tool: Tool, text: string): number => {
  if (text.includes(tool.name)) return 1000 + tool.name.length;
  const said = new Set(wordsOf(text, 3).map(stem));
  const hits = (words: string[]): number => new Set(words.map(stem).filter((word) => said.has(word))).size;
  return 10 * hits(wordsOf(tool.name, 3)) + hits(wordsOf(tool.description, 4));
};

const bestOf = (tools: readonly Tool[], text: string): Tool | undefined => {
  const ranked = tools
    .map((tool) => ({ tool, points: score(tool, text) }))
    .sort((a, b) => b.points - a.points);
  return ranked[0] !== undefined && ranked[0].points > 0 ? ranked[0].tool : undefined;
};

/** "weather in Seattle and San Francisco" is two questions; "Tom and Jerry" for a tool with no string to fill is one. */
const perName = (clause: string, tool: Tool): string[] => {
  const name = String.raw`\p{Lu}\p{L}*(?: \p{Lu}\p{L}*)*`;
  const pair = new RegExp(`${name}(?:, ${name})*,? and ${name}`, 'u').exec(clause)?.[0];
  const properties = fieldsOf(tool.schema.properties);
  const open = listOf(tool.schema.required)
    .map((name) => fieldsOf(properties[textOf(name)]))
    .filter((property) => property.type === 'string' && property.enum === undefined);
  const names =
    pair === undefined || open.length !== 1
      ? []
      : pair.split(/,? and |, /).flatMap((part) => namesIn(part).slice(0, 1));
  return names.length > 1 ? names.map((name) => `${clause.replace(pair ?? '', '')} ${name}`) : [clause];
};

export interface Wanted {
  readonly tool: Tool;
  readonly about: string;
}

/** Which tools the text asks for, in its order. */
export const wantedCalls = (ask: Ask, text: string): Wanted[] => {
  const { choice } = ask;
  if (ask.tools.length === 0 || choice.type === 'none') return [];
  const offered = choice.type === 'tool' ? ask.tools.filter((tool) => tool.name === choice.name) : ask.tools;
  const wanted: Wanted[] = [];
  for (const clause of text.split(/\b(?:and also|and then|as well as|also)\b|;/i)) {
    const tool = bestOf(offered, clause) ?? (namesIn(clause).length > 0 ? wanted.at(-1)?.tool : undefined);
    if (tool !== undefined) for (const about of perName(clause, tool)) wanted.push({ tool, about });
  }
  const first = offered[0];
  if (wanted.length === 0 && first !== undefined && choice.type !== 'auto')
    wanted.push({ tool: first, about: text });
  return choice.single ? wanted.slice(0, 1) : wanted.slice(0, 16);
};
