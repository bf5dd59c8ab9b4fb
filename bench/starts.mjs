/** What single steps of every command cost: the program's imports, and the start of each plugin. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

import { run } from "../setup/child.mjs";
import { root } from "../setup/paths.mjs";
import { neededPlugins } from "../setup/plugins.mjs";

/** In the order in which the program loads them: what one has loaded costs the next nothing. */
const imports = ["@pulumi/pulumi", "@pulumi/docker", "@pulumi/command", "fastest-levenshtein", "dockerode"];

/** @returns {Promise<Record<string, number>>} what → seconds */
export async function starts() {
  const program = `const times = ${JSON.stringify(imports)}.map((name) => {
    const begun = performance.now(); require(name);
    return ["import " + name, (performance.now() - begun) / 1000];
  }); console.log(JSON.stringify(Object.fromEntries(times)))`;
  /** @type {Record<string, number>} */
  const times = JSON.parse(await run([process.execPath, "-e", program], { cwd: root }));
  const begun = performance.now();
  await run([process.execPath, "-e", "0"]);
  times["node -e 0"] = (performance.now() - begun) / 1000;
  for (const { name, version } of neededPlugins()) {
    times[`plugin ${name}`] = await pluginStart(join(process.env.PULUMI_HOME ?? "", "plugins", `resource-${name}-v${version}`, `pulumi-resource-${name}`));
  }
  return times;
}

/**
 * Seconds until a plugin says on which port it serves.
 * @param {string} path
 */
async function pluginStart(path) {
  const begun = performance.now();
  const plugin = spawn(path, ["127.0.0.1:1"], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(plugin, "exit");
  await Promise.race([once(plugin.stdout, "data"), ended]);
  const seconds = (performance.now() - begun) / 1000;
  plugin.kill();
  await ended;
  return seconds;
}
