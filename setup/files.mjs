/** Files that are either whole or not there, and one process at a time. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { local } from "./paths.mjs";
import { Problem } from "./terminal.mjs";

/**
 * Text of a file, or undefined where there is none.
 * @param {string} path
 */
export function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Writes a file so that a reader, and a run that is cut off, sees the old one or the new one.
 * @param {string} path
 * @param {string} text
 * @param {number} [mode] default: 0644
 */
export function writeWhole(path, text, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, text, { mode });
  renameSync(partial, path);
}

/**
 * Hash of texts, for telling whether something was made from what lies here now.
 * @param {...(string | Buffer)} texts
 */
export function hashOf(...texts) {
  const hash = createHash("sha256");
  for (const text of texts) {
    hash.update(`${text.length}:`).update(text);
  }
  return hash.digest("hex").slice(0, 16);
}

/**
 * When a process was started, in clock ticks since boot (proc(5), field 22 of stat): with the pid it names one process
 * for good, because pids are used again. Undefined where the process is gone, has ended and only waits to be reaped (for
 * ever, in a container whose first process reaps nothing), or there is no /proc.
 * @param {number} pid
 */
export function startOf(pid) {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" ? undefined : fields?.[19];
}

/**
 * Whether a process noted as pid and start still runs.
 * @param {{ pid: number, start?: string }} noted
 */
export function runs({ pid, start }) {
  if (start !== undefined) {
    return startOf(pid) === start;
  }
  try {
    process.kill(pid, 0);
    return startOf(pid) !== undefined || !existsSync("/proc/self/stat");
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * Does something that no second process may do at the same time. A lock whose process is gone counts for nothing.
 * @template T
 * @param {string} name
 * @param {string} busy what the other one does, as in "is setting things up"
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws Problem where another process holds the lock
 */
export async function alone(name, busy, work) {
  const path = local(`${name}.lock`);
  mkdirSync(local(), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      writeFileSync(path, JSON.stringify({ pid: process.pid, start: startOf(process.pid) }), { flag: "wx" });
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") {
        throw error;
      }
      const holder = JSON.parse(readIfThere(path) || '{"pid":0}');
      if (attempt === 3 || (holder.pid && runs(holder))) {
        throw new Problem(`Process ${holder.pid} ${busy} in this clone. Wait for it, then run this again.`);
      }
      rmSync(path, { force: true });
    }
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * Refuses a step for which there is no room.
 * @param {string} folder must exist
 * @param {number} gigabytes GiB that the step takes
 * @param {string} what
 * @throws Problem
 */
export function needRoom(folder, gigabytes, what) {
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / 1024 ** 3;
  if (free < gigabytes) {
    throw new Problem(`${what} takes about ${gigabytes} GiB, and ${free.toFixed(1)} GiB are free in ${folder}. Make room, then run this again.`);
  }
}
