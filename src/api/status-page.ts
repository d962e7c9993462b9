/** GET /: a static page that shows, to someone with the key, what is served here. It holds no data itself. */

import type { FastifyInstance } from 'fastify';
import { pageHeaders } from '../server/headers.ts';

const script = `
const show = async (event) => {
  event.preventDefault();
  const out = document.querySelector('tbody');
  const note = document.querySelector('#note');
  out.replaceChildren();
  const headers = { authorization: 'Bearer ' + document.querySelector('input').value };
  try {
    const response = await fetch('v1/models', { headers });
    const body = await response.json();
    if (!response.ok) throw new Error(body.error.message);
    note.textContent = body.data.length + ' models';
    for (const model of body.data) {
      const row = document.createElement('tr');
      for (const text of [model.id, model.upstreams.join(', '), model.lifecycle.status + (model.shutdown_date ? ' until ' + model.shutdown_date : ''), model.context_window, model.max_output_tokens]) {
        const cell = document.createElement('td');
        cell.textContent = text ?? '';
        row.append(cell);
      }
      out.append(row);
    }
  } catch (error) {
    note.textContent = error.message;
  }
};
document.querySelector('form').addEventListener('submit', show);
fetch('ready').then((response) => {
  document.querySelector('#ready').textContent = response.ok ? 'ready' : 'not ready';
});
`;

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }
  table { border-collapse: collapse; width: 100%; margin-top: 1rem } th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #d8dde5 }
  input, button { font: inherit; padding: .3rem .6rem }
`;

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley</title>
<style>${style}</style>
<h1>Parley</h1>
<p>An OpenAI-compatible API for Claude and Amazon Nova. This server is <strong id="ready">being asked</strong>.
The API is under <code>/v1/</code>, its description at <a href="openapi.json"><code>/openapi.json</code></a>.</p>
<form><label>Key <input type="password" autocomplete="off"></label> <button>Show models</button> <span id="note" role="status"></span></form>
<table><thead><tr><th>model<th>upstreams<th>status<th>context, tokens<th>answer, tokens</thead><tbody></tbody></table>
<script>${script}</script>
`;

export const registerStatus = (app: FastifyInstance): void => {
  const headers = pageHeaders({ script, style });
  app.get('/', { config: { open: true } }, async (_request, reply) => reply.headers(headers).send(page));
};
