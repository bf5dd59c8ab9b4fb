/** `npm run setup:list`: everything that the set-up installed, outside the clone and inside. */
import "./node-version.mjs";

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { runs } from "./files.mjs";
import { installed } from "./ledger.mjs";
import { root } from "./paths.mjs";
import { main } from "./terminal.mjs";

/**
 * One line about an entry of the ledger.
 * @param {import("./ledger.mjs").Entry} entry
 */
export function describe(entry) {
  switch (entry.kind) {
    case "package":
      return `Debian package ${entry.name} ${entry.version}`;
    case "group":
      return `group of users ${entry.name}`;
    case "service":
      return `systemd service ${entry.name}, started`;
    case "path":
      return `${entry.path}, made by dockerd${entry.path === "/var/lib/docker" ? ", with every image, container and volume in it" : ""}`;
    case "daemon":
      return `dockerd, process ${entry.pid} (${runs(entry) ? "running" : "not running now"}), with ${entry.socket}`;
    case "image":
      return `image ${entry.name} in the Docker Engine at ${entry.dockerHost}`;
  }
}

/** What there may be inside, with what it is. */
const inside = [
  ["node_modules", "npm packages"],
  [".local/bin", "Pulumi CLI and Node language host"],
  [".local/pulumi-home", "PULUMI_HOME with the plugins"],
  [".local/state", "state of the stacks, in Pulumi's file backend"],
  [".local/cache", "root file system of the base image"],
  [".local/docker", "settings and log of the Docker Engine"],
  [".local/test-engine", "the tests' own Docker Engine and image registry"],
  [".local/test-packages", "programs that only the tests use"],
  [".local/log", "logs of the set-up"],
];

/**
 * Bytes in a folder.
 * @param {string} folder
 * @returns {number}
 */
const size = (folder) =>
  readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? size(path) : entry.isFile() ? statSync(path).size : 0);
  }, 0);

if (process.argv[1]?.endsWith("list.mjs")) {
  await main(async () => {
    const outside = installed();
    console.log("Outside the clone:");
    console.log(outside.length === 0 ? "  nothing" : outside.map((entry) => `  ${describe(entry)}`).join("\n"));
    console.log("  and what npm and Go keep in their own caches (npm cache clean --force, go clean -cache -modcache)");
    console.log("Inside:");
    for (const [name, what] of inside) {
      const path = join(root, name);
      if (statSync(path, { throwIfNoEntry: false })) {
        console.log(`  ${name}  ${what}, ${Math.ceil(size(path) / 1e6)} MB`);
      }
    }
    console.log("npm run setup:undo takes all of it away, but for node_modules and the caches of npm and Go.");
  });
}
