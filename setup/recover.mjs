/**
 * `npm run recover [-- --stack NAME] [-- --yes]`: cures what a Pulumi command left that was killed, or that lost its
 * provider or the Docker Engine; `npm run up` then goes on. Does nothing where there is nothing to cure.
 *
 * The order matters: while a provider still works, or before what was being made is in the state, nothing else may
 * change the stack. Providers that are left over are ended where Pulumi is prepared, for every command. In a backend that
 * is not the clone's own every change is asked for first; `--yes` agrees.
 */
import "./node-version.mjs";

import { rmSync } from "node:fs";

import { backend, leavingNoSalt, ownStacks } from "./backend.mjs";
import { docker } from "./docker-client.mjs";
import { dockerEngine } from "./docker-engine.mjs";
import { environment } from "./environment.mjs";
import { writeWhole } from "./files.mjs";
import { local } from "./paths.mjs";
import { prepareEngine } from "./prepare.mjs";
import { emptyMetadata, locksOf, look, pulumi } from "./recovery.mjs";
import { checkStack, rememberedStack, setting, shortName, takeStack } from "./stack.mjs";
import { agreed, main, Problem, say } from "./terminal.mjs";

const { asked, rest } = takeStack(process.argv.slice(2));
const mayAnything = rest.includes("--yes");

/** Why a thing may be removed, by its kind. */
const reasons = {
  container: "which a failed update made, so that the state does not know it; data is in volumes, which stay",
  network: "which a failed update made, so that the state does not know it",
  volume: "which has no labels, because the Docker Engine was cut off when it made it for a failed update",
};

await main(async () => {
  const stack = asked ?? rememberedStack();
  if (stack === undefined) {
    throw new Problem("There is nothing to recover: npm run up has not been run in this clone. (npm run recover -- --stack NAME names a stack all the same.)");
  }
  checkStack(stack);
  if (backend().own && !ownStacks().some(({ name }) => name === shortName(stack))) {
    say(`Stack ${stack}: there is nothing to recover; it was never up.`);
    return;
  }
  await dockerEngine(setting(stack, "dockerHost"), { install: false });
  const env = environment(await prepareEngine());
  const isCured = await (backend().own ? leavingNoSalt(() => recover(stack, env)) : recover(stack, env));
  say(isCured ? `Stack ${stack} is recovered. To go on: npm run up` : `Stack ${stack}: there is nothing to recover.`);
});

/**
 * @param {string} stack
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<boolean>} whether there was anything to cure
 * @throws Problem where a person must decide, or has decided against it
 */
async function recover(stack, env) {
  const { own, name: url } = backend();
  const locks = locksOf(url, stack);
  for (const { pid, host, timestamp, holder } of locks ?? []) {
    if (holder === "runs") {
      throw new Problem(`Process ${pid} works on the stack ${stack} since ${timestamp}. Wait for it, or end it with kill ${pid}; then run this again.`);
    }
    if (holder === "elsewhere") {
      await mustAgree(`Process ${pid} on ${host} locked the stack ${stack} at ${timestamp}, and only there can be seen whether it still runs. Is it gone?`);
    }
  }
  const metadata = emptyMetadata(url, stack);
  if (metadata) {
    await mustAgree(`The state cannot be read, because ${metadata} was made and never written. Without it, it can. Remove that file?`);
    rmSync(metadata);
  }
  const { dockerHost, state, imported, forgotten, strays, doubtful } = await look(stack, env);
  const plan = [
    ...(locks ?? []).map(({ pid, timestamp }) => `take away the lock of process ${pid}, which was cut off (it began at ${timestamp})`),
    ...imported.map(({ name }) => `take the container ${name}, which was being made and is there, into the state`),
    ...forgotten.map((name) => `forget that ${name} was being made: the next up makes it`),
    ...strays.map(({ kind, name }) => `remove the ${kind} ${name}, ${reasons[kind]}`),
  ];
  if (plan.length > 0 && !own) {
    await mustAgree(`For the stack ${stack} in ${url}:\n${plan.map((line) => `  ${line}\n`).join("")}Nobody may work on the stack meanwhile. Do so?`);
  }
  if (locks && locks.length > 0) {
    await pulumi(env, "cancel", "--yes", "--stack", stack);
  }
  if (imported.length + forgotten.length > 0) {
    const file = local("recovered-state.json");
    writeWhole(file, JSON.stringify(state), 0o600);
    await pulumi(env, "stack", "import", "--stack", stack, "--file", file);
    rmSync(file);
  }
  await remove(dockerHost, strays);
  plan.forEach((line) => say(`Done: ${line}`));

  if (doubtful.length > 0) {
    const names = doubtful.map(({ kind, name }) => `the ${kind} ${name}`).join(", ");
    await mustAgree(
      `${names}: there, with the labels of the stack ${stack}, but its state does not know of it. A stack of that name in another clone or backend would look the same. Remove it? Data in volumes stays.`,
    );
    await remove(dockerHost, doubtful);
  }
  if (locks === undefined && plan.length === 0) {
    say(`Whether ${url} holds a lock, only Pulumi can tell. Where it says so, and nobody works on the stack: npm run -s pulumi -- cancel ${stack}`);
  }
  return metadata !== undefined || plan.length + doubtful.length > 0;
}

/** @param {string} question */
async function mustAgree(question) {
  if (!mayAnything && !(await agreed(question))) {
    throw new Problem("Nothing more was changed.");
  }
}

/**
 * @param {string} dockerHost
 * @param {import("./recovery.mjs").Thing[]} things containers first: what is in use cannot be removed
 */
async function remove(dockerHost, things) {
  for (const { kind, id } of things) {
    if (kind === "container") {
      // In order: a Marathon that is killed costs its successor ten seconds.
      await docker(dockerHost, ["stop", id]);
      await docker(dockerHost, ["rm", "--volumes", id]);
    } else {
      await docker(dockerHost, [kind, "rm", id]);
    }
  }
}
