/**
 * A Docker Engine for the tests alone: in a network namespace of its own, so that containers on the host's network get
 * the namespace's 127.0.0.1 and no port clashes with a person's; with a socket and data of its own, so that no name
 * does. Its images are kept between runs, its containers, networks and volumes are not.
 */

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";

import { run, which } from "../../setup/child.mjs";
import { docker } from "../../setup/docker-client.mjs";
import { startDaemon, stopDaemon, unmount } from "../../setup/docker-daemon.mjs";
import { readIfThere, runs, startOf, writeWhole } from "../../setup/files.mjs";
import { local } from "../../setup/paths.mjs";
import { Problem } from "../../setup/terminal.mjs";

/**
 * What one engine consists of, noted before it starts so that the next run can clear it away after a crash.
 * @typedef {object} Parts
 * @property {string} folder of sockets: under /run, because a socket's path may have 107 characters only
 * @property {string[]} [dockerd] command that stands for it; default: the one on PATH
 * @property {{ pid: number, start?: string }} [holder] process that holds the network namespace
 * @property {{ pid: number, start?: string }} [daemon]
 */

/**
 * @typedef {object} TestEngine
 * @property {string} name
 * @property {string} dockerHost as in DOCKER_HOST
 * @property {string[]} within command that runs another one inside the engine's network namespace
 * @property {() => Promise<void>} keepImages from now on `empty` keeps the images that are there now
 * @property {() => Promise<void>} empty takes away its containers, networks and volumes, and images that are not to be kept
 * @property {() => Promise<void>} stop empties and ends it; may be called again
 */

/**
 * Starts an engine.
 * @param {string} name tells it from others that run at the same time; its images are kept under it
 * @param {string[]} [dockerd] command that stands for `dockerd`; default: the one on PATH
 * @returns {Promise<TestEngine>}
 * @throws Problem where this machine cannot have one: no Linux, not root
 */
export async function startTestEngine(name, dockerd) {
  const own = local("test-engine", name);
  const noted = join(own, "running.json");
  const lacking = ["nsenter", "unshare", "ip", "dockerd"].filter((program) => !which(program));
  if (process.platform !== "linux" || process.getuid?.() !== 0 || lacking.length > 0) {
    throw new Problem(
      "The tests that need a Docker Engine start one of their own, in a network namespace: that takes Linux, root" +
        `${lacking.length > 0 ? ` and ${lacking.join(", ")}` : ""}. Run them as root (sudo npm test); npm run test:unit needs nothing.`,
    );
  }
  await clearAway(own, noted);
  mkdirSync(own, { recursive: true });
  /** @type {Parts} */
  const parts = { folder: mkdtempSync("/run/mesos-marathon-test-"), dockerd };
  const note = () => writeWhole(noted, JSON.stringify(parts));
  note();
  try {
    // The namespace lives as long as the process in it: nothing is left in /var/run/netns by a crash.
    const holder = spawn(which("unshare") ?? "unshare", ["--net", "sleep", "infinity"], { detached: true, stdio: "ignore" });
    holder.unref();
    const pid = /** @type {number} */ (holder.pid);
    parts.holder = { pid, start: startOf(pid) };
    note();
    const within = [which("nsenter") ?? "nsenter", `--net=/proc/${pid}/ns/net`];
    await inNamespaceOf(pid);
    await run([...within, "ip", "link", "set", "lo", "up"]);
    parts.daemon = await start(own, parts);
    note();
    const dockerHost = `unix://${join(parts.folder, "docker.sock")}`;
    // What a run that was cut off has left.
    await empty(dockerHost);
    /** @type {string[] | undefined} */
    let kept;
    return {
      name,
      dockerHost,
      within,
      async keepImages() {
        kept = await imageNames(dockerHost);
      },
      empty: () => empty(dockerHost, kept),
      async stop() {
        await empty(dockerHost).catch(() => {});
        await clearAway(own, noted);
      },
    };
  } catch (error) {
    await clearAway(own, noted);
    throw error;
  }
}

/**
 * @param {string} own folder of the engine in the clone
 * @param {Parts} parts
 */
function start(own, { folder, dockerd, holder }) {
  const within = [which("nsenter") ?? "nsenter", `--net=/proc/${holder?.pid}/ns/net`];
  const flags = ["--data-root", join(own, "data"), "--exec-root", join(folder, "exec"), "--iptables=false", "--ip6tables=false", "--bip=172.27.0.1/24"];
  return startDaemon({ folder: join(own, "daemon"), socket: join(folder, "docker.sock"), flags, within, dockerd });
}

/**
 * Ends the dockerd of an engine that runs and starts it again. May be called from another process than the one that
 * started the engine.
 * @param {string} name
 * @param {"SIGTERM" | "SIGKILL" | "reboot"} how in its own way, its containers with it; as a crash does; or with all that
 * runs in it at once, as when the machine loses its power
 */
