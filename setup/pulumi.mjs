/** `npm run -s pulumi -- ARGS…`: any Pulumi command, with the engine, backend and plugins that `npm run up` uses. */
import "./node-version.mjs";

import { backend, leavingNoSalt } from "./backend.mjs";
import { passThrough } from "./child.mjs";
import { environment } from "./environment.mjs";
import { prepareEngine } from "./prepare.mjs";
import { main } from "./terminal.mjs";

await main(async () => {
  const env = environment(await prepareEngine());
  const pulumi = () => passThrough(["pulumi", ...process.argv.slice(2)], { env });
  return backend().own ? leavingNoSalt(pulumi) : pulumi();
});
