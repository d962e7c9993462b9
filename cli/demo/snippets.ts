/** What the demo's last screen says: how to go on. The snippets run as they stand. */

const curl = (url: string, key: string): string => `curl ${url}/v1/chat/completions \\
  -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\
  -d '{"model": "claude-4-5-sonnet", "messages": [{"role": "user", "content": "Hello"}]}'`;

const node = (url: string, key: string): string => `node --input-type=module <<'END'
import OpenAI from 'openai';
const client = new OpenAI({ apiKey: '${key}', baseURL: '${url}/v1/' });
const response = await client.chat.completions.create({
  model: 'claude-4-5-sonnet',
  messages: [{ role: 'user', content: 'Hello from Node.js' }],
});
console.log(response.choices[0].message.content);
END`;

const python = (url: string, key: string): string => `python3 - <<'END'
from openai import OpenAI
client = OpenAI(api_key="${key}", base_url="${url}/v1/")
response = client.chat.completions.create(
    model="nova-lite",
    messages=[{"role": "user", "content": "Hello from Python"}],
)
print(response.choices[0].message.content)
END`;

export const snippets = (url: string, key: string): string => `
Now you. In a browser: ${url}/ (key: ${key}) shows the models.
Any OpenAI client works: base URL ${url}/v1/, key ${key}.

# curl
${curl(url, key)}

# Node.js, with the official SDK (here it is installed; elsewhere: npm install openai)
${node(url, key)}

# Python, with the official SDK (pip install openai)
${python(url, key)}

A model does what a message says in double brackets: [[say Good morning]], [[call get_weather {"location": "Rome"}]],
[[length 500]], [[delay 2000]], [[fault status=529]]. README, "Play with it", has them all.
`;
