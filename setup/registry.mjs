/** An image registry's program for the tests that pull from one: one that is there, otherwise Debian's, unpacked in the clone. */

import { existsSync } from "node:fs";

import { which } from "./child.mjs";
import { unpackPackage } from "./debian.mjs";
import { local } from "./paths.mjs";
import { road } from "./terminal.mjs";

/** @returns {Promise<string>} where the program is */
export async function registry() {
  const folder = local("test-packages", "docker-registry");
  const own = `${folder}/usr/bin/docker-registry`;
  const there = which("docker-registry") ?? (existsSync(own) ? own : undefined);
  if (there) {
    road("Image registry", "there already");
    return there;
  }
  // Installed, the package would start a registry that listens on every address, now and at each start of the machine.
  await unpackPackage("docker-registry", folder, "Testing pulls from a registry");
  return own;
}
