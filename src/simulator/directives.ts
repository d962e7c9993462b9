import type { Fields } from './json.ts';

/** `[[name word key=value key="two words"]]` in a user's text: how somebody without code plays with the simulator. */
export interface Directive {
  readonly name: string;
  readonly words: readonly string[];
  readonly values: Fields;
}

const DIRECTIVE = /\[\[([a-z][a-z-]{0,30})((?:\s[^\][]{0,400})?)\]\]/g;
const TOKEN = /([\w-]+)=(?:"([^"]*)"|(\S+))|(\S+)/g;

export const readDirectives = (text: string): Directive[] =>
  Array.from(text.matchAll(DIRECTIVE), ([, name = '', rest = '']) => {
    const words: string[] = [];
    const values: Fields = {};
    for (const [, key, quoted, plain, word] of rest.matchAll(TOKEN)) {
      if (key !== undefined) values[key] = quoted ?? plain;
      else if (word !== undefined) words.push(word);
    }
    return { name, words, values };
  });

export const withoutDirectives = (text: string): string => text.replace(DIRECTIVE, '').trim();

/** The rest of the directive as it was typed, for `[[say ...]]`. */
export const directiveText = (text: string, name: string): string | undefined => {
  const found = Array.from(text.matchAll(DIRECTIVE)).find((match) => match[1] === name);
  return found === undefined ? undefined : (found[2] ?? '').trim();
};
