/**
 * `npm run adopt [-- --stack NAME] [-- --yes]`: takes containers that were started by hand into a stack's state. Says first
 * what it found, what does not fit and what the first `up` replaces; touches no container and no volume.
 */
import "./node-version.mjs";

import { rmSync } from "node:fs";
import { join } from "node:path";

import { additions, environmentKey, hasSecrets, misfits, preparedState, secretVariables, wantedContainers, withSecrets } from "./adoption.mjs";
import { backend, leavingNoSalt } from "./backend.mjs";
import { docker } from "./docker-client.mjs";
import { readIfThere, writeWhole } from "./files.mjs";
import { local, root } from "./paths.mjs";
import { prepareUp } from "./prepare.mjs";
import { mustBeSettled, pulumi } from "./recovery.mjs";
import { shortName, takeStack } from "./stack.mjs";
import { agreed, main, Problem, say } from "./terminal.mjs";

/** @typedef {import("./adoption.mjs").Resource} Resource */

await main(async () => {
  const { asked, rest } = takeStack(process.argv.slice(2));
  const unknown = rest.find((argument) => argument !== "--yes");
  if (unknown) {
    throw new Problem(`${unknown} means nothing here: npm run adopt [-- --stack NAME] [-- --yes]`);
  }
  const { stack, env } = await prepareUp(asked);
  mustBeSettled(stack);
  await (backend().own ? leavingNoSalt(() => adopt(stack, env)) : adopt(stack, env));

  /**
   * @param {string} stack
   * @param {NodeJS.ProcessEnv} env
   */
  async function adopt(stack, env) {
    const exported = JSON.parse(await pulumi(env, "stack", "export", "--stack", stack));
    const there = (exported.deployment.resources ?? []).filter((/** @type {Resource} */ { custom, type }) => custom && !type.startsWith("pulumi:"));
    if (there.length > 0) {
      throw new Problem(`The stack ${stack} has ${there.length} resources already. Containers are adopted by a stack that has none: make one with a file of its own (Pulumi.NAME.yaml).`);
    }
    const secrets = await secretsOf(stack, env);
    const resources = withSecrets(await wantedResources(stack, env, Object.keys(secrets).map(environmentKey)), secrets);
    const dockerHost = resources.find(({ type }) => type === "pulumi:providers:docker")?.inputs?.host;
    const { pairs, absent } = await look(dockerHost, wantedContainers(resources), secrets);
    if (pairs.length === 0) {
      throw new Problem(`There are no containers ${absent.join(", ")} on ${dockerHost}: npm run up makes them. Others' names are set with zookeeperName and so on.`);
    }
    const problems = [...pairs.flatMap(misfits), ...(await takenVolumes(dockerHost, resources))];
    if (problems.length > 0) {
      throw new Problem(`The stack ${stack} is not what runs here; nothing was changed:\n${problems.map((text) => `  - ${text}`).join("\n")}`);
    }
    if (pairs.some(hasSecrets) && !exported.deployment.secrets_providers?.type) {
      throw new Problem(
        `The state of the stack ${stack} has nothing to encrypt secret variables with; nothing was changed. ` +
          `Make the stack anew, which keeps its file: pulumi stack rm --preserve-config ${stack}, and pulumi stack init ${stack}`,
      );
    }
    say(`The stack ${stack} takes these containers into its state, as they are; none of them is touched:`);
    for (const { component, found } of pairs) {
      say(`  ${found.Name.slice(1)} (${found.Id.slice(0, 12)}, ${found.Config.Image}, runs since ${found.State.StartedAt}) as ${component}`);
    }
    say("The first up after that replaces them, one after the other, by the stack's own. These have what yours have not:");
    for (const pair of pairs) {
      say(`  ${pair.found.Name.slice(1)}: ${additions(pair).join(", ")}`);
    }
    for (const name of absent) {
      say(`  ${name}: there is none, so up makes it`);
    }
    say("What ZooKeeper and the Mesos master keep in their containers or anonymous volumes is carried over, which are left as they are. The Mesos");
    say("slave gets another work directory and with it another id: its tasks end, and Marathon launches them on the new one.");
    if (!rest.includes("--yes") && !(await agreed("Take them into the state?"))) {
      throw new Problem("Nothing was changed.");
    }
    exported.deployment.resources = preparedState(resources, pairs);
    const file = local("adopted-state.json");
    try {
      writeWhole(file, JSON.stringify(exported), 0o600);
      await pulumi(env, "stack", "import", "--stack", stack, "--file", file);
    } finally {
      // Secrets are in it in the clear.
      rmSync(file, { force: true });
    }
    say(`Done. What the first up would do: pulumi preview. To let go of the containers again, without touching them: pulumi stack rm --force ${stack}`);
  }
});

