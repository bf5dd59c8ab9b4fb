/**
 * What must be done before a component's container goes. Runs when the stack is destroyed and never else. Told by
 * environment variables, so that it can be run by hand as well:
 *
 *     COMPONENT    mesos-slave or marathon
 *     CONTAINER    name of its container
 *     DOCKER_HOST  the Docker Engine that runs it
 *     LABELS       JSON: what marks the stack's containers and volumes, each `key=value`
 *     ON_DESTROY   keep or erase
 *     INTERLOCK    name of a volume: while it exists nobody destroys the stack, and nothing is done
 *     PATIENCE     seconds to wait at most, for each thing that takes time. Default: 30
 *     (and what the component's own part needs: see the file of its name in this folder)
 *
 * stdout says what was done, then what could not be: of all that a command says, Pulumi leaves the last line on a
 * terminal. A component that is dead is no failure. The exit code is 1 where the Docker Engine refuses or does not
 * answer, so that nothing is forgotten that is still there.
 */
import { dockerEngine, ignore } from "./docker.mjs";
import { tearDown as marathon } from "./marathon.mjs";
import { tearDown as mesosSlave } from "./mesos-slave.mjs";

/** @type {Record<string, import("./docker.mjs").Teardown>} */
const teardowns = { "mesos-slave": mesosSlave, marathon };

const { COMPONENT = "", CONTAINER = "", DOCKER_HOST = "", LABELS = "[]", ON_DESTROY = "keep", INTERLOCK = "", PATIENCE = "30" } = process.env;

if (!Object.hasOwn(teardowns, COMPONENT)) {
  console.error(`COMPONENT is ${JSON.stringify(COMPONENT)}: write ${Object.keys(teardowns).join(" or ")}`);
  process.exit(1);
}
const docker = dockerEngine(DOCKER_HOST);
try {
  if (INTERLOCK && (await docker.getVolume(INTERLOCK).inspect().catch(ignore(404)))) {
    console.log(`${CONTAINER} stays: its teardown was replaced, and nothing is destroyed while the volume ${INTERLOCK} exists`);
  } else {
    const problems = await teardowns[COMPONENT](docker, {
      container: CONTAINER,
      labels: JSON.parse(LABELS),
      erase: ON_DESTROY === "erase",
      seconds: Number(PATIENCE),
      settings: process.env,
    });
    problems.forEach((problem) => console.log(problem));
  }
} catch (error) {
  const { statusCode, code, message } = /** @type {Error & { statusCode?: number, code?: string }} */ (error);
  if (!statusCode && !code) {
    throw error;
  }
  console.error(
    statusCode
      ? `the Docker Engine at ${DOCKER_HOST} refuses: ${message.trim()}. Once it does not, destroy again`
      : `the Docker Engine at ${DOCKER_HOST} does not answer (${code === "ESSH" ? message.replaceAll(/\s+/g, " ") : code}). Start it, and destroy again`,
  );
  process.exitCode = 1;
}
