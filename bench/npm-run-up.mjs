/** What `npm run up` adds to `pulumi up` where everything is there already. */

import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { run } from "../setup/child.mjs";
import { local, root } from "../setup/paths.mjs";

/**
 * A clone with a stack of its own: which one is selected in this clone stays as it is.
 * @returns {Promise<{ plain: () => Promise<unknown>, byNpm: () => Promise<unknown>, down: () => Promise<unknown>, remove: () => void }>}
 */
export async function otherClone() {
  const clone = mkdtempSync(join(tmpdir(), "mesos-marathon-bench-clone-"));
  for (const path of (await run(["git", "ls-files"], { cwd: root })).split("\n")) {
    cpSync(join(root, path), join(clone, path));
  }
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  mkdirSync(join(clone, ".local"));
  for (const part of ["bin", "pulumi-home"]) {
    symlinkSync(local(part), join(clone, ".local", part));
  }
  const script = (/** @type {string} */ name, /** @type {string[]} */ ...args) => run(["npm", "run", name, "--", ...args], { cwd: clone });
  const byNpm = () => script("up", "--stack", "rehearsal", "--skip-preview");
  await byNpm();
  const { environment } = await import(join(clone, "setup", "environment.mjs"));
  const env = environment({ bin: undefined, home: process.env.PULUMI_HOME });
  return {
    plain: () => run(["pulumi", "up", "--yes", "--skip-preview"], { cwd: clone, env }),
    byNpm,
    down: () => script("down", "--yes"),
    remove: () => rmSync(clone, { recursive: true, force: true }),
  };
}
