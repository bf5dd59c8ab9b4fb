/** The Docker Engine that this clone uses: which one, and whether it answers. No package is needed for asking. */

import { request } from "node:http";

import { currentDocker } from "../checks/docker-context.cjs";
import { run, which } from "./child.mjs";
import { Problem } from "./terminal.mjs";

/**
 * The Docker Engine that the docker CLI would use.
 * @param {NodeJS.ProcessEnv} [environment]
 * @throws Problem where its context is not there
 */
export function currentDockerHost(environment) {
  try {
    return currentDocker(environment);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new Problem(`${message[0].toUpperCase()}${message.slice(1)}.`);
  }
}

/**
 * Asks a Docker Engine something: over its API where that is plain HTTP, else through the docker CLI's own knowledge of
 * certificates and ssh, which can only be asked the few things below.
 * @param {string} dockerHost
 * @param {string} path of the API, such as /_ping
 * @param {number} [timeout] milliseconds
 * @returns {Promise<{ status: number, body: any }>} body: parsed JSON, else text
 * @throws an error with a `code` where nobody answers
 */
export function ask(dockerHost, path, timeout = 5_000) {
  const { protocol, hostname, port, pathname } = new URL(dockerHost);
  if (protocol === "ssh:" || process.env.DOCKER_TLS_VERIFY || port === "2376") {
    return askByCli(dockerHost, path, timeout);
  }
  // An IPv6 address has brackets in a URL, and nowhere else.
  const where = protocol === "unix:" ? { socketPath: decodeURI(pathname) } : { host: hostname.replace(/^\[|\]$/g, ""), port: port || 2375 };
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, path, headers: { host: "docker" }, timeout }, (answer) => {
      /** @type {Buffer[]} */
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: answer.statusCode ?? 0, body: /json/.test(answer.headers["content-type"] ?? "") ? JSON.parse(text) : text });
      });
    });
    const late = setTimeout(() => asked.destroy(Object.assign(new Error(`no answer within ${timeout / 1000} s`), { code: "ETIMEDOUT" })), timeout);
    asked.on("error", reject).on("close", () => clearTimeout(late)).end();
  });
}

/**
 * @param {string} dockerHost
 * @param {string} path
 * @param {number} timeout
 */
async function askByCli(dockerHost, path, timeout) {
  const commands = {
    "/_ping": ["version", "--format", "{{.Server.Version}}"],
    "/info": ["info", "--format", "{{json .}}"],
    "/version": ["version", "--format", "{{json .Server}}"],
  };
  const command = commands[/** @type {keyof typeof commands} */ (path)];
  if (!command) {
    return { status: 501, body: "" };
  }
  const told = await run(["docker", ...command], { env: { ...process.env, DOCKER_HOST: dockerHost }, timeout: 4 * timeout });
  return { status: 200, body: path === "/_ping" ? told : JSON.parse(told) };
}

/**
 * Runs the docker CLI against a Docker Engine.
 * @param {string} dockerHost
 * @param {string[]} args
 * @param {Parameters<typeof run>[1]} [options]
 */
export function docker(dockerHost, args, options = {}) {
  if (!which("docker")) {
    throw new Problem("The docker command is not on PATH: install Docker's client (the packages docker-cli or docker-ce-cli), then run this again.");
  }
  return run(["docker", ...args], { ...options, env: { ...process.env, ...options.env, DOCKER_HOST: dockerHost } });
}
