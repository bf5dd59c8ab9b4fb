/** `npm run down [-- ARGS…]`: `pulumi destroy` of the stack that is up, what data is kept, and what else is up. */
import "./node-version.mjs";

import { backend, leavingNoSalt, stacksUp } from "./backend.mjs";
import { passThrough } from "./child.mjs";
import { ask } from "./docker-client.mjs";
import { dockerEngine } from "./docker-engine.mjs";
import { environment } from "./environment.mjs";
import { root } from "./paths.mjs";
import { prepareEngine } from "./prepare.mjs";
import { mustBeSettled, sayWhetherToRecover } from "./recovery.mjs";
import { checkStack, rememberedStack, setting, takeStack } from "./stack.mjs";
import { main, Problem, say } from "./terminal.mjs";

await main(async () => {
  const { asked, rest } = takeStack(process.argv.slice(2));
  const stack = asked ?? rememberedStack();
  if (stack === undefined) {
    throw new Problem(
      othersUp() ?? "There is nothing to take down: npm run up has not been run in this clone. (npm run down -- --stack NAME names a stack all the same.)",
    );
  }
  checkStack(stack);
  const dockerHost = await dockerEngine(setting(stack, "dockerHost"), { install: false });
  const env = environment(await prepareEngine());
  mustBeSettled(stack);
  const destroy = () => passThrough(["pulumi", "destroy", "--stack", stack, "--suppress-outputs", ...rest], { cwd: root, env });
  const code = await (backend().own ? leavingNoSalt(destroy) : destroy());
  if (code !== 0) {
    await sayWhetherToRecover(stack, env);
    return code;
  }
  await sayKept(dockerHost, stack);
  const others = othersUp();
  if (others) {
    say(others);
  }
  return 0;
});

/** What else of this clone is up, for who thought that the stack just taken down was all; undefined where nothing is. */
function othersUp() {
  const up = stacksUp();
  return up.length === 0 ? undefined : `Up in this clone: the stack ${up.join(" and the stack ")}. To take it down: npm run down -- --stack ${up.length > 1 ? "NAME" : up[0]}`;
}

/**
 * @param {string} dockerHost
 * @param {string} stack
 */
async function sayKept(dockerHost, stack) {
  const label = ["mesos-marathon.project=mesos-marathon", `mesos-marathon.stack=${stack.slice(stack.lastIndexOf("/") + 1)}`];
  const { status, body } = await ask(dockerHost, `/volumes?filters=${encodeURIComponent(JSON.stringify({ label }))}`);
  const names = status === 200 ? (body.Volumes ?? []).map((/** @type {{ Name: string }} */ { Name }) => Name) : [];
  if (names.length > 0) {
    say(`The cluster's data is kept. To delete it for good: docker volume rm ${names.join(" ")}`);
  }
}
