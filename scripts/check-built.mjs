/** Before `npm start`: one sentence where there is nothing to start. It never builds, so no running server is disturbed. */

import { existsSync } from 'node:fs';

if (!existsSync(new URL('../dist/server.js', import.meta.url))) {
  process.stderr.write(
    'Parley is not built yet: run npm install, or npm run build after npm ci --ignore-scripts.\n',
  );
  process.exitCode = 1;
}
