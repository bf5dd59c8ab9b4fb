/** Packages of a Debian-like system. */

import { statSync } from "node:fs";

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
