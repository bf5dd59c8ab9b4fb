/** The Docker Engine of another Debian release, to see that what holds on this machine's holds on a newer one's. */

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

import { run } from "../../setup/child.mjs";
import { needMmdebstrap } from "../../setup/debian.mjs";
import { needRoom } from "../../setup/files.mjs";
import { local, root } from "../../setup/paths.mjs";
import { step } from "../../setup/terminal.mjs";

/**
 * Makes a root file system with the release's Docker Engine, kept for the next run.
 * @param {string} release such as `trixie` (Debian 13, Docker Engine 26)
 * @returns {Promise<string[]>} the command that stands for `dockerd`
 */
export async function dockerdOf(release) {
  // `docker top` runs the ps beside dockerd.
  const folder = local("test-engine", `debian-${release}`);
  if (!existsSync(folder)) {
    mkdirSync(local("test-engine"), { recursive: true });
    needRoom(local("test-engine"), 1, `A root file system of Debian ${release}`);
    await needMmdebstrap(`Testing on Debian ${release}`);
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    await step(`Debian ${release}`, { doing: "mmdebstrap", usually: "30 seconds" }, () =>
      run(["mmdebstrap", "--variant=minbase", "--include=docker.io,procps", '--aptopt=APT::Install-Recommends "false"', release, partial], {
        log: `mmdebstrap-${release}`,
        failed: `mmdebstrap could not make a root file system of Debian ${release}`,
      }),
    );
    renameSync(partial, folder);
  }
  return [join(root, "test", "engine", "dockerd-in.sh"), folder];
}
