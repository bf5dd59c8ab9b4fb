import { setTimeout as sleep } from "node:timers/promises";

import { dockerEngine, ignore, ownContainer } from "./docker.mjs";
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
    // So says Docker 20.10 of one that ends in that moment.
    if (!/cannot update a stopped container/.test(/** @type {Error} */ (error).message)) {
      ignore(404, 409)(/** @type {{ statusCode?: number }} */ (error));
    }
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
  // The two clocks may differ, where the Docker Engine is elsewhere.
  const deadline = Math.min(startedAt, Date.now()) + settleSeconds * 1000;
  while (Date.now() < deadline) {
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
  return remove(docker, (await docker.listContainers({ all: true })).filter(isTaskIn(folder)));
}

/**
 * Removes the tasks' containers that run on and that no slave will ever know again: those of a former life (`orphansAmong`), and
 * those of the slave that it was when the gate was last passed, where it has lost its state and is another one now.
 * @param {import("./wait.mjs").Gate} gate PULUMI_COMMAND_STDOUT: what the gate said then
 * @param {string} said what it says now
 * @returns {Promise<number>} how many there were
 */
export async function removeOrphans({ container, dockerHost, settings: { SLAVE, SLAVE_STATE_PATH, PULUMI_COMMAND_STDOUT = "" } }, said) {
  const [now, before] = [said, PULUMI_COMMAND_STDOUT].map((text) => /active as ([^\s;]+)/.exec(text)?.[1]);
  const former = now && before !== now ? before : undefined;
  if (!former) {
    const { flags } = (await json(`${SLAVE}${SLAVE_STATE_PATH}`, AbortSignal.timeout(5_000))).value ?? {};
    // Saves most gates the question to the Docker Engine.
    if (flags?.docker_mesos_image) {
      return 0;
    }
  }
  const docker = dockerEngine(dockerHost);
  const slave = await docker.getContainer(container).inspect();
  const running = await docker.listContainers();
  const ofFormer = former && isMade(slave) ? running.filter(isTaskIn(`${sandboxesOf(slave)}${former}/`)) : [];
  return remove(docker, [...new Set([...orphansAmong(slave, running), ...ofFormer])]);
}

/**
 * The tasks' containers whose executors ended with a former life of the slave, as they do where they are its children. A slave
 * that starts anew does not know such a task's container; by itself Mesos removes it at the start after that, if it is not told to
 * spare orphans (seen on 1.11.0).
 * @param {import("dockerode").ContainerInspectInfo} slave
 * @param {readonly import("dockerode").ContainerInfo[]} containers
 */
export function orphansAmong(slave, containers) {
  const endsExecutors = slave.HostConfig.PidMode !== "host" && !slave.Config.Env.some((entry) => entry.startsWith("MESOS_DOCKER_MESOS_IMAGE="));
  if (!isMade(slave) || !endsExecutors) {
    return [];
  }
  // A list tells times in whole seconds.
  const startedAt = Math.floor(Date.parse(slave.State.StartedAt) / 1000);
  return containers.filter((container) => container.State === "running" && container.Created < startedAt && isTaskIn(sandboxesOf(slave))(container));
}

/**
 * Whether the stack made the slave's container. Others may have the path of a work directory that was chosen by hand, too.
 * @param {import("dockerode").ContainerInspectInfo} slave
 */
const isMade = ({ Config }) => "mesos-marathon.stack" in Config.Labels;

/** @param {import("dockerode").ContainerInspectInfo} slave */
const sandboxesOf = (slave) => `${workDirOf(slave)}/slaves/`;

/**
 * Whether a container is a task's, or its executor's, with its sandbox in this folder.
 * @param {string} folder with a slash at its end
 */
function isTaskIn(folder) {
  return (/** @type {import("dockerode").ContainerInfo} */ { Mounts }) => Mounts.some(({ Source }) => Source?.startsWith(folder) && Source.includes("/frameworks/", folder.length - 1));
}

/**
 * @param {import("dockerode")} docker
 * @param {readonly import("dockerode").ContainerInfo[]} tasks
 * @returns {Promise<number>} how many there were
 */
async function remove(docker, tasks) {
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
