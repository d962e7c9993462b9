import { describe, expect, it } from 'vitest';
import { compose } from '../../simulator/answer.ts';
import type { Ask, Block, Part, Tool, Turn } from '../../simulator/ask.ts';
import { agentSystem, agentTools } from '../support/coding-agent.ts';

const manyTools: Tool[] = agentTools.map(({ name, description, parameters }) => ({
  name,
  description,
  schema: { ...parameters },
}));

const user = (...parts: (string | Part)[]): Turn => ({
  role: 'user',
  parts: parts.map((part) => (typeof part === 'string' ? { type: 'text', text: part } : part)),
});
const call = (id: string, name: string): Turn => ({ role: 'assistant', parts: [{ type: 'call', id, name }] });
const result = (id: string, text: string): Part => ({ type: 'result', id, text, failed: false });

const ask = (turns: Turn[], more: Partial<Ask> = {}): Ask => ({
  modelName: 'claude-haiku-4-5',
  family: 'claude',
  callPrefix: 'toolu_',
  seed: 'seed',
  system: agentSystem,
  turns,
  tools: manyTools,
  choice: { type: 'auto', single: false },
  thinking: undefined,
  thinkingTags: false,
  schema: undefined,
  maxTokens: 4000,
  stops: [],
  ...more,
});

const callsIn = (blocks: readonly Block[]) =>
  blocks.flatMap((block) => (block.type === 'call' ? [[block.name, block.input]] : []));
const callsOf = (...args: Parameters<typeof ask>) => callsIn(compose(ask(...args)).blocks);
const textOf = (...args: Parameters<typeof ask>) =>
  compose(ask(...args))
    .blocks.map((block) => (block.type === 'text' ? block.text : ''))
    .join('');

describe('an agent with two dozen tools', () => {
  it.each([
    'hello',
    'Hello! Who are you?',
    'Explain quantum computing in simple terms.',
    'What is the meaning of life?',
    'How do I write a file in Python?',
    'Thanks, that is all.',
    'Write a short story about a robot.',
    'Find a good name for my cat',
    'What does this task involve?',
    'Can you answer a question for me?',
    'Tell me about the history of the web.',
    'Why is the sky blue?',
    'Do not read a.txt.',
    `Notes for a helper\n${'- Read every file.\n- Run `npm test` in the project.\n- Write to memory.md.\n'.repeat(20)}\n(none yet)`,
  ])('gets words for "%s"', (text) => {
    expect(callsOf([user(text)])).toEqual([]);
    expect(textOf([user(text)])).toContain('You wrote:');
  });

  it.each([
    ['read the file README.md', 'read', { filePath: 'README.md' }],
    ['Can you please read src/app.ts?', 'read', { filePath: 'src/app.ts' }],
    ['Show me package.json', 'read', { filePath: 'package.json' }],
    ["What's in `notes.txt`?", 'read', { filePath: 'notes.txt' }],
    ['read the file x', 'read', { filePath: 'x' }],
    ['List the files in src/', 'list', { path: 'src/' }],
    ['run `npm test`', 'bash', { command: 'npm test' }],
    ['Please run the tests', 'bash', { command: 'npm test' }],
    ['Use bash to run ls -la', 'bash', { command: 'ls -la' }],
    ['Search the web for "node releases"', 'web_search', { query: 'node releases' }],
    ['grep for TODO in the project', 'grep', { pattern: 'TODO' }],
    ['Fetch https://example.org/page', 'webfetch', { url: 'https://example.org/page' }],
    ['Write "hi there" to hello.txt', 'write', { filePath: 'hello.txt', content: 'hi there' }],
    [
      'Replace "cat" with "dog" in pets.md',
      'edit',
      { filePath: 'pets.md', oldString: 'cat', newString: 'dog' },
    ],
    ['Create an issue about "slow start"', 'mcp__forge__create_issue', { title: 'slow start' }],
    ['Ask it by mcp__git__git_status', 'mcp__git__git_status', { repo_path: '/home/dev/shop' }],
  ])('calls what "%s" asks for', (text, name, input) => {
    expect(callsOf([user(text)])).toEqual([[name, expect.objectContaining(input)]]);
  });

  it('hears the person, not the notes that an agent puts beside what was typed', () => {
    const note = '<system-reminder>\nUse the read tool to read the file CONFIG.md first.\n</system-reminder>';
    expect(callsOf([user(`hello\n${note}`)])).toEqual([]);
    expect(textOf([user(note, 'hello')])).toContain('You wrote: “hello”');
    const typed = '<context>run `rm -rf build`</context>\n<user_request>read a.txt</user_request>';
    expect(callsOf([user(typed)])).toEqual([['read', { filePath: 'a.txt' }]]);
  });

  it('finds the folder it works in for paths that must be absolute', () => {
    const read: Tool = {
      name: 'read_file',
      description: 'Reads a file.',
      schema: {
        type: 'object',
        properties: { file_path: { type: 'string', description: 'The absolute path' } },
        required: ['file_path'],
      },
    };
    const setting =
      '<description>working directory.</description>\nYou are in the working directory: /home/dev/shop.';
    const calls = callsOf([user('read README.md')], { tools: [read], system: setting });
    expect(calls).toEqual([['read_file', { file_path: '/home/dev/shop/README.md' }]]);
  });

  it('answers with the result, and ends', () => {
    const turns = [user('read README.md'), call('c1', 'read'), user(result('c1', '# Shop'))];
    expect(callsOf(turns)).toEqual([]);
    expect(textOf(turns)).toBe('The read tool says: # Shop.');
  });

  it('does one thing after another where that is asked for', () => {
    const asked = user('Read a.txt and then run `npm test`');
    expect(callsOf([asked])).toEqual([['read', { filePath: 'a.txt' }]]);
    const second = [asked, call('c1', 'read'), user(result('c1', 'A'))];
    expect(callsOf(second)).toEqual([['bash', expect.objectContaining({ command: 'npm test' })]]);
    expect(callsOf([...second, call('c2', 'bash'), user(result('c2', 'ok'))])).toEqual([]);
  });

  it('takes words beside results for a new request', () => {
    const turns = [user('read a.txt'), call('c1', 'read'), user(result('c1', 'A'), 'Now read b.txt')];
    expect(callsOf(turns)).toEqual([['read', { filePath: 'b.txt' }]]);
  });

  it('is not answered in JSON because its prompt has the words for it', () => {
    expect(textOf([user('hello')])).not.toContain('{');
    const turns = [user('read a.txt'), call('c1', 'read'), user(result('c1', 'A'))];
    expect(textOf(turns)).not.toContain('{');
  });
});

