/** `npm run setup:undo [-- --yes]`: takes away what the set-up installed, and nothing else. */
import "./node-version.mjs";

import { existsSync, readdirSync, rmSync } from "node:fs";

import { stacksUp } from "./backend.mjs";
import { asRoot, run } from "./child.mjs";
import { versions } from "./debian.mjs";
import { ask, currentDockerHost, docker } from "./docker-client.mjs";
import { stopDaemon, unmount } from "./docker-daemon.mjs";
import { alone } from "./files.mjs";
import { forget, installed } from "./ledger.mjs";
import { describe } from "./list.mjs";
import { local } from "./paths.mjs";
import { agreed, main, Problem, say } from "./terminal.mjs";

/** What is in something goes before it: images before the daemon, the daemon before its package and its data. */
const order = /** @type {const} */ (["image", "service", "daemon", "package", "path", "group"]);

/** Where Debian's Docker Engine keeps images, containers and volumes. */
const dockerData = "/var/lib/docker";

await main(() => alone("test", "runs the tests", () => alone("setup", "is setting things up", undoAll)));

async function undoAll() {
  const entries = installed();
  await refuseWhileUp(entries);
  // The lock of this very run is there.
  if (entries.length === 0 && readdirSync(local()).every((name) => name.endsWith(".lock"))) {
    rmSync(local(), { recursive: true, force: true });
    say("There is nothing to undo.");
    return 0;
  }
  say("To be taken away:");
  for (const entry of entries) {
    say(`  ${describe(entry)}`);
  }
  say(`  ${local()}, with the Pulumi engine, plugins, state, passphrase and caches in it`);
  if (!process.argv.includes("--yes") && !(await agreed("Take all of it away?"))) {
    say("Nothing was changed.");
    return 1;
  }
  for (const kind of order) {
    await undo(kind, entries.filter((entry) => entry.kind === kind));
  }
  rmSync(local(), { recursive: true, force: true });
  say("Undone. What is left in the clone is what git knows, node_modules and dist.");
  return 0;
}

/** @typedef {import("./ledger.mjs").Entry} Entry */

/**
 * @param {typeof order[number]} kind
 * @param {Entry[]} entries all of that kind
 */
async function undo(kind, entries) {
  if (kind === "package") {
    return removePackages(entries);
  }
  for (const entry of entries) {
    switch (entry.kind) {
      case "image":
        // Gone with its engine, or removed by somebody else: either is what is wanted.
        await docker(entry.dockerHost, ["image", "rm", entry.name]).catch(() => {});
        break;
      case "service":
        await run(asRoot(["systemctl", "stop", `${entry.name}.socket`, entry.name], "Stopping Docker")).catch(() => {});
        break;
      case "daemon":
        await stopDaemon(entry);
        break;
      case "path":
        await unmount([entry.path]);
        await run(asRoot(["rm", "-rf", "--one-file-system", entry.path], `Removing ${entry.path}`));
        break;
      case "group":
        await run(asRoot(["groupdel", entry.name], "Removing a group")).catch(() => {});
        break;
    }
    forget(entry);
  }
}

/**
 * Removes those of the packages that nothing else on the machine has come to need.
 * @param {Entry[]} entries
 */
async function removePackages(entries) {
  const packages = entries.flatMap((entry) => (entry.kind === "package" ? [entry.name] : []));
  const there = packages.length > 0 ? (await versions(packages)).map(({ name }) => name) : [];
  if (there.length > 0) {
    // Purging Debian's docker.io deletes Docker's data too, whoever's they are.
    const strangersData = there.includes("docker.io") && existsSync(dockerData) && !installed().some((entry) => entry.kind === "path" && entry.path === dockerData);
    if (strangersData) {
      say(`${dockerData} was there before: it stays, with all images and volumes in it.`);
    }
    const verb = strangersData ? "remove" : "purge";
    const plan = await run(["apt-get", verb, "--simulate", ...there]);
    const others = [...plan.matchAll(/^(?:Remv|Purg) (\S+)/gm)].map(([, name]) => name).filter((name) => !there.includes(name));
    if (others.length > 0) {
      say(`Left installed, because ${others.join(", ")} would be removed too: ${there.join(", ")}`);
      return;
    }
    await run(asRoot(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", verb, "--yes", ...there], "Removing packages"), {
      log: "apt-purge",
      failed: "apt-get could not remove the packages",
    });
  }
  entries.forEach(forget);
}

/**
 * A cluster whose engine and state were taken away would be nobody's.
 * @param {Entry[]} entries
 */
async function refuseWhileUp(entries) {
  const up = stacksUp();
  if (up.length > 0) {
    throw new Problem(`The stack ${up.join(" and the stack ")} is still up. Take it down first: npm run down${up.length > 1 ? " -- --stack NAME" : ""}`);
  }
  const filters = encodeURIComponent(JSON.stringify({ label: ["mesos-marathon.project=mesos-marathon"] }));
  const hosts = new Set([currentDockerHost().dockerHost, ...entries.flatMap((entry) => (entry.kind === "image" ? [entry.dockerHost] : []))]);
  for (const dockerHost of hosts) {
    const containers = await ask(dockerHost, `/containers/json?all=1&filters=${filters}`).then(({ status, body }) => (status === 200 ? body : []), () => []);
    if (containers.length > 0) {
      throw new Problem(`Containers of a stack are still at ${dockerHost}: ${containers.map((/** @type {{ Names: string[] }} */ { Names }) => Names[0].slice(1)).join(", ")}. Take it down first: npm run down`);
    }
  }
}
