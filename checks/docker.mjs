/** The Docker Engine, asked over its API. */

import { createRequire } from "node:module";

/**
 * A client of a Docker Engine. Loaded when first needed: most gates pass before they need one.
 * @param {string} dockerHost as in DOCKER_HOST: `unix://…`, `tcp://…` (with DOCKER_CERT_PATH for TLS) or `ssh://…`
 * @param {number} timeout milliseconds without an answer after which a call fails
 * @returns {import("dockerode")}
 */
export function dockerEngine(dockerHost, timeout = 60_000) {
  const Docker = createRequire(import.meta.url)("dockerode");
  if (dockerHost.startsWith("unix://")) {
    return new Docker({ socketPath: dockerHost.slice("unix://".length), timeout });
  }
  // The library reads the rest (host, port, certificates, ssh agent) as the docker CLI does.
  process.env.DOCKER_HOST = dockerHost;
  return new Docker({ timeout });
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
