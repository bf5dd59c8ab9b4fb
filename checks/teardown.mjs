/**
 * Makes a slave leave its master and removes what its tasks left behind. Runs when the stack is destroyed, before the
 * slave's container is removed. Told by environment variables: DOCKER_HOST, SLAVE (the container's name), WORK_DIR (the
 * slave's work directory on the host, which marks the containers of its tasks), LABELS (JSON: the labels by which the
 * stack's volumes are known).
 *
 * Apps, framework and the slave's checkpoints stay: the next `up` starts the apps afresh.
 */
import { setTimeout as sleep } from "node:timers/promises";

import { dockerEngine } from "./docker.mjs";

const { DOCKER_HOST = "", SLAVE = "", WORK_DIR = "", LABELS = "[]" } = process.env;
const docker = dockerEngine(DOCKER_HOST);
const leaveSeconds = 30;
const stopSeconds = 10;

await leave();
const removed = await removeTasks();
console.log(`${SLAVE} has left; ${removed} task containers removed`);
const { Volumes } = await docker.listVolumes({ filters: { label: JSON.parse(LABELS) } });
console.log(`kept, with the data of the cluster: volumes ${(Volumes ?? []).map(({ Name }) => Name).sort().join(", ")}`);

/** SIGUSR1 unregisters a slave, ends its tasks and then itself (Mesos, `src/slave/slave.cpp`, 0.23.0 and 1.11.0). */
async function leave() {
  const slave = docker.getContainer(SLAVE);
  try {
    const { State } = await slave.inspect();
    if (!State.Running) {
      console.error(`${SLAVE} is ${State.Status}, so the master keeps it until its time-out`);
      return;
    }
    // Otherwise Docker starts it again, and it registers anew.
    await slave.update({ RestartPolicy: { Name: "no" } });
    await slave.kill({ signal: "SIGUSR1" });
    for (let tries = 0; tries < leaveSeconds * 5; tries++) {
      if (!(await slave.inspect()).State.Running) {
        return;
      }
      await sleep(200);
    }
    console.error(`${SLAVE} did not leave within ${leaveSeconds} s`);
  } catch (error) {
    const { statusCode } = /** @type {{ statusCode?: number }} */ (error);
    if (statusCode !== 404 && statusCode !== 409) {
      throw error;
    }
    console.error(statusCode === 404 ? `${SLAVE} does not exist any more` : `${SLAVE} had just ended, so the master keeps it until its time-out`);
  }
}

/** Tasks and executors of this slave, told by a bind mount below its work directory; never by a name alone. */
async function removeTasks() {
  const tasks = (await docker.listContainers({ all: true })).filter((container) =>
    container.Mounts.some((mount) => mount.Source?.startsWith(`${WORK_DIR}/slaves/`)),
  );
  await Promise.all(
    tasks.map(async ({ Id }) => {
      const task = docker.getContainer(Id);
      await task.stop({ t: stopSeconds }).catch(ignore(304, 404));
      await task.remove({ force: true, v: true }).catch(ignore(404, 409));
    }),
  );
  return tasks.length;
}

/**
 * @param {...number} statuses of answers that mean: it was so already
 * @returns {(error: { statusCode?: number }) => void}
 */
function ignore(...statuses) {
  return (error) => {
    if (!statuses.includes(error.statusCode ?? 0)) {
      throw error;
    }
  };
}
