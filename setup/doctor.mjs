/**
 * `npm run doctor [-- --json] [-- --stack NAME]`: preflight's checks without a preview, and a look at the running cluster.
 * Changes nothing, and installs nothing but npm packages. Exit code 1 where there is an error.
 */
import "./node-version.mjs";

import { join } from "node:path";
import { parseArgs } from "node:util";

import { backend, leavingNoSalt, ownStacks, stacksUp } from "./backend.mjs";
import { run, which } from "./child.mjs";
import { dependencies } from "./dependencies.mjs";
import { environment } from "./environment.mjs";
import { readIfThere } from "./files.mjs";
import { local, root } from "./paths.mjs";
import { checkStack, rememberedStack, shortName } from "./stack.mjs";
import { main, Problem } from "./terminal.mjs";

/** Milliseconds that Pulumi is given to tell what it knows. */
const patience = 20_000;
const project = "mesos-marathon";

await main(async () => {
  const { json, stack: asked, "config-file": configFile } = parse();
  const up = stacksUp();
  const stack = asked ?? rememberedStack() ?? (up.length === 1 ? up[0] : "dev");
  if (configFile === undefined) {
    checkStack(stack);
  }
  await dependencies();
  const known = await (backend().own ? leavingNoSalt(() => ask(stack, configFile)) : ask(stack, configFile));
  const { tsImport } = await import("tsx/esm/api");
  const { diagnose, inTable } = await tsImport("../doctor/index.ts", import.meta.url);
  const report = await diagnose({ project, stack: shortName(stack), ...known });
  console.log(json ? JSON.stringify(report, undefined, 2) : inTable(report, Math.min(process.stdout.columns ?? 80, 80)));
  return report.ok ? 0 : 1;
});

function parse() {
  const options = /** @type {const} */ ({ json: { type: "boolean" }, stack: { type: "string", short: "s" }, "config-file": { type: "string" } });
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new Problem(`${/** @type {Error} */ (error).message.split(". ")[0]}\nnpm run doctor [-- --json] [-- --stack NAME] [-- --config-file FILE]`);
  }
}

/**
 * What is known of a stack: by Pulumi, else by its file and Pulumi.yaml.
 * @param {string} stack
 * @param {string | undefined} configFile
 */
async function ask(stack, configFile) {
  const { load } = await import("js-yaml");
  /** @param {string} file */
  const yaml = (file) => /** @type {any} */ (load(readIfThere(file) ?? "") ?? {});
  const defaults = Object.entries(yaml(join(root, "Pulumi.yaml")).config).map(([key, { default: value }]) => [key, asText(value)]);
  const whole = (/** @type {[string, string][]} */ set) => ({ ...Object.fromEntries(defaults), ...Object.fromEntries(set) });

  const isKnown = backend().own ? ownStacks().some(({ name }) => name === shortName(stack)) : true;
  const bin = which("pulumi") ? undefined : which("pulumi", local("bin")) && local("bin");
  /** @type {string[]} */
  const unread = [];
  let deployment;
  if (isKnown && (bin || which("pulumi"))) {
    const env = environment({ bin, home: local("pulumi-home") });
    const pulumi = (/** @type {string[]} */ ...args) => run(["pulumi", ...args, "--stack", stack, "--non-interactive"], { cwd: root, env, timeout: patience });
    const [config, state] = await Promise.allSettled([
      pulumi("config", "--json", "--show-secrets", ...(configFile === undefined ? [] : ["--config-file", configFile])),
      pulumi("stack", "export", "--show-secrets"),
    ]);
    const failed = [config, state].flatMap((each) => (each.status === "rejected" ? complaint(each.reason) : []));
    unread.push(...new Set(failed.filter((text) => !text.includes("no stack named")).map((text) => `Pulumi does not tell all of the stack ${stack}: ${text}`)));
    deployment = state.status === "fulfilled" ? JSON.parse(state.value).deployment : undefined;
    if (config.status === "fulfilled") {
      const set = Object.entries(/** @type {Record<string, { value: string, secret: boolean }>} */ (JSON.parse(config.value))).filter(([key]) => key.startsWith(`${project}:`));
      const named = set.map(([key, { value, secret }]) => ({ key: key.slice(project.length + 1), value, secret }));
      return {
        values: whole(named.map(({ key, value }) => [key, value])),
        secretKeys: named.filter(({ secret }) => secret).map(({ key }) => key),
        deployment,
        unread,
      };
    }
  }
  const set = Object.entries(yaml(configFile ?? join(root, `Pulumi.${shortName(stack)}.yaml`)).config ?? {})
    .filter(([key]) => key.startsWith(`${project}:`))
    .map(([key, value]) => ({ key: key.slice(project.length + 1), value: asText(value) }));
  const unreadable = set.filter(({ value }) => value.includes('"secure":')).map(({ key }) => key);
  const left = unreadable.includes("imageRegistryPassword") ? [...unreadable, "imageRegistryUsername"] : unreadable;
  if (left.length > 0) {
    unread.push(`${left.join(", ")} left out, as only Pulumi can read secrets`);
  }
  return { values: whole(set.filter(({ key }) => !left.includes(key)).map(({ key, value }) => [key, value])), secretKeys: [], deployment, unread };
}

/**
 * A value as Pulumi hands it to a program.
 * @param {unknown} value
 */
function asText(value) {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * What Pulumi said was wrong.
 * @param {Error} error
 */
function complaint({ message }) {
  return message.split("\n").find((line) => line.includes("error:")) ?? message.split("\n")[0];
}
