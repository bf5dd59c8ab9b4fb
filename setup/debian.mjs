/** Packages of a Debian-like system. */

import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { asRoot, run, which } from "./child.mjs";
import { readIfThere } from "./files.mjs";
import { note } from "./ledger.mjs";
import { Problem, say, step } from "./terminal.mjs";

/** Milliseconds after which package lists may name versions that the mirrors have dropped. */
const listsLast = 24 * 3600_000;

/**
 * Installs packages with whatever they need. Names all of them first and notes which ones are new.
 * @param {string[]} packages
 * @param {string} why what they are needed for
 * @throws Problem where the system has no apt, or apt fails
 */
export async function installPackages(packages, why) {
  if (!which("apt-get")) {
    throw new Problem(`${why} needs ${packages.join(", ")}. This system has no apt-get to install them with: install them yourself, then run this again.`);
  }
  if (Date.now() - (statSync("/var/lib/apt/lists", { throwIfNoEntry: false })?.mtimeMs ?? 0) > listsLast) {
    await updateLists();
  }
  const wanted = await simulate(packages).catch(async () => {
    await updateLists();
    return simulate(packages);
  });
  say(`${why} needs Debian packages that are not here. Installing now: ${wanted.map(({ name, version }) => `${name} ${version}`).join(", ")}`);
  // Noted first: a run that is cut off has installed some of them.
  note(...wanted.map((entry) => ({ kind: /** @type {const} */ ("package"), ...entry })));
  const groups = groupNames();
  const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--no-install-recommends", "-o", "APT::Status-Fd=1", ...packages];
  await step(packages.join(", "), { doing: "apt-get install", usually: "15 seconds" }, (progress) =>
    run(asRoot(command, "Installing packages"), {
      log: "apt-install",
      failed: `apt-get could not install ${packages.join(", ")}`,
      // `pmstatus:` and `dlstatus:` lines: package, percent, text (APT's documentation of APT::Status-Fd).
      onLine: (line) => /^(pm|dl)status:/.test(line) && progress(`${Math.round(Number(line.split(":")[2]))} %`),
    }),
  );
  note(...groupNames().filter((name) => !groups.includes(name)).map((name) => ({ kind: /** @type {const} */ ("group"), name })));
}

/**
 * The program that makes root file systems of Debian, whose package has its name.
 * @param {string} why what it is needed for
 */
export async function needMmdebstrap(why) {
  if (!which("mmdebstrap")) {
    await installPackages(["mmdebstrap"], why);
  }
}

/**
 * Unpacks a package into a folder of the clone: for programs of which nothing but the program is wanted, no service, no user.
 * @param {string} name
 * @param {string} folder made anew
 * @param {string} why what it is needed for
 * @throws Problem where the system has no apt, or the package cannot be had
 */
export async function unpackPackage(name, folder, why) {
  if (!which("apt-get") || !which("dpkg-deb")) {
    throw new Problem(`${why} needs the program of the Debian package ${name}, and this system has no apt-get to get it with: put it on PATH, then run this again.`);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const download = () => run(["apt-get", "download", name], { cwd: folder, log: "apt-download", failed: `apt-get could not download ${name}` });
  await step(name, { doing: "apt-get download, unpacked in the clone", usually: "5 seconds" }, async () => {
    await download().catch(async () => {
      await updateLists();
      await download();
    });
    for (const file of readdirSync(folder).filter((file) => file.endsWith(".deb"))) {
      await run(["dpkg-deb", "--extract", join(folder, file), folder]);
      rmSync(join(folder, file));
    }
  });
}

function updateLists() {
  return step("Package lists", { doing: "apt-get update", usually: "10 seconds" }, () =>
    run(asRoot(["apt-get", "update"], "Updating the package lists"), {
      log: "apt-update",
      failed: "apt-get could not update the package lists. Is the network up?",
    }),
  );
}

/**
 * What apt-get would install.
 * @param {string[]} packages
 */
async function simulate(packages) {
  const plan = await run(["apt-get", "install", "--simulate", "--no-install-recommends", ...packages]);
  return [...plan.matchAll(/^Inst (\S+) \((\S+)/gm)].map(([, name, version]) => ({ name, version }));
}

/**
 * Which of these packages are installed, in which version.
 * @param {string[]} names
 * @returns {Promise<{ name: string, version: string }[]>}
 */
export async function versions(names) {
  const told = await run(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status} ${Version}\\n"]);
  return [...told.matchAll(/^(\S+) installed (\S+)$/gm)]
    .map(([, name, version]) => ({ name, version }))
    .filter(({ name }) => names.includes(name));
}

const groupNames = () => (readIfThere("/etc/group") ?? "").split("\n").filter(Boolean).map((line) => line.split(":")[0]);
