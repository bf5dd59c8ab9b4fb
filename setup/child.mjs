/** Other programs, run. */

import { spawn } from "node:child_process";
import { accessSync, constants, createWriteStream, mkdirSync, statSync } from "node:fs";
import { constants as os } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

import { local } from "./paths.mjs";
import { Problem } from "./terminal.mjs";

/**
 * Where PATH leads for a program, or undefined.
 * @param {string} name
 * @param {string} [path] default: PATH with the administrator's folders behind it
 */
export function which(name, path = [process.env.PATH, "/usr/local/sbin", "/usr/sbin", "/sbin"].join(delimiter)) {
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

/**
 * A command as root: as it is for root, else through sudo, which may ask for the password.
 * @param {string[]} command
 * @param {string} why what root is needed for
 * @throws Problem where neither is possible
 */
export function asRoot(command, why) {
  if (process.getuid?.() === 0) {
    return command;
  }
  if (!which("sudo")) {
    throw new Problem(`${why} needs root, and there is no sudo here. Run this as root, or do it by hand: ${command.join(" ")}`);
  }
  return ["sudo", ...command];
}

/**
 * Runs a program to its end and gives its output. All of it, both streams, goes to `.local/log/<log>.log` as well.
 * @param {string[]} command
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env] default: this process's own
 * @param {string} [options.log] name of the log; default: none is kept
 * @param {(line: string) => void} [options.onLine] told every line of either stream as it comes
 * @param {string} [options.failed] the sentence that a failure begins with; default: names the command
 * @param {number} [options.timeout] milliseconds; default: none
 * @returns {Promise<string>} its stdout
 * @throws Problem with the last lines where it cannot be run, is cut off, or ends with another code than 0
 */
export async function run([program, ...args], { cwd, env, log, onLine, failed, timeout } = {}) {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout });
  /** @type {string[]} */
  const tail = [];
  /** @type {string[]} */
  const out = [];
  mkdirSync(local("log"), { recursive: true });
  const file = log === undefined ? undefined : createWriteStream(local("log", `${log}.log`));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      file?.write(`${line}\n`);
      onLine?.(line);
      if (stream === child.stdout) {
        out.push(line);
      }
      tail.push(line);
      tail.splice(0, tail.length - 8);
    });
  }
  /** @type {string} */
  const end = await new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code === 0 ? "" : signal ? `ended by ${signal}` : `exit code ${code}`));
  });
  await new Promise((resolve) => (file ? file.end(resolve) : resolve(undefined)));
  if (end) {
    const more = log === undefined ? "" : `\nAll of its output: ${local("log", `${log}.log`)}`;
    throw new Problem(`${failed ?? `${program} ${args.join(" ")} failed`} (${end}).\n${tail.map((line) => `    ${line}\n`).join("")}${more}`.trimEnd());
  }
  return out.join("\n");
}

/**
 * Runs a program in this one's place: same terminal, same streams. A Ctrl-C reaches it directly, so this process waits
 * for it to end in its own way.
 * @param {string[]} command
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeout?: number, prefix?: string }} [options] timeout: milliseconds, then it is
 *   ended; default: none. prefix: what each line that it prints begins with, where several share the terminal; default: none
 * @returns {Promise<number>} its exit code, as a shell would tell it
 */
export async function passThrough([program, ...args], { prefix, ...options } = {}) {
  const output = prefix === undefined ? "inherit" : "pipe";
  const child = spawn(program, args, { ...options, stdio: ["inherit", output, output] });
  for (const [from, to] of /** @type {const} */ ([[child.stdout, process.stdout], [child.stderr, process.stderr]])) {
    from && createInterface({ input: from }).on("line", (line) => void to.write(`${prefix}${line}\n`));
  }
  const wait = () => {};
  const forward = () => void child.kill("SIGTERM");
  process.on("SIGINT", wait).on("SIGTERM", forward);
  try {
    return await new Promise((resolve, reject) => {
      child.on("error", (error) => reject(new Problem(`${program} cannot be run: ${error.message}`)));
      child.on("close", (code, signal) => resolve(code ?? 128 + (signal ? os.signals[signal] : 0)));
    });
  } finally {
    process.off("SIGINT", wait).off("SIGTERM", forward);
  }
}
