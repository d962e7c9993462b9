/** What a coding agent brings along: a long system prompt and two dozen tools with long descriptions. */

export interface AgentTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: {
    readonly type: 'object';
    readonly properties: Record<string, Record<string, unknown>>;
    readonly required: string[];
  };
}

/** Every description talks about files, commands, answers and users, as real ones do. */
const manual = (name: string): string =>
  [
    `Usage notes for ${name}:`,
    '- Before using this tool, explain to the user in simple terms what you are about to do.',
    '- You can call several tools in a single response. Make independent calls together.',
    '- If the command fails, read the error message, search the code and try to fix it.',
    '- Never write files or run commands that nobody asked for; answer questions about weather, science, quantum',
    '  computing or history in plain words instead of calling a tool.',
    '- Results are returned as text with line numbers, at most 2000 lines.',
  ].join('\n');

const tool = (name: string, summary: string, properties: Record<string, string>): AgentTool => ({
  name,
  description: `${summary}\n\n${manual(name)}`,
  parameters: {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(properties).map(([property, description]) => [
        property,
        { type: 'string', description },
      ]),
    ),
    required: Object.keys(properties),
  },
});

export const agentTools: readonly AgentTool[] = [
  tool('bash', 'Executes a given bash command in a persistent shell session.', {
    command: 'The command to execute',
    description: 'Clear, concise description of what this command does in 5-10 words',
  }),
  tool('read', 'Reads a file from the local filesystem.', { filePath: 'The path to the file to read' }),
  tool('write', 'Writes a file to the local filesystem.', {
    filePath: 'The path to the file to write',
    content: 'The content to write to the file',
  }),
  tool('edit', 'Performs exact string replacements in files.', {
    filePath: 'The path to the file to modify',
    oldString: 'The text to replace',
    newString: 'The text to replace it with',
  }),
  tool('glob', 'Fast file pattern matching tool that works with any codebase size.', {
    pattern: 'The glob pattern to match files against',
  }),
  tool('grep', 'Fast content search tool using regular expressions.', {
    pattern: 'The regex pattern to search for in file contents',
  }),
  tool('list', 'Lists files and directories in a given path.', { path: 'The path to the directory to list' }),
  tool('webfetch', 'Fetches content from a specified URL.', { url: 'The URL to fetch content from' }),
  tool('web_search', 'Searches the web and returns the best results.', { query: 'What to search for' }),
  tool('task', 'Launch a new agent to handle complex, multi-step tasks autonomously.', {
    description: 'A short description of the task',
    prompt: 'The task for the agent to perform',
  }),
  tool('todowrite', 'Creates and manages a structured task list for the current session.', {
    todos: 'The list',
  }),
  tool('todoread', 'Reads the current to-do list for the session.', {}),
  tool('question', 'Asks the user questions during execution.', { question: 'The question to ask' }),
  tool('skill', 'Load a specialised skill when the task at hand matches it.', { name: 'The skill' }),
  ...['status', 'diff', 'commit', 'log', 'branch', 'checkout', 'push', 'blame'].map((command) =>
    tool(`mcp__git__git_${command}`, `Shows or changes the repository by git ${command}.`, {
      repo_path: 'The absolute path of the repository',
    }),
  ),
  ...['create_issue', 'list_pull_requests', 'add_comment'].map((action) =>
    tool(`mcp__forge__${action}`, `Talks to the forge: ${action.replaceAll('_', ' ')}.`, {
      title: 'What it is about',
    }),
  ),
];

/** Longer than any order to answer in JSON, and holding all its words. */
export const agentSystem = [
  'You are a coding agent. You are precise, safe and helpful. Working directory: /home/dev/shop',
  ...Array.from({ length: 60 }, (_, index) =>
    [
      `Rule ${index + 1}. You must only edit what was asked for, and nothing else.`,
      'Configuration is JSON; a tool may return valid JSON such as {"ok": true, "type": "object"}, and only JSON.',
      'When you answer, be brief. Use the read tool before the edit tool. Run the tests with bash when you are done.',
    ].join(' '),
  ),
  'Answer in plain text, four lines at most. Never guess URLs.',
].join('\n');
