/**
 * Makes a Mesos slave leave that another one is to take the place of, with a new id: it unregisters, and what its tasks left
 * behind is removed. Its container stays, stopped, for whoever replaces it. Told by environment variables:
 *
 *     DOCKER_HOST  the Docker Engine that runs it
 *     LABELS       JSON: what marks the containers of the stack's slaves, each `key=value`
 *     NEW          the label of the new one's container, `key=value`: that one is left alone
 *     PATIENCE     seconds that it is given to leave. Default: 30
 *
 * A slave that is dead, or not there, is no failure. Exit code 1 where the Docker Engine refuses or does not answer.
 */
import { dockerEngine, ignore } from "./docker.mjs";
import { removeTasks, unregister, workDirOf } from "./mesos-slave.mjs";

const { DOCKER_HOST = "", LABELS = "[]", NEW = "", PATIENCE = "30" } = process.env;
const docker = dockerEngine(DOCKER_HOST);

try {
  const all = await docker.listContainers({ all: true, filters: { label: JSON.parse(LABELS) } });
  const [key, value] = NEW.split("=");
  const former = all.filter(({ Labels }) => Labels[key] !== value);
  for (const { Id } of former) {
    const slave = docker.getContainer(Id);
    const seen = await slave.inspect();
    const container = seen.Name.slice(1);
    const problem = await unregister(docker, seen, { container, seconds: Number(PATIENCE) });
    await slave.stop().catch(ignore(304));
    console.log(`${problem || `${container} has left its master`}; ${await removeTasks(docker, `${workDirOf(seen)}/slaves/`)} task containers removed`);
  }
  if (former.length === 0) {
    console.log("there was no other Mesos slave");
  }
} catch (error) {
  console.error(/** @type {Error} */ (error).message.trim());
  process.exitCode = 1;
}
