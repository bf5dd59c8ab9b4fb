import { setTimeout as sleep } from "node:timers/promises";

import { ignore, ownContainer } from "./docker.mjs";
import { json } from "./http.mjs";

/** Seconds that a task is given between SIGTERM and SIGKILL. */
const stopSeconds = 10;

/** Seconds after its start in which a slave finds its master again: one that was killed too is elected after 10 to 15 s. */
const settleSeconds = 30;

/**
 * A slave is usable when the elected master lists it, by the id that the slave itself has, as active. The slave's own
 * `slave/registered` is 1 as soon as it has found a master. Settings: SLAVE and MASTER (URLs), SLAVE_STATE_PATH,
 * SLAVES_PATH.
 * @type {import("./wait.mjs").Check}
 */
export async function ask({ SLAVE, MASTER, SLAVE_STATE_PATH, SLAVES_PATH }, signal) {
  const own = await json(`${SLAVE}${SLAVE_STATE_PATH}`, signal);
  const askedOwn = `${SLAVE}${SLAVE_STATE_PATH}, id`;
  if (own.problem) {
    return { ready: false, asked: askedOwn, answer: own.problem };
  }
  if (!own.value.id) {
    return { ready: false, asked: askedOwn, answer: "no id yet: no master has registered it" };
  }
  const asked = `${MASTER}${SLAVES_PATH}, active of slave ${own.value.id}`;
  const list = await json(`${MASTER}${SLAVES_PATH}`, signal);
  if (list.problem) {
    return { ready: false, asked, answer: list.problem };
  }
  const listed = (list.value.slaves ?? []).find((/** @type {{ id: string }} */ slave) => slave.id === own.value.id);
  if (!listed) {
    return { ready: false, asked, answer: `not among the master's ${(list.value.slaves ?? []).length} slaves` };
  }
  return { ready: listed.active === true, asked, answer: listed.active === true ? `active as ${listed.id}` : "listed, but not active" };
}

/**
 * The slave leaves its master, and what its tasks left behind is removed. Settings: WORK_DIR, the slave's work directory
 * on the host, which marks the containers of its tasks; VOLUMES (JSON), those that go with the cluster where it is to be
 * erased; FORMER_VOLUMES (JSON), work directories of slaves before it, which Pulumi does not know any more and which go
 * then, too; FOLDERS (JSON), those that hold its data instead.
 * @type {import("./docker.mjs").Teardown}
 */
export async function tearDown(docker, doomed) {
  const { WORK_DIR = "", VOLUMES = "[]", FORMER_VOLUMES = "[]", FOLDERS = "[]" } = doomed.settings;
  const problem = await leave(docker, doomed);
  const removed = await removeTasks(docker, `${WORK_DIR}/slaves/`);
  console.log(`${problem ? "" : `${doomed.container} has left; `}${removed} task containers removed`);

  const { Volumes } = await docker.listVolumes({ filters: { label: doomed.labels } });
  const names = (Volumes ?? []).map(({ Name }) => Name).sort();
  const goes = (/** @type {string} */ listed) => (doomed.erase ? names.filter((name) => JSON.parse(listed).includes(name)) : []);
  const [former, erased] = [goes(FORMER_VOLUMES), goes(VOLUMES)];
  const kept = names.filter((name) => !erased.includes(name) && !former.includes(name));
  for (const name of former) {
    await docker.getVolume(name).remove();
    console.log(`erased: volume ${name}`);
  }
  if (erased.length > 0) {
    console.log(`erased, as soon as their containers are gone: volumes ${erased.join(", ")}`);
  }
  if (kept.length > 0) {
    console.log(`kept, with the data of the cluster: volumes ${kept.join(", ")}`);
  }
  const folders = JSON.parse(FOLDERS);
  if (folders.length > 0) {
    console.log(`kept, with the data of the cluster: folders ${folders.join(", ")}. Nothing but you removes them`);
  } else if (!doomed.erase) {
    console.log("onDestroy was keep at the last up; with erase, set and applied by an up, a destroy removes the data too");
  }
  return problem ? [problem] : [];
}

