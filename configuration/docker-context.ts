import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir, hostname, networkInterfaces } from "node:os";
import { join } from "node:path";

import { rules } from "./keys";
import { faults, project, type Source, told } from "./source";

/** The docker CLI's, where nothing chooses another one. */
export const usualDockerHost = "unix:///var/run/docker.sock";

/**
 * The Docker Engine that the docker CLI would use: DOCKER_HOST, else the current context, else the default socket.
 * (Order and files: Docker CLI, "Docker contexts".)
 * @throws Error that says what to do where there is no such context: another engine would be the wrong one
 */
export function currentDockerHost(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.DOCKER_HOST) {
    return environment.DOCKER_HOST;
  }
  const folder = environment.DOCKER_CONFIG || join(homedir(), ".docker");
  const context = environment.DOCKER_CONTEXT || readJson(join(folder, "config.json"))?.currentContext;
  if (!context || context === "default") {
    return usualDockerHost;
  }
  const id = createHash("sha256").update(context).digest("hex");
  const endpoint = readJson(join(folder, "contexts", "meta", id, "meta.json"))?.Endpoints?.docker?.Host;
  if (!endpoint) {
    const chosenBy = environment.DOCKER_CONTEXT ? "DOCKER_CONTEXT" : join(folder, "config.json");
    throw new Error(
      `the docker CLI's context ${JSON.stringify(context)} (${chosenBy}) is not found: choose one of docker context ls, with docker context use NAME` +
        `${environment.DOCKER_CONTEXT ? " or DOCKER_CONTEXT" : ""}, or set mesos-marathon:dockerHost`,
    );
  }
  return endpoint;
}

/** The Docker Engine and its socket. `ambient` is the endpoint to use where the stack names none. */
export function readEndpoint(source: Source, ambient: () => string): { dockerHost: string; dockerSocket: string } {
  const address = source.text("address");
  let dockerHost = source.text("dockerHost");
  try {
    dockerHost ||= ambient();
  } catch (error) {
    source.problems.push((error as Error).message);
    dockerHost = usualDockerHost;
  }
  const wrong = faults(rules.dockerHost, dockerHost);
  if (!source.text("dockerHost")) {
    for (const cure of wrong) {
      source.problems.push(`DOCKER_HOST, or else the docker CLI's context, is ${told(dockerHost)}: ${cure}, there or as ${project}:dockerHost`);
    }
  }
  if (wrong.length === 0 && address.startsWith("127.") && isElsewhere(dockerHost)) {
    source.problem("address", address, `the Docker Engine is on another machine (${dockerHost}), whose own loopback cannot be reached from here; write that machine's IPv4 address`);
  }
  const dockerSocket = source.text("dockerSocket") || socketOnHost(dockerHost);
  if (!source.text("dockerSocket") && wrong.length === 0) {
    faults(rules.dockerSocket, dockerSocket).forEach((cure) => source.problem("dockerSocket", dockerSocket, cure));
  }
  return { dockerHost, dockerSocket };
}

/**
 * The Docker Engine's socket as its own host sees it. Docker Desktop's socket in the home folder leads to a virtual
 * machine that has the usual one.
 */
function socketOnHost(endpoint: string): string {
  const path = endpoint.startsWith("unix://") ? endpoint.slice("unix://".length) : "";
  return path && !path.includes("/.docker/") ? path : "/var/run/docker.sock";
}

/** Whether an endpoint names another machine than this one. A tunnel to another one cannot be told from this one. */
function isElsewhere(endpoint: string): boolean {
  if (!/^(tcp|ssh):/.test(endpoint) || !URL.canParse(endpoint)) {
    return false;
  }
  const name = new URL(endpoint).hostname.replace(/^\[|\]$/g, "");
  const own = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  const isOwnName = ["localhost", hostname().toLowerCase().split(".")[0]].includes(name.toLowerCase().split(".")[0]);
  return !isOwnName && !name.startsWith("127.") && !own.includes(name);
}

function readJson(path: string): any {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
