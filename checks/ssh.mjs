/** The way to a Docker Engine over ssh, as the docker CLI goes it. */

import { spawn } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";

/**
 * An HTTP agent each of whose connections is an `ssh` of its own: the person's ssh configuration, keys, agent and
 * known_hosts count.
 * @param {string} endpoint `ssh://user@host:port`
 * @param {string[]} options for ssh
 * @returns {Agent}
 */
export function sshAgent(endpoint, options) {
  const { username, hostname, port } = new URL(endpoint);
  const target = [...(username ? ["-l", decodeURIComponent(username)] : []), ...(port ? ["-p", port] : [])];
  const agent = new Agent();
  // An IPv6 address has brackets in a URL, and none for ssh.
  const host = hostname.replace(/^\[|\]$/g, "");
  agent.createConnection = /** @type {any} */ (() => commandStream("ssh", [...options, ...target, "--", host, "docker", "system", "dial-stdio"]));
  return agent;
}

/**
 * A connection that runs through the standard input and output of a command.
 * @param {string} command
 * @param {string[]} args
 */
function commandStream(command, args) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  const stream = new Duplex({
    read: () => void child.stdout.resume(),
    // Errors of the pipes are left to the command's end, which knows the reason.
    write: (chunk, encoding, done) => void child.stdin.write(chunk, encoding, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  child.stdout.on("data", (chunk) => {
    if (!stream.push(chunk)) {
      child.stdout.pause();
    }
  });
  child.stderr.on("data", (chunk) => (complaint = (complaint + chunk).slice(-2000)));
  child.stdin.on("error", () => {});
  child.on("error", (error) => stream.destroy(error));
  child.on("close", (code) => {
    if (code) {
      stream.destroy(Object.assign(new Error(`${command} ended with ${code}: ${complaint.trim()}`), { code: "ESSH" }));
    } else {
      stream.push(null);
    }
  });
  // What an HTTP client asks of a socket and a pipe cannot do.
  return Object.assign(stream, { setTimeout: () => stream, setNoDelay: () => stream, setKeepAlive: () => stream, ref: () => stream, unref: () => stream });
}
