/** `npm run up [-- ARGS…]`: sets up what is missing, then `pulumi up`. */
import "./node-version.mjs";

import { leavingNoSalt } from "./backend.mjs";
import { passThrough, run, which } from "./child.mjs";
import { root } from "./paths.mjs";
import { prepareUp } from "./prepare.mjs";
import { mustBeSettled, sayWhetherToRecover } from "./recovery.mjs";
import { outputLines, takeStack } from "./stack.mjs";
import { main, say } from "./terminal.mjs";

await main(async () => {
  const { asked, rest } = takeStack(process.argv.slice(2));
  const { stack, env, own } = await prepareUp(asked);
  mustBeSettled(stack);
  // Nobody else's state is in the backend that was made for this clone, so there is nothing to ask about.
  // Without the outputs, of which `cluster`, in thirty lines, twice, is for programs: a screen has no room for an error above it.
  const command = ["pulumi", "up", "--stack", stack, "--suppress-outputs", ...(own ? ["--yes"] : []), ...rest];
  const up = async () => {
    const code = await passThrough(command, { cwd: root, env });
    if (code === 0) {
      const outputs = await run(["pulumi", "stack", "output", "--json", "--stack", stack, "--non-interactive"], { cwd: root, env }).catch(() => "{}");
      outputLines(JSON.parse(outputs)).forEach((line) => console.log(line));
    }
    return code;
  };
  const code = await (own ? leavingNoSalt(up) : up());
  if (code === 0) {
    say("To end it: npm run down");
  } else {
    await sayWhetherToRecover(stack, env);
  }
  if (!which("pulumi")) {
    // What is printed above speaks of a command that this person's shell does not have.
    say("Where it says pulumi ARGS, write here: npm run -s pulumi -- ARGS");
  }
  return code;
});
