/** A Docker Engine that answers: the one that is there, else Debian's, installed and started. */

import { existsSync, statSync } from "node:fs";

import { usualDockerHost } from "../checks/docker-context.cjs";
import { asRoot, run, which } from "./child.mjs";
import { installPackages } from "./debian.mjs";
import { ask, currentDockerHost } from "./docker-client.mjs";
import { lacksCapability, startDaemon } from "./docker-daemon.mjs";
import { installed, note } from "./ledger.mjs";
import { local } from "./paths.mjs";
import { Problem, road, say, step } from "./terminal.mjs";

/** What Docker Engine 20.10 and later cannot do without; iptables is only a recommendation of the package. */
const packages = ["docker.io", "iptables"];

/**
 * @typedef {object} Situation
 * @property {string} dockerHost
 * @property {string} chosenBy what chose the endpoint; "" for nothing
 * @property {string} [code] why nothing answered there
 * @property {string} [message]
 * @property {boolean} installed whether there is a dockerd on this machine
 * @property {boolean} installedByUs whether the set-up installed it
 * @property {boolean} systemd whether systemd runs this machine
 */

/**
 * What to do about a Docker Engine that does not answer.
 * @param {Situation} situation
 * @returns {{ install: boolean, start: "systemd" | "by hand" } | { problem: string }}
 */
export function remedy({ dockerHost, chosenBy, code, message, installed, installedByUs, systemd }) {
  if (code === "EACCES") {
    return { problem: `No permission on the Docker socket ${dockerHost}: run this as a member of the group docker (sudo usermod -aG docker $USER, then log in again), or as root.` };
  }
  if (chosenBy || dockerHost !== usualDockerHost) {
    return { problem: `No Docker Engine answers at ${dockerHost}, which ${chosenBy || "the stack's configuration (dockerHost)"} names (${message ?? code}). Start it, or take that setting away.` };
  }
  if (code === "ETIMEDOUT") {
    return { problem: `The Docker Engine at ${dockerHost} takes connections but does not answer. Restart it (systemctl restart docker), then run this again.` };
  }
  if (process.platform !== "linux") {
    return { problem: "No Docker Engine answers. Install Docker Desktop or start it, then run this again." };
  }
  if (installed && systemd && !installedByUs) {
    return { problem: "Docker is installed but not running. Start it with: sudo systemctl start docker" };
  }
  return { install: !installed, start: systemd ? "systemd" : "by hand" };
}

/**
 * Makes sure that the Docker Engine of a stack answers.
 * @param {string} [configured] the endpoint that the stack's configuration names, if it does
 * @param {{ install?: boolean }} [options] install: whether to install one where there is none; default: true
 * @returns {Promise<string>} the endpoint, as in DOCKER_HOST
 * @throws Problem that says what to do
 */
export async function dockerEngine(configured, { install = true } = {}) {
  const { dockerHost, chosenBy } = configured ? { dockerHost: configured, chosenBy: "" } : currentDockerHost();
  const { code, message, answered } = await ask(dockerHost, "/_ping").then(
    ({ status }) => ({ answered: status === 200, code: `HTTP ${status}`, message: `it answered HTTP ${status}` }),
    (error) => ({ answered: false, code: error.code, message: error.message }),
  );
  if (answered) {
    road("Docker Engine", "there already");
    return dockerHost;
  }
  const toDo = remedy({
    dockerHost,
    chosenBy,
    code,
    message,
    installed: which("dockerd") !== undefined,
    installedByUs: installed().some((entry) => entry.kind === "package" && entry.name === "docker.io"),
    systemd: existsSync("/run/systemd/system"),
  });
  if ("problem" in toDo) {
    throw new Problem(toDo.problem);
  }
  if (toDo.install && !install) {
    throw new Problem("There is no Docker Engine on this machine any more, so nothing of the cluster runs here. `npm run up` installs one.");
  }
  if (toDo.install) {
    await installDockerEngine();
  }
  if (toDo.start === "systemd") {
    await startByInit();
  } else {
    await startByHand();
  }
  await ask(dockerHost, "/_ping").catch((error) => {
    throw new Problem(remedyText(error.code, dockerHost));
  });
  return dockerHost;
}

/**
 * @param {string} code
 * @param {string} dockerHost
 */
function remedyText(code, dockerHost) {
  const told = remedy({ dockerHost, chosenBy: "", code, installed: true, installedByUs: false, systemd: true });
  return "problem" in told ? told.problem : `The Docker Engine at ${dockerHost} does not answer (${code}).`;
}

/** Installs dockerd and what it needs, where it is not on this machine. Does not start it. */
export async function installDockerEngine() {
  if (which("dockerd")) {
    return;
  }
  await installPackages(packages, "The Docker Engine");
}

async function startByInit() {
  say("Starting the Docker Engine: systemctl start docker");
  await run(asRoot(["systemctl", "start", "docker"], "Starting the Docker Engine"), { failed: "systemd could not start Docker: journalctl --unit docker says why" });
  note({ kind: "service", name: "docker" });
  road("Docker Engine", "started with systemd");
}

/** Without an init system nobody else will start it, today or after a restart of the machine. */
async function startByHand() {
  const socket = "/var/run/docker.sock";
  say(
    `Starting the Docker Engine by hand, as there is no systemd: settings, log and pid in ${local("docker")}, data in /var/lib/docker, socket ${socket}` +
      (lacksCapability() ? ", with a runtime that leaves out the capabilities this machine lacks" : ""),
  );
  if (statSync(socket, { throwIfNoEntry: false })?.isDirectory()) {
    say(`${socket} is a folder, as a container leaves it that was to mount the socket while there was none: removing it, if it is empty`);
    await run(asRoot(["rmdir", socket], "Removing that folder"), { failed: `${socket} is not empty. See what is in it, and remove it` });
  }
  await step("Docker Engine", { doing: "started by hand", usually: "5 seconds" }, async () => {
    const daemon = await startDaemon({ folder: local("docker"), socket, makes: ["/var/lib/docker", "/var/run/docker"] });
    note({ kind: "daemon", ...daemon, socket });
  });
}