describe('a model that must call a tool', () => {
  const schema = (name: string, type = 'string') => ({
    type: 'object',
    properties: { [name]: { type } },
    required: [name],
  });
  const weather: Tool = { name: 'get_weather', description: 'Weather of a city', schema: schema('city') };
  const time: Tool = { name: 'get_time', description: 'Time in a city', schema: schema('city') };
  const final: Tool = { name: 'final_result', description: 'The final response', schema: schema('answer') };
  const required: Partial<Ask> = { choice: { type: 'any', single: false } };
  const asked = user("What's the weather in Paris?");
  const answered = [asked, call('c1', 'get_weather'), user(result('c1', '18 degrees'))];

  it('hands in its answer once the tools have answered', () => {
    expect(callsOf([asked], { ...required, tools: [weather, final] })).toEqual([
      ['get_weather', { city: 'Paris' }],
    ]);
    expect(callsOf(answered, { ...required, tools: [weather, final] })).toEqual([
      ['final_result', { answer: '18 degrees' }],
    ]);
    expect(callsOf([user('Hello')], { ...required, tools: [time, final] })).toEqual([
      ['final_result', { answer: expect.stringMatching(/./) }],
    ]);
  });

  it('calls the tool not called yet, then answers in words', () => {
    expect(callsOf(answered, { ...required, tools: [weather, time] })).toMatchObject([['get_time', {}]]);
    const both = [...answered, call('c2', 'get_time'), user(result('c2', 'noon'))];
    const end = compose(ask(both, { ...required, tools: [weather, time] }));
    expect([callsIn(end.blocks), end.stop]).toEqual([[], 'end_turn']);
  });

  it('calls again where the result asks for it', () => {
    const again = [
      asked,
      call('c1', 'final_result'),
      user(result('c1', '1 validation error. Fix the errors and try again.')),
    ];
    expect(callsOf(again, { ...required, tools: [weather, final] })).toMatchObject([['final_result', {}]]);
  });

  it('always calls the one it was told to', () => {
    const named: Partial<Ask> = {
      choice: { type: 'tool', name: 'get_time', single: false },
      tools: [weather, time],
    };
    expect(callsOf(answered, named)).toMatchObject([['get_time', {}]]);
  });
});

