/**
 * Takes over from a container that was started by hand, before another one takes its place: stops it, and carries over
 * what it has in its file system. A slave leaves its master, and what its tasks left behind is removed: with another work
 * directory it becomes another slave. Told by environment variables:
 *
 *     COMPONENT    zookeeper, mesos-master, mesos-slave or marathon
 *     CONTAINER    id of its container, which is left as it is, but stopped
 *     DOCKER_HOST  the Docker Engine that runs it
 *     CARRY        JSON: folders of the container and the volume that each is carried to, [{ "path", "volume" }]
 *     SLAVE, SLAVE_STATE_PATH  where a slave tells its id
 *     PATIENCE     seconds that a slave is given to leave. Default: 30
 *
 * Can be run again after it was cut off, as long as the container is there. Exit code 1 where that could not be done.
 */
import { dockerEngine, ignore } from "./docker.mjs";
import { json } from "./http.mjs";
import { removeTasks, unregister, workDirOf } from "./mesos-slave.mjs";

const { COMPONENT = "", CONTAINER = "", DOCKER_HOST = "", CARRY = "[]", SLAVE, SLAVE_STATE_PATH, PATIENCE = "30" } = process.env;

/** As the stack's own containers have it. */
const stopSeconds = 30;

const docker = dockerEngine(DOCKER_HOST, 600_000);
const container = docker.getContainer(CONTAINER);

try {
  const seen = await container.inspect();
  const name = seen.Name.slice(1);
  if (COMPONENT === "mesos-slave") {
    console.log(await leave(seen, name));
  }
  await container.stop({ t: stopSeconds }).catch(ignore(304));
  /** @type {{ path: string, volume: string }[]} */
  const folders = JSON.parse(CARRY);
  for (const { path, volume } of folders) {
    await carry(seen.Image, path, volume);
  }
  console.log([`${name} (${CONTAINER.slice(0, 12)}) has ended`, ...folders.map(({ path, volume }) => `its ${path} is in the volume ${volume}`)].join("; "));
} catch (error) {
  console.error(/** @type {Error} */ (error).message.trim());
  process.exitCode = 1;
}

/**
 * @param {import("dockerode").ContainerInspectInfo} seen
 * @param {string} name
 * @returns {Promise<string>} what became of it and its tasks
 */
async function leave(seen, name) {
  const { id } = (await json(`${SLAVE}${SLAVE_STATE_PATH}`, AbortSignal.timeout(5_000))).value ?? {};
  const problem = await unregister(docker, seen, { container: name, seconds: Number(PATIENCE) });
  const left = problem || `${name} has left its master`;
  if (!id) {
    return `${left}; it did not tell its id, so that its tasks' containers are not known: look for mesos-… in docker ps --all`;
  }
  return `${left}; ${await removeTasks(docker, `${workDirOf(seen)}/slaves/${id}/`)} task containers removed`;
}

/**
 * Copies a folder of the container, which is stopped, into a volume that nothing uses yet. What an earlier attempt has left there
 * goes first: the container still has all of it.
 * @param {string} image
 * @param {string} path
 * @param {string} volume
 */
async function carry(image, path, volume) {
  const name = `${volume}-adoption`;
  await docker.getContainer(name).remove({ force: true }).catch(ignore(404));
  const { Name, Driver, Labels, Options } = await docker.getVolume(volume).inspect();
  await docker.getVolume(volume).remove();
  await docker.createVolume({ Name, Driver, Labels, DriverOpts: Options ?? {} });
  // Never started: Docker copies into the volumes of a container that does not run, too.
  const helper = await docker.createContainer({ name, Image: image, Cmd: ["none"], HostConfig: { NetworkMode: "none", Binds: [`${volume}:${path}:nocopy`] } });
  await helper.putArchive(await container.getArchive({ path: `${path}/.` }), { path });
  await helper.remove();
}
