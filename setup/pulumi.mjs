/** `npm run -s pulumi -- ARGS…`: any Pulumi command, with the engine, backend and plugins that `npm run up` uses. */
import "./node-version.mjs";

import { backend, leavingNoSalt } from "./backend.mjs";
import { passThrough } from "./child.mjs";
import { environment } from "./environment.mjs";
import { prepareEngine } from "./prepare.mjs";
import { sayWhetherToRecover } from "./recovery.mjs";
import { rememberedStack, takeStack } from "./stack.mjs";
import { main } from "./terminal.mjs";

await main(async () => {
  const args = process.argv.slice(2);
  const stack = takeStack(args).asked ?? rememberedStack();
  const env = environment(await prepareEngine());
  const pulumi = () => passThrough(["pulumi", ...args], { env });
  const code = await (backend().own ? leavingNoSalt(pulumi) : pulumi());
  if (code !== 0 && stack !== undefined) {
    await sayWhetherToRecover(stack, env);
  }
  return code;
});
