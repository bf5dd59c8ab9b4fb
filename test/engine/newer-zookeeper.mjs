/** A real ZooKeeper that is newer than the rehearsal's, to see that it goes on with what the rehearsal's has written. */

import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";

import { run } from "../../setup/child.mjs";
import { needMmdebstrap } from "../../setup/debian.mjs";
import { local } from "../../setup/paths.mjs";
import { step } from "../../setup/terminal.mjs";

/**
 * The files of ZooKeeper 3.9 as Debian 13 packages it, kept for the next run. Debian 12's Java and libraries do for it.
 * @returns {Promise<string>} a tar file
 */
export async function newerZooKeeper() {
  const file = local("test-packages", "zookeeper-trixie.tar");
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    await needMmdebstrap("Testing with a newer ZooKeeper");
    const partial = `${file}.partial`;
    // Of the other release nothing is installed: mmdebstrap is what knows its archive and its keys.
    const download = 'cd "$1" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get download libzookeeper-java && dpkg-deb --fsys-tarfile libzookeeper-java_*.deb > "$TAR"';
    await step("Newer ZooKeeper", { doing: "mmdebstrap, download of one package", usually: "15 seconds" }, () =>
      run(["mmdebstrap", "--variant=custom", "--format=null", `--customize-hook=${download}`, "trixie", "/dev/null"], {
        env: { ...process.env, TAR: partial },
        log: "mmdebstrap-zookeeper",
        failed: "mmdebstrap could not download ZooKeeper of Debian trixie",
      }),
    );
    renameSync(partial, file);
  }
  return file;
}
