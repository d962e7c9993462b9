/** Which tools a text in plain words asks for. A tool that no one asked for is not called. */

import { namesIn } from './arguments.ts';
import type { Tool } from './ask.ts';
import { fieldsOf, listOf, textOf } from './json.ts';

const COMMON = new Set(
  (
    'about after again all and any are been can current does each every for from function get gets give given has have ' +
    'here how into its just like make many more must name number only other our please provided return returned ' +
    'returns set should some string such takes tell than that the their them then there these they this tool used ' +
    'useful user using value values what when where which who will with would you your'
  ).split(' '),
);

/** What tools do, in the words that people use for it. */
const ACTIONS: Record<string, readonly string[]> = {
  read: ['read', 'open', 'show', 'view', 'cat', 'display', 'print'],
  list: ['list', 'ls', 'show', 'enumerate'],
  write: ['write', 'save', 'create', 'make'],
  edit: ['edit', 'change', 'modify', 'replace', 'update', 'patch', 'rename'],
  delete: ['delete', 'remove', 'drop'],
  run: ['run', 'execute', 'exec', 'bash', 'shell', 'launch'],
  search: ['search', 'find', 'locate', 'grep', 'glob', 'lookup', 'look'],
  fetch: ['fetch', 'download', 'browse', 'visit', 'webfetch'],
  send: ['send', 'mail'],
};

/** These only look: to name what they look at is enough ("open orders?"). */
const LOOKING = ['list', 'search', 'fetch', 'read'];
/** These want a file or the like to be named, or "write a story" would write a file. */
const ON_FILES = ['read', 'list', 'write', 'edit', 'delete'];

/** Nouns that half of a coding agent's tools and questions have in common. */
const GENERIC = new Set(
  (
    'file files directory folder path code text project command commands content contents data line lines task tasks ' +
    'question questions answer plan todo todos skill skills agent result results message tools terminal'
  ).split(' '),
);

