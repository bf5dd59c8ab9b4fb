/** `npm run up [-- ARGS…]`: sets up what is missing, then `pulumi up`. */
import "./node-version.mjs";

import { leavingNoSalt } from "./backend.mjs";
import { passThrough } from "./child.mjs";
import { root } from "./paths.mjs";
import { prepareUp } from "./prepare.mjs";
import { takeStack } from "./stack.mjs";
import { main } from "./terminal.mjs";

await main(async () => {
  const { asked, rest } = takeStack(process.argv.slice(2));
  const { stack, env, own } = await prepareUp(asked);
  // Nobody else's state is in the backend that was made for this clone, so there is nothing to ask about.
  const command = ["pulumi", "up", "--stack", stack, ...(own ? ["--yes"] : []), ...rest];
  const up = () => passThrough(command, { cwd: root, env });
  return own ? leavingNoSalt(up) : up();
});
