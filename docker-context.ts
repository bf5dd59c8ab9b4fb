import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The Docker Engine that the docker CLI would use: DOCKER_HOST, else the current context, else the default socket.
 * (Order and files: Docker CLI, "Docker contexts".)
 */
export function currentDockerHost(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.DOCKER_HOST) {
    return environment.DOCKER_HOST;
  }
  const folder = environment.DOCKER_CONFIG || join(homedir(), ".docker");
  const context = environment.DOCKER_CONTEXT || readJson(join(folder, "config.json"))?.currentContext;
  if (context && context !== "default") {
    const id = createHash("sha256").update(context).digest("hex");
    const endpoint = readJson(join(folder, "contexts", "meta", id, "meta.json"))?.Endpoints?.docker?.Host;
    if (endpoint) {
      return endpoint;
    }
  }
  return "unix:///var/run/docker.sock";
}

function readJson(path: string): any {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