const TARGET =
  /(?:^|[\s`"'“(])(?:\S*\/\S*|[\w-]+\.[a-z][a-z0-9]{0,4})(?=$|[\s`"'”),.;:?!])|\b(?:files?|folder|director(?:y|ies)|repo(?:sitory)?|codebase|project)\b/i;

const POLITE =
  /^[\s,]*(?:please|now|then|next|first|finally|and|ok|okay|hey|hi|hello|so|just|(?:can|could|would|will) you|i(?:'d| would)? (?:want|need|like) you to|you should|let'?s|try to|help me(?: to)?|go ahead and)(?![\p{L}\d])[\s,:]*/iu;

/** Asks to be told, or for something not to be done. */
const TO_BE_TOLD =
  /^(?:do not|don['’]?t|never|explain|describe|define|tell me about|why|how (?:do|does|can|to|would|should|did)|what(?:'s| is| are) an? )\b/i;

const ASKS_WHAT_IS_IN = /^(?:what(?:'s| is) in|what does .{1,80} (?:say|contain)|(?:what|which) files)\b/i;

const wordsOf = (text: string, least: number): string[] =>
  text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word.length >= least && !COMMON.has(word));

const stem = (word: string): string => (word.length > 4 ? word.replace(/(?:ing|es|s)$/, '') : word);

const stemsOf = (text: string, least: number): Set<string> => new Set(wordsOf(text, least).map(stem));

const actionsOf = (word: string): string[] =>
  Object.keys(ACTIONS).filter((action) => ACTIONS[action]?.includes(word) === true);

/** A clause as far as tools are concerned. */
interface Clause {
  readonly text: string;
  readonly said: ReadonlySet<string>;
  /** The verb it begins with, as in "read it to me". */
  readonly verb: string;
  readonly actions: readonly string[];
  readonly hasTarget: boolean;
  readonly toBeTold: boolean;
}

const readClause = (text: string): Clause => {
  let rest = text.trim();
  for (let round = 0; round < 5 && POLITE.test(rest); round++) rest = rest.replace(POLITE, '');
  const verb = /^[\p{L}\d_-]+/u.exec(rest)?.[0].toLowerCase() ?? '';
  return {
    text,
    said: stemsOf(text, 3),
    verb,
    actions: ASKS_WHAT_IS_IN.test(rest) ? ['read', 'list'] : actionsOf(verb),
    hasTarget: TARGET.test(text),
    toBeTold: TO_BE_TOLD.test(rest),
  };
};

/** A name that is no plain word of the language can only mean the tool. */
const isPlainWord = (name: string): boolean => /^[a-z]+$/i.test(name);

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const isNamed = (name: string, text: string): boolean => {
  if (!text.includes(name)) return false;
  const word = `(?<![\\p{L}\\d_-])${escaped(name)}(?![\\p{L}\\d_-])`;
  const pattern = isPlainWord(name)
    ? `(?:\\b(?:use|using|call|invoke)\\s+(?:the\\s+)?[\`"'“]?${word}|[\`"'“]${word}[\`"'”]|${word}\\s+(?:tool|function)\\b)`
    : word;
  return new RegExp(pattern, 'iu').test(text);
};

const count = (words: Iterable<string>, said: ReadonlySet<string>): number => {
  let hits = 0;
  for (const word of words) if (said.has(word)) hits += 1;
  return hits;
};

/** Points for the words of a name that the clause asks for; 0 where it does not ask for this tool. */
const nameScore = (tool: Tool, clause: Clause): number => {
  if (clause.toBeTold) return 0;
  // The server may have added a digest to the name.
  const words = wordsOf(tool.name.replace(/_[0-9a-f]{8}$/, ''), 2);
  const actions = words.flatMap(actionsOf);
  const nouns = new Set(words.filter((word) => actionsOf(word).length === 0).map(stem));
  const specific = [...nouns].filter((noun) => !GENERIC.has(noun));
  const nounHits = count(nouns, clause.said);
  const specificHits = count(specific, clause.said);
  const mentioned = specific.length > 0 && specificHits * 2 >= specific.length;
  const action = actions.find((each) => clause.actions.includes(each));
  const points = 10 * nounHits + (action === undefined ? 0 : 8) + (words.includes(clause.verb) ? 2 : 0);

  if (mentioned && (action !== undefined || actions.length === 0)) return points;
  if (mentioned && !actions.some((each) => !LOOKING.includes(each))) return points;
  if (action === undefined || specific.length > 0) return 0;
  const isOwnVerb = words.includes(clause.verb) || action === 'run';
  return clause.hasTarget || (isOwnVerb && !ON_FILES.includes(action)) ? points : 0;
};

const firstSentence = (text: string): string =>
  /^[\s\S]{0,200}?(?:[.!?\n]|$)/.exec(text)?.[0] ?? text.slice(0, 200);

/** Words that this tool's description has for itself, said by the clause. */
const descriptionHits = (tool: Tool, tools: readonly Tool[], clause: Clause): number => {
  const own = stemsOf(firstSentence(tool.description), 4);
  for (const other of tools)
    if (other !== tool) for (const word of stemsOf(firstSentence(other.description), 4)) own.delete(word);
  return count(
    [...own].filter((word) => !GENERIC.has(word)),
    clause.said,
  );
};

const FEW = 3;

const score = (tool: Tool, tools: readonly Tool[], clause: Clause): number => {
  if (isNamed(tool.name, clause.text)) return 1000 + tool.name.length;
  const byName = nameScore(tool, clause);
  if (byName > 0) return byName;
  if (clause.toBeTold) return 0;
  const hits = descriptionHits(tool, tools, clause);
  return hits >= (tools.length <= FEW ? 1 : 2) ? hits / 100 : 0;
};

const best = (tools: readonly Tool[], pointsOf: (tool: Tool) => number): Tool | undefined => {
  const ranked = tools.map((tool) => ({ tool, points: pointsOf(tool) })).sort((a, b) => b.points - a.points);
  return ranked[0] !== undefined && ranked[0].points > 0 ? ranked[0].tool : undefined;
};

/** The tool that has most to do with a text, for a model that has to call one. */
export const nearestTool = (tools: readonly Tool[], text: string): Tool | undefined => {
  const clause = readClause(text);
  return best(tools, (tool) =>
    Math.max(
      score(tool, tools, clause),
      10 * count(stemsOf(tool.name, 3), clause.said) +
        count(stemsOf(firstSentence(tool.description), 4), clause.said),
    ),
  );
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

const MOST_CALLS = 16;
/** Longer texts are briefings or documents: what is asked for stands in their first or last line. */
const LONGEST_REQUEST = 600;

const requestIn = (text: string): string => {
  if (text.length <= LONGEST_REQUEST) return text;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return [lines[0], lines.at(-1)].map((line) => line?.slice(0, LONGEST_REQUEST)).join('\n');
};

const clausesOf = (text: string): string[] =>
  text
    .split(/\b(?:and also|as well as|also)\b|;|(?<=[.?!])\s+(?=\p{Lu})|\n+/iu)
    .filter((clause) => clause.trim() !== '');

const wantedAtOnce = (tools: readonly Tool[], text: string): Wanted[] => {
  const wanted: Wanted[] = [];
  for (const each of clausesOf(text)) {
    const clause = readClause(each);
    const tool =
      best(tools, (candidate) => score(candidate, tools, clause)) ??
      (/^\s*(?:in|for|of|to|at|on|from)\b/i.test(each) && namesIn(each).length > 0
        ? wanted.at(-1)?.tool
        : undefined);
    if (tool !== undefined) for (const about of perName(each, tool)) wanted.push({ tool, about });
  }
  return wanted.slice(0, MOST_CALLS);
};

/** Which tools the text asks for, in its order: one list for each answer, as "then" parts them. */
export const wantedCalls = (tools: readonly Tool[], text: string): Wanted[][] =>
  requestIn(text)
    .split(/\b(?:and then|then|afterwards|after that)\b/i)
    .map((part) => wantedAtOnce(tools, part))
    .filter((wanted) => wanted.length > 0);