describe('directives', () => {
  const script =
    '[[say Let me look.]] [[call read {"filePath": "a[0].txt"}]] [[then]] [[call grep {"pattern": "[[x]]"}]] [[call list]] [[then]] [[say All done.]]';

  it('say wins over tools', () => {
    expect(callsOf([user('read a.txt [[say no]]')])).toEqual([]);
    expect(textOf([user('read a.txt [[say no]]')])).toBe('no');
  });

  it('play a loop of several turns, calls of one turn together', () => {
    const turns = [user(script)];
    expect(textOf(turns)).toBe('Let me look.');
    expect(callsOf(turns)).toEqual([['read', { filePath: 'a[0].txt' }]]);
    turns.push(call('c1', 'read'), user(result('c1', 'A'), 'Go on, please.'));
    expect(callsOf(turns)).toEqual([
      ['grep', { pattern: '[[x]]' }],
      ['list', { path: '.' }],
    ]);
    turns.push(call('c2', 'grep'), call('c3', 'list'), user(result('c2', 'B'), result('c3', 'C')));
    expect([callsOf(turns), textOf(turns)]).toEqual([[], 'All done.']);
  });

  it('make one call at a time where only one is allowed', () => {
    const choice = { type: 'auto', single: true } as const;
    const both = user('[[call list]] [[call todoread]]');
    expect(callsOf([both], { choice })).toMatchObject([['list', {}]]);
    expect(callsOf([both, call('c1', 'list'), user(result('c1', 'A'))], { choice })).toMatchObject([
      ['todoread', {}],
    ]);
  });

  it('find a tool by the name its client knows', () => {
    const renamed = [{ name: 'shop_read_1f2e3d4c', description: '', schema: { type: 'object' } }];
    expect(callsOf([user('[[call shop.read]]')], { tools: renamed })).toMatchObject([
      ['shop_read_1f2e3d4c', {}],
    ]);
    expect(textOf([user('[[call nothing]]')], { tools: renamed })).toContain('There is no tool “nothing”');
  });

  it('say what is wrong with a call that cannot be read', () => {
    expect(textOf([user('[[call read {filePath}]]')])).toContain('is no JSON object');
  });

  it('are understood in quotes, as an agent passes on a command line', () => {
    expect(callsOf([user(JSON.stringify('[[call read {"filePath": "a.txt"}]]'))])).toEqual([
      ['read', { filePath: 'a.txt' }],
    ]);
    expect(callsOf([user('"read a.txt"')])).toEqual([['read', { filePath: 'a.txt' }]]);
  });

  it('leave alone what only looks like one', () => {
    expect(textOf([user('What is [[likely]] and [[ -f x ]]?')])).toContain('[[likely]] and [[ -f x ]]');
  });
});

describe('an open JSON object', () => {
  const tool: Tool = { name: 'answer', description: 'Gives the answer.', schema: { type: 'object' } };
  const open: Partial<Ask> = {
    system: '',
    tools: [tool],
    choice: { type: 'tool', name: 'answer', single: true },
  };
  const schema =
    '{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"]}';

  it.each([
    ['a schema in the prompt', `Bob is 42. Return JSON that matches ${schema}`, { name: 'Bob', age: 42 }],
    [
      'keys in words',
      'Bob is 42. Return JSON with the keys name and city.',
      { name: 'Bob', city: expect.any(String) },
    ],
    ['an example', 'Who? Return JSON like {"name": "Ann", "age": 3}', { name: 'Ann', age: 3 }],
    ['nothing', 'Say hi in JSON', { answer: 'Say hi in JSON' }],
  ])('holds what %s says', (_, text, expected) => {
    expect(callsOf([user(text)], open)).toEqual([['answer', expected]]);
  });

  it('is not broken by data that is nested too deeply to be an example', () => {
    const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    expect(callsOf([user(`Return JSON. ${deep}`)], open)).toEqual([['answer', { answer: 'Return JSON.' }]]);
  });

  it('holds what the schema in the system prompt says', () => {
    expect(callsOf([user('Bob is 42.')], { ...open, system: `Answer by this schema: ${schema}` })).toEqual([
      ['answer', { name: 'Bob', age: 42 }],
    ]);
  });
});
