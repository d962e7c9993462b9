/** What is asked: a short question, and a long conversation of mixed text. */

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface Conversation {
  readonly messages: readonly Message[];
  readonly maxTokens: number;
}

const question: Message = { role: 'user', content: 'Why does a boat on a river need no hurry?' };

/** Prose, code, JSON to be escaped, and text of two to four bytes a character, as real conversations have. */
const paragraphs = [
  'The build fails on the second step, although the first one wrote the file that the second one reads. ',
  'Die Übersetzung wäre größer als nötig; außerdem fehlt für „Grüße“ jeder Maßstab – das müsste man prüfen. ',
  'const rows = input.split("\\n").map((line) => line.trim());\nif (rows.length === 0) throw new Error("empty");\n',
  '{"name":"river","depth":[1.5,2.25,3],"notes":"slow \\"here\\", fast there","open":true}\n',
  '川は静かに流れ、船はゆっくりと進む。急ぐ人はいない。🚣 And then it rains for the rest of the week. ',
  'She asked whether the numbers were measured or guessed, and nobody in the room wanted to say it first. ',
];

const historyBytes = 64 * 1024;

const longHistory = (): readonly Message[] => {
  const messages: Message[] = [
    { role: 'system', content: 'You answer in one sentence, plainly, and say when you do not know.' },
  ];
  let size = 0;
  for (let turn = 0; size < historyBytes; turn++) {
    const content = Array.from(
      { length: 3 + (turn % 7) },
      (_, index) => paragraphs[(turn + index) % paragraphs.length],
    ).join('');
    messages.push({ role: turn % 2 === 0 ? 'user' : 'assistant', content });
    size += Buffer.byteLength(JSON.stringify(content));
  }
  return [...messages.slice(0, messages.length - 1 + (messages.length % 2)), question];
};

export const conversations = {
  small: {
    messages: [{ role: 'system', content: 'You answer in one sentence.' }, question],
    maxTokens: 256,
  },
  history: { messages: longHistory(), maxTokens: 256 },
} satisfies Record<string, Conversation>;

export type ConversationName = keyof typeof conversations;
