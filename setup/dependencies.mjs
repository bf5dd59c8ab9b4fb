/** The npm packages that package-lock.json names, exactly those. */

import { join } from "node:path";

import { run, which } from "./child.mjs";
import { readIfThere } from "./files.mjs";
import { root } from "./paths.mjs";
import { Problem, road, step } from "./terminal.mjs";

/** @typedef {{ packages?: Record<string, { version?: string, optional?: boolean }> }} Lock */

/**
 * Whether what npm noted of `node_modules`, the last thing that it writes there, is what the lock file asks for.
 * Optional packages may be absent: most of them are for other platforms.
 * @param {Lock} wanted package-lock.json
 * @param {Lock} there node_modules/.package-lock.json
 */
export function matches({ packages: wanted = {} }, { packages: there = {} }) {
  return (
    Object.entries(wanted).every(([path, { version, optional }]) =>
      path === "" || (path in there ? there[path].version === version : optional === true),
    ) && Object.keys(there).every((path) => path in wanted)
  );
}

/** Installs them where `node_modules` is not what the lock file asks for; however it came there is all the same. */
export async function dependencies() {
  const [wanted, there] = ["package-lock.json", "node_modules/.package-lock.json"].map((path) =>
    JSON.parse(readIfThere(join(root, path)) ?? "{}"),
  );
  if (matches(wanted, there)) {
    road("npm packages", "there already");
    return;
  }
  if (!which("npm")) {
    throw new Problem("npm is not on PATH. It comes with Node: install Node 20 or newer with npm.");
  }
  await step("npm packages", { doing: "npm ci", usually: "10 to 40 seconds" }, () =>
    run(["npm", "ci", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"], {
      cwd: root,
      log: "npm-ci",
      failed: "npm could not install the packages. Is the npm registry reachable (npm ping)?",
    }),
  );
}