/**
 * The secret variables of a stack's configuration.
 * @param {string} stack
 * @param {NodeJS.ProcessEnv} env
 */
async function secretsOf(stack, env) {
  try {
    return secretVariables(JSON.parse(await pulumi(env, "config", "--json", "--show-secrets", "--stack", stack)));
  } catch {
    // What was printed may have secrets in it.
    throw new Problem(`Pulumi does not tell the secrets of the stack ${stack}; pulumi config --show-secrets --stack ${stack} says why`);
  }
}

/**
 * What the stack would make from nothing, without looking at the host: its names are taken.
 * @param {string} stack
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} without keys that are left out
 * @returns {Promise<Resource[]>}
 */
async function wantedResources(stack, env, without) {
  const text = readIfThere(join(root, `Pulumi.${shortName(stack)}.yaml`)) ?? "";
  const others = text.replaceAll(/^\s+mesos-marathon:(preflight|followImageTags):.*\n?/gm, "");
  const set = "  mesos-marathon:preflight: false\n";
  const file = local("adopt", `Pulumi.${shortName(stack)}.yaml`);
  writeWhole(file, /^config:\s*$/m.test(others) ? others.replace(/^config:\s*\n/m, `config:\n${set}`) : `${others.trimEnd()}\nconfig:\n${set}`);
  if (without.length > 0) {
    await pulumi(env, "config", "rm-all", "--stack", stack, "--config-file", file, ...without);
  }
  const told = await pulumi(env, "preview", "--json", "--stack", stack, "--config-file", file);
  rmSync(file);
  return JSON.parse(told.slice(told.indexOf("{"))).steps.map((/** @type {{ newState: Resource }} */ { newState }) => newState);
}

/**
 * @param {string} dockerHost
 * @param {ReturnType<typeof wantedContainers>} wanted
 * @param {Awaited<ReturnType<typeof secretsOf>>} secrets
 */
async function look(dockerHost, wanted, secrets) {
  /** @type {import("./adoption.mjs").Pair[]} */
  const pairs = [];
  const absent = [];
  for (const [component, { inputs }] of Object.entries(wanted)) {
    const found = await inspect(dockerHost, "container", inputs.name);
    if (found) {
      const image = await inspect(dockerHost, "image", found.Image);
      const names = (secrets[component] ?? []).map((entry) => entry.slice(0, entry.indexOf("=")));
      pairs.push({ component, wanted: inputs, found, imageVariables: image?.Config.Env ?? [], secrets: names });
    } else {
      absent.push(inputs.name);
    }
  }
  return { pairs, absent };
}

/**
 * @param {string} dockerHost
 * @param {"container" | "image"} type
 * @param {string} name
 * @returns {Promise<any>} undefined where there is none
 */
function inspect(dockerHost, type, name) {
  return docker(dockerHost, ["inspect", "--type", type, name]).then((text) => JSON.parse(text)[0], () => undefined);
}

/**
 * What is carried over needs empty volumes.
 * @param {string} dockerHost
 * @param {Resource[]} resources
 */
async function takenVolumes(dockerHost, resources) {
  const names = resources.filter(({ type }) => type === "docker:index/volume:Volume").map(({ inputs }) => inputs?.name);
  const taken = (await docker(dockerHost, ["volume", "ls", "--quiet"])).split("\n").filter((name) => names.includes(name));
  return taken.map((name) => `the volume ${name} is there already, with data of an earlier cluster of this stack, it seems: rename the stack, or remove the volume`);
}
