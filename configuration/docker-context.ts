import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

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

function readJson(path: string): any {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