/**
 * @param {import("dockerode")} docker
 * @param {import("./docker.mjs").Doomed} doomed
 * @returns {Promise<string>} why the slave has not left, or an empty string
 */
async function leave(docker, doomed) {
  const { seen, problem } = await ownContainer(docker, doomed);
  return seen ? unregister(docker, seen, doomed) : problem;
}

/**
 * SIGUSR1 unregisters a slave, ends its tasks and then itself (Mesos, `src/slave/slave.cpp`, 0.23.0 and 1.11.0).
 * @param {import("dockerode")} docker
 * @param {import("dockerode").ContainerInspectInfo} seen
 * @param {Pick<import("./docker.mjs").Doomed, "container" | "seconds">} doomed
 * @returns {Promise<string>} why it has not left, or an empty string
 */
export async function unregister(docker, seen, doomed) {
  if (!seen.State.Running) {
    return `${doomed.container} is ${seen.State.Status}, so the master keeps it until its time-out`;
  }
  const slave = docker.getContainer(seen.Id);
  try {
    await registered(slave, Date.parse(seen.State.StartedAt));
    // Otherwise Docker starts it again, and it registers anew.
    await slave.update({ RestartPolicy: { Name: "no" } });
    await slave.kill({ signal: "SIGUSR1" });
    for (const deadline = Date.now() + doomed.seconds * 1000; Date.now() < deadline; await sleep(200)) {
      if (!(await slave.inspect()).State.Running) {
        return "";
      }
    }
    return `${doomed.container} did not leave within ${doomed.seconds} s`;
  } catch (error) {
    ignore(404, 409)(/** @type {{ statusCode?: number }} */ (error));
    return `${doomed.container} had just ended, so the master keeps it until its time-out`;
  }
}

/**
 * The path of its work directory, as it was told.
 * @param {import("dockerode").ContainerInspectInfo} slave
 */
export function workDirOf({ Config }) {
  return Config.Env.find((entry) => entry.startsWith("MESOS_WORK_DIR="))?.split("=")[1] ?? "/tmp/mesos";
}

/**
 * Waits for the master of a slave that was started just now: one that does not know it yet cannot let it go, and keeps it and
 * its tasks for ten minutes (Mesos, `agent_reregister_timeout`), in which no app of theirs is started anew. What the slave
 * writes then is the same from 0.23.0 to 1.11.0 (Mesos, `src/slave/slave.cpp`).
 * @param {import("dockerode").Container} slave
 * @param {number} startedAt in milliseconds
 */
async function registered(slave, startedAt) {
  while (Date.now() < startedAt + settleSeconds * 1000) {
    const log = await slave.logs({ stdout: true, stderr: true, since: Math.floor(startedAt / 1000) });
    if (/(R|Re-r)egistered with master/.test(log.toString())) {
      return;
    }
    await sleep(200);
  }
}

/**
 * Removes tasks and executors of this slave, told by a bind mount below its work directory; never by a name alone.
 * @param {import("dockerode")} docker
 * @param {string} folder in which the slave keeps its tasks' sandboxes, with a slash at its end
 * @returns {Promise<number>} how many there were
 */
export async function removeTasks(docker, folder) {
  const tasks = (await docker.listContainers({ all: true })).filter((container) =>
    container.Mounts.some((mount) => mount.Source?.startsWith(folder)),
  );
  const ends = await Promise.allSettled(
    tasks.map(async ({ Id }) => {
      const task = docker.getContainer(Id);
      await task.stop({ t: stopSeconds }).catch(ignore(304, 404));
      await task.remove({ force: true, v: true }).catch(ignore(404, 409));
    }),
  );
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) {
    throw failed.reason;
  }
  return tasks.length;
}
