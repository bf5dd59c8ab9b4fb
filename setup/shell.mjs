/** `eval "$(node setup/shell.mjs)"`: lets plain `pulumi` in this shell use the clone's engine, backend and plugins. */
import "./node-version.mjs";

import { differences } from "./environment.mjs";
import { prepareEngine } from "./prepare.mjs";
import { main } from "./terminal.mjs";

await main(async () => {
  for (const [name, value] of Object.entries(differences(await prepareEngine()))) {
    console.log(value === undefined ? `unset ${name}` : `export ${name}='${value.replaceAll("'", "'\\''")}'`);
  }
});
