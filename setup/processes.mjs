/** Processes that a Pulumi command started and that outlived it: it was killed, and they were not told. */

import { existsSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { basename, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { readIfThere, runs, startOf } from "./files.mjs";
import { root } from "./paths.mjs";
import { say } from "./terminal.mjs";

/** How the engine's helpers show in a process list: official plugins, drop-ins, the language host and the program that it runs. */
const helper = /(^|\/)pulumi-(resource-(docker|command)|language-nodejs)$|\/resource-(docker|command)-v[^/]+\/(docker|command)\.js$|\/@pulumi\/pulumi\/cmd\/run/;

/**
 * Those of a clone: they run in its folder, and the process that started them is gone, so that another one, outside their
 * session, has inherited them.
 * @param {string} folder
 * @returns {{ pid: number, start?: string, name: string }[]} none where there is no /proc
 */
function leftOver(folder) {
  const pids = existsSync("/proc/self/stat") ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number) : [];
  return pids.flatMap((pid) => {
    const started = (readIfThere(`/proc/${pid}/cmdline`) ?? "").split("\0").find((argument) => helper.test(argument));
    const start = startOf(pid);
    if (started === undefined || start === undefined || !runsIn(folder, pid) || !isOrphan(pid)) {
      return [];
    }
    return [{ pid, start, name: basename(started) }];
  });
}

/**
 * @param {string} folder
 * @param {number} pid
 */
function runsIn(folder, pid) {
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)}${sep}`.startsWith(`${realpathSync(folder)}${sep}`);
  } catch {
    return false;
  }
}

/** @param {number} pid */
function isOrphan(pid) {
  const [, parent, , session] = statusOf(pid);
  return parent === "1" || statusOf(Number(parent))[3] !== session;
}

/**
 * State, parent, process group and session (proc(5), fields 3 to 6 of stat).
 * @param {number} pid
 */
function statusOf(pid) {
  const stat = readIfThere(`/proc/${pid}/stat`) ?? "";
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/**
 * Ends them, so that nothing else works on what is done next. A drop-in that outlived its engine ends by itself when
 * Docker has answered it, and is given the time.
 * @param {string} [folder] default: this clone
 */
export async function endLeftOver(folder = root) {
  const processes = leftOver(folder);
  const ends = async (/** @type {ReturnType<typeof leftOver>} */ list, /** @type {number} */ milliseconds) => {
    for (const deadline = Date.now() + milliseconds; list.some(runs) && Date.now() < deadline; ) {
      await sleep(50);
    }
  };
  await ends(processes.filter(({ name }) => name.endsWith(".js")), 3_000);
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGKILL"])) {
    for (const { pid } of processes.filter(runs)) {
      process.kill(pid, signal);
    }
    await ends(processes, 5_000);
  }
  for (const { pid, name } of processes) {
    say(`Ended: ${name}, process ${pid}, which had outlived its Pulumi command.`);
  }
}