export async function restartTestEngine(name, how) {
  const own = local("test-engine", name);
  const noted = join(own, "running.json");
  /** @type {Parts} */
  const parts = JSON.parse(readIfThere(noted) ?? "{}");
  const { daemon } = parts;
  if (!daemon || !runs(daemon)) {
    throw new Problem(`The test engine ${name} does not run.`);
  }
  // Its containerd dies with it, and the next dockerd takes one that still does for one that lives.
  const pidFile = join(parts.folder, "exec", "containerd", "containerd.pid");
  const containerd = Number(readIfThere(pidFile));
  process.kill(daemon.pid, how === "reboot" ? "SIGKILL" : how);
  const lost = [daemon, { pid: containerd }];
  for (const left of how === "reboot" ? [...processesOf(parts.folder), ...containerProcesses(own)] : []) {
    if (runs(left)) {
      process.kill(left.pid, "SIGKILL");
      lost.push(left);
    }
  }
  while (lost.some(runs)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  rmSync(pidFile, { force: true });
  parts.daemon = await start(own, parts);
  writeWhole(noted, JSON.stringify(parts));
}

/**
 * Waits until the process has left this process's network namespace.
 * @param {number} pid
 */
async function inNamespaceOf(pid) {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net")) {
        return;
      }
    } catch {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Problem("unshare could not make a network namespace. Is this a container without CAP_SYS_ADMIN?");
}

/**
 * Removes every container, network and volume of this engine. It is the tests' own: nobody else has any in it.
 * @param {string} dockerHost
 * @param {string[]} [images] names of those that stay; default: all
 */
async function empty(dockerHost, images) {
  const list = (/** @type {string[]} */ args) => lines(dockerHost, args);
  const remove = async (/** @type {string[]} */ ...filters) => {
    const containers = await list(["ps", "--all", "--quiet", "--no-trunc", ...filters]);
    if (containers.length > 0) {
      await docker(dockerHost, ["rm", "--force", "--volumes", ...containers]);
    }
    return containers.length > 0;
  };
  // Those that start others go first; one that they started meanwhile is on the next list.
  await remove("--filter", "label=mesos-marathon.project");
  for (let round = 0; round < 5 && (await remove()); round++);
  const networks = await list(["network", "ls", "--quiet", "--no-trunc", "--filter", "type=custom"]);
  if (networks.length > 0) {
    await docker(dockerHost, ["network", "rm", ...networks]);
  }
  const volumes = await list(["volume", "ls", "--quiet"]);
  if (volumes.length > 0) {
    await docker(dockerHost, ["volume", "rm", "--force", ...volumes]);
  }
  if (images) {
    const others = (await imageNames(dockerHost)).filter((name) => !images.includes(name));
    if (others.length > 0) {
      await docker(dockerHost, ["image", "rm", ...others]);
    }
    await docker(dockerHost, ["image", "prune", "--force"]);
  }
}

/**
 * By tag, or by digest where an image was pulled by that; never by id, which would take every other name of the image away.
 * @param {string} dockerHost
 */
async function imageNames(dockerHost) {
  const format = "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}";
  const listed = await lines(dockerHost, ["image", "ls", "--digests", "--filter", "dangling=false", "--format", format]);
  return [...new Set(listed.map((line) => line.split(" ")).map(([tagged, digested]) => (tagged.endsWith(":<none>") ? digested : tagged)))];
}

/**
 * What a docker command lists.
 * @param {string} dockerHost
 * @param {string[]} args
 */
const lines = async (dockerHost, args) => (await docker(dockerHost, args)).split("\n").filter(Boolean);

/**
 * Ends what the note names, this run's or that of one that crashed, and takes its mounts and folder away.
 * @param {string} own folder of the engine in the clone
 * @param {string} noted
 */
async function clearAway(own, noted) {
  /** @type {Parts | undefined} */
  const parts = JSON.parse(readIfThere(noted) ?? "null") ?? undefined;
  if (!parts) {
    return;
  }
  const pid = Number(readIfThere(join(own, "daemon", "dockerd.pid")));
  const daemon = parts.daemon ?? (pid && isOurs(pid, parts.folder) ? { pid, start: startOf(pid) } : undefined);
  if (daemon) {
    await stopDaemon(daemon);
  }
  // What a dockerd that was killed leaves running: its containerd, a shim for each container, and the container itself,
  // which does not end with its shim.
  for (const left of [...processesOf(parts.folder), ...containerProcesses(own)]) {
    await stopDaemon(left);
  }
  if (parts.holder && runs(parts.holder)) {
    process.kill(parts.holder.pid, "SIGKILL");
  }
  await unmount([parts.folder, own]);
  // A dockerd refuses to start where its pid file names a process that lives, whosever it is by now.
  rmSync(join(own, "daemon", "dockerd.pid"), { force: true });
  rmSync(parts.folder, { recursive: true, force: true });
  rmSync(noted, { force: true });
}

/**
 * @param {number} pid
 * @param {string} folder
 */
const isOurs = (pid, folder) => (readIfThere(`/proc/${pid}/cmdline`) ?? "").includes(folder);

/**
 * Processes that were started with a path in the engine's folder, which no other process knows.
 * @param {string} folder
 */
const processesOf = (folder) => processes((pid) => isOurs(pid, `${folder}/exec`));

/**
 * Processes whose root file system is a container's of this engine.
 * @param {string} own
 */
const containerProcesses = (own) =>
  processes((pid) => {
    const mounts = (readIfThere(`/proc/${pid}/mountinfo`) ?? "").split("\n");
    return mounts.some((mount) => mount.split(" ")[4] === "/" && mount.includes(`=${own}/data/`));
  });

/** @param {(pid: number) => boolean} which */
function processes(which) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter(which)
    .map((pid) => ({ pid, start: startOf(pid) }));
}
