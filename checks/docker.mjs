/** The Docker Engine, asked over its API. */

import { createRequire } from "node:module";

import { sshAgent } from "./ssh.mjs";

/**
 * A client of a Docker Engine. Loaded when first needed: most gates pass before they need one.
 * @param {string} dockerHost as in DOCKER_HOST: `unix://…`, `tcp://…` (with DOCKER_CERT_PATH for TLS) or `ssh://…`
 * @param {number} timeout milliseconds without an answer after which a call fails
 * @returns {import("dockerode")}
 */
export function dockerEngine(dockerHost, timeout = 60_000) {
  const Docker = createRequire(import.meta.url)("dockerode");
  if (dockerHost.startsWith("unix://")) {
    // The library takes what is missing from DOCKER_HOST, and a host before a socket.
    return new Docker({ host: undefined, port: undefined, protocol: "http", socketPath: dockerHost.slice("unix://".length), timeout });
  }
  if (dockerHost.startsWith("ssh://")) {
    // A question of ssh's would wait for ever. The other time limit is one of sockets, which a pipe has not.
    const agent = sshAgent(dockerHost, ["-o", "BatchMode=yes"]);
    return new Docker(/** @type {any} */ ({ host: "docker", port: 80, protocol: "http", agent, connectionTimeout: timeout }));
  }
  // The library reads the rest (host, port, certificates) as the docker CLI does.
  process.env.DOCKER_HOST = dockerHost;
  return new Docker({ timeout });
}

/**
 * @typedef {{
 *   container: string, labels: string[], erase: boolean, seconds: number, settings: Record<string, string | undefined>,
 * }} Doomed
 * A component that is to go: its container and the labels that mark it as the stack's, whether its data goes too, how
 * long to wait for anything.
 *
 * @typedef {(docker: import("dockerode"), doomed: Doomed) => Promise<string[]>} Teardown
 * Says on stdout what it did, and returns what it could not do.
 */

/**
 * The stack's own container as it stands; undefined, with the reason, where there is none.
 * @param {import("dockerode")} docker
 * @param {Pick<Doomed, "container" | "labels">} which
 * @returns {Promise<{ seen?: import("dockerode").ContainerInspectInfo, problem: string }>}
 */
export async function ownContainer(docker, { container, labels }) {
  const seen = await docker.getContainer(container).inspect().catch(ignore(404));
  if (!seen) {
    return { problem: `${container} does not exist any more` };
  }
  const borne = Object.entries(seen.Config.Labels).map(([key, value]) => `${key}=${value}`);
  return labels.every((label) => borne.includes(label)) ? { seen, problem: "" } : { problem: `the container ${container} is not this stack's and is left alone` };
}

/**
 * Why the stack's own container does not run; then whoever answers at its address is somebody else.
 * @param {import("dockerode")} docker
 * @param {Pick<Doomed, "container" | "labels">} which
 * @returns {Promise<string>} empty where it runs
 */
export async function notRunning(docker, which) {
  const { seen, problem } = await ownContainer(docker, which);
  return seen && (!seen.State.Running || seen.State.Restarting) ? `${which.container} is ${seen.State.Status}` : problem;
}

/**
 * @param {...number} statuses of answers that mean: it was so already
 * @returns {(error: { statusCode?: number }) => undefined}
 */
export function ignore(...statuses) {
  return (error) => {
    if (!statuses.includes(error.statusCode ?? 0)) {
      throw error;
    }
  };
}

/**
 * The end of a container's log, both streams, indented.
 * @param {import("dockerode").Container} container
 * @param {number} lines
 */
export async function logTail(container, lines) {
  const log = await container.logs({ stdout: true, stderr: true, tail: lines });
  return unframe(log).replaceAll("\r\n", "\n").trimEnd().replace(/^/gm, "    ");
}

/**
 * Takes the eight-byte headers out of a log: stream, three zeros, length (Docker Engine API 1.41, "Attach to a
 * container"). A container with a terminal has none.
 * @param {Buffer} log
 */
function unframe(log) {
  const parts = [];
  for (let at = 0; at + 8 <= log.length; ) {
    if (log[at] > 2 || log.readUIntBE(at + 1, 3) !== 0) {
      return log.toString();
    }
    const end = at + 8 + log.readUInt32BE(at + 4);
    parts.push(log.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(parts).toString();
}
