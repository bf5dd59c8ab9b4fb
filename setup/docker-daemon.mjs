/** dockerd, started and stopped by hand: where there is no init system to do it, and for the tests' own engine. */

import { spawn } from "node:child_process";
import { chmodSync, closeSync, copyFileSync, existsSync, mkdirSync, openSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { asRoot, run } from "./child.mjs";
import { ask } from "./docker-client.mjs";
import { readIfThere, runs, startOf, writeWhole } from "./files.mjs";
import { note } from "./ledger.mjs";
import { root } from "./paths.mjs";
import { Problem } from "./terminal.mjs";

/**
 * Whether a bounding set lacks a capability that the kernel knows, so that runc could not start a privileged container.
 * @param {string} [status] text of /proc/self/status
 * @param {string} [last] number of the kernel's last capability
 */
export function lacksCapability(status = readIfThere("/proc/self/status"), last = readIfThere("/proc/sys/kernel/cap_last_cap")) {
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status ?? "")?.[1];
  return bounding !== undefined && last !== undefined && BigInt(`0x${bounding}`) !== (1n << BigInt(Number(last) + 1)) - 1n;
}

/** What dockerd and its containerd make for themselves, whatever folders they are told to use. */
const alwaysMade = ["/etc/docker/key.json", "/opt/containerd"];

/**
 * Starts dockerd and waits until it answers. Its daemon.json, runtime, log and pid lie in `folder`.
 * @param {object} daemon
 * @param {string} daemon.folder
 * @param {string} daemon.socket
 * @param {string[]} [daemon.flags] default: dockerd's own defaults
 * @param {string[]} [daemon.makes] paths outside the clone that these flags lead to
 * @param {string[]} [daemon.within] command that it is started by, such as `nsenter --net=…`
 * @param {string[]} [daemon.dockerd] command that stands for it; default: the one on PATH
 * @returns {Promise<{ pid: number, start?: string }>}
 * @throws Problem with the end of its log where it ends or does not answer within 60 seconds
 */
export async function startDaemon({ folder, socket, flags = [], makes = [], within = [], dockerd = ["dockerd"] }) {
  mkdirSync(folder, { recursive: true });
  note(...[...makes, ...alwaysMade].filter((path) => !existsSync(path)).map((path) => ({ kind: /** @type {const} */ ("path"), path })));
  /** @type {Record<string, unknown>} */
  const settings = {};
  if (lacksCapability()) {
    // A copy, so that running containers depend on no file that git may change.
    const runtime = join(folder, "oci-runtime");
    copyFileSync(join(root, "setup", "oci-runtime"), runtime);
    chmodSync(runtime, 0o755);
    Object.assign(settings, { runtimes: { "present-capabilities": { path: runtime } }, "default-runtime": "present-capabilities" });
  }
  writeWhole(join(folder, "daemon.json"), `${JSON.stringify(settings, undefined, 2)}\n`);
  const pidFile = join(folder, "dockerd.pid");
  if (!isDaemon(Number(readIfThere(pidFile)))) {
    rmSync(pidFile, { force: true });
  }
  const command = asRoot(
    [...within, ...dockerd, "--config-file", join(folder, "daemon.json"), "--pidfile", pidFile, "-H", `unix://${socket}`, ...flags],
    "Starting the Docker Engine",
  );
  const log = openSync(join(folder, "dockerd.log"), "w");
  // In a session of its own: a Ctrl-C on this terminal is not meant for it.
  const child = spawn(command[0], command.slice(1), { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  child.unref();
  /** @type {Error | undefined} */
  let failed;
  child.on("error", (error) => (failed = error));
  const deadline = Date.now() + 60_000;
  for (;;) {
    const pid = Number(readIfThere(pidFile));
    const answers = await ask(`unix://${socket}`, "/_ping", 2_000).then(() => true, (error) => error.code === "EACCES");
    if (answers && pid) {
      return { pid, start: startOf(pid) };
    }
    if (failed || child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      const tail = (readIfThere(join(folder, "dockerd.log")) ?? "").trimEnd().split("\n").slice(-8);
      if (child.pid && child.exitCode === null && !failed) {
        await stopDaemon({ pid: child.pid, start: startOf(child.pid) });
      }
      throw new Problem(`dockerd did not come up${failed ? `: ${failed.message}` : ""}. The end of its log, ${join(folder, "dockerd.log")}:\n${tail.map((line) => `    ${line}`).join("\n")}`);
    }
    await sleep(100);
  }
}

/**
 * Whether a process is a dockerd. One that was killed leaves its number in its file, and the next does not start as long as any process
 * has that number: another one after a reboot, or the dead one itself until it was waited for (seen with 20.10).
 * @param {number} pid
 */
export function isDaemon(pid) {
  return readIfThere(`/proc/${pid}/comm`)?.trim() === "dockerd" && startOf(pid) !== undefined;
}

/**
 * Ends a daemon in its own way, which ends its containers too; after 40 seconds without further ado.
 * @param {{ pid: number, start?: string }} daemon does nothing where that process is gone
 */
export async function stopDaemon(daemon) {
  for (const [signal, seconds] of /** @type {const} */ ([["TERM", 40], ["KILL", 5]])) {
    if (!runs(daemon)) {
      return;
    }
    await run(asRoot(["kill", `-${signal}`, String(daemon.pid)], "Stopping the Docker Engine")).catch(() => {});
    for (const deadline = Date.now() + seconds * 1000; runs(daemon) && Date.now() < deadline; ) {
      await sleep(100);
    }
  }
}

/**
 * Unmounts what a dockerd that was killed, or one that mounted its data folder on itself, has left.
 * @param {string[]} folders in which, and at which, everything is unmounted
 */
export async function unmount(folders) {
  const mounts = (readIfThere("/proc/self/mountinfo") ?? "").split("\n").map((line) => line.split(" ")[4] ?? "");
  // The kernel names mounts without symbolic links, and /var/run is one.
  const real = folders.filter((folder) => existsSync(folder)).map((folder) => realpathSync(folder));
  const left = mounts.filter((mount) => real.some((folder) => mount === folder || mount.startsWith(`${folder}/`)));
  for (const mount of left.reverse()) {
    await run(asRoot(["umount", "--lazy", mount], "Unmounting what Docker left")).catch(() => {});
  }
}
