import { hostname, networkInterfaces } from "node:os";

import { usualDockerHost } from "../checks/docker-context.cjs";
import { rules } from "./keys";
import { faults, project, type Source, told } from "./source";

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
