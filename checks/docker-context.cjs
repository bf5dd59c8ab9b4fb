/** Which Docker Engine the docker CLI would use. CommonJS, and without a package, as the program and the set-up both ask it. */

const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { homedir } = require("node:os");
const { join } = require("node:path");

const usualDockerHost = "unix:///var/run/docker.sock";

/**
 * DOCKER_HOST, else the current context, else the usual socket. (Order and files: Docker CLI, "Docker contexts".)
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {{ dockerHost: string, chosenBy: string }} the endpoint as in DOCKER_HOST, and what chose it ("" for nothing)
 * @throws Error that says what to do where there is no such context: another engine would be the wrong one
 */
function currentDocker(environment = process.env) {
  if (environment.DOCKER_HOST) {
    return { dockerHost: environment.DOCKER_HOST, chosenBy: "DOCKER_HOST" };
  }
  const folder = environment.DOCKER_CONFIG || join(environment.HOME || homedir(), ".docker");
  const context = environment.DOCKER_CONTEXT || json(join(folder, "config.json"))?.currentContext;
  if (!context || context === "default") {
    return { dockerHost: usualDockerHost, chosenBy: "" };
  }
  const id = createHash("sha256").update(context).digest("hex");
  const dockerHost = json(join(folder, "contexts", "meta", id, "meta.json"))?.Endpoints?.docker?.Host;
  if (!dockerHost) {
    const chosenBy = environment.DOCKER_CONTEXT ? "DOCKER_CONTEXT" : join(folder, "config.json");
    throw new Error(
      `the docker CLI's context ${JSON.stringify(context)} (${chosenBy}) is not found: choose one of docker context ls, with docker context use NAME` +
        `${environment.DOCKER_CONTEXT ? " or DOCKER_CONTEXT" : ""}, or set mesos-marathon:dockerHost`,
    );
  }
  return { dockerHost, chosenBy: `the docker context ${context}` };
}

/** @param {string} path */
function json(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

module.exports = { currentDocker, usualDockerHost };
