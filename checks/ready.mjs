/**
 * A gate: ends when a component can be used by what comes after it. Told by environment variables, so that it can be
 * run by hand as well:
 *
 *     COMPONENT      zookeeper, mesos-master, mesos-slave or marathon
 *     CONTAINER      name of its container
 *     DOCKER_HOST    the Docker Engine that runs it
 *     READY_TIMEOUT  seconds to wait at most
 *     FINAL_EXITS    JSON: exit code → why the program will never come up again by itself
 *     DRIFT          how the container was found, where that was not as it should be
 *     (and what the component's own check asks: see the file of its name in this folder)
 *
 * A Mesos slave that is ready also loses what its former life has left running (see removeOrphans in mesos-slave.mjs).
 *
 * Exit code 0 and one line on stdout when ready; a warning on stderr where not all is well. Otherwise 1, and stderr says
 * what was asked, the last answer, how long it waited, and how the container's log ends.
 */
import { checks } from "./checks.mjs";
import { removeOrphans } from "./mesos-slave.mjs";
import { waitUntilReady } from "./wait.mjs";

const { COMPONENT = "", CONTAINER = "", DOCKER_HOST = "", READY_TIMEOUT = "300", FINAL_EXITS = "{}", DRIFT = "" } = process.env;

// Until it is proved: a process that ends for want of anything to wait for has proved nothing.
process.exitCode = 1;

if (!Object.hasOwn(checks, COMPONENT)) {
  console.error(`COMPONENT is ${JSON.stringify(COMPONENT)}: write ${Object.keys(checks).join(", ")}`);
  process.exit(1);
}
const gate = {
  component: COMPONENT,
  container: CONTAINER,
  dockerHost: DOCKER_HOST,
  seconds: Number(READY_TIMEOUT),
  finalExits: JSON.parse(FINAL_EXITS),
  drift: DRIFT,
  settings: process.env,
};
const outcome = await waitUntilReady(checks[COMPONENT], gate);
if (outcome.warning) {
  console.error(outcome.warning);
}
if (outcome.ready) {
  console.log(outcome.text + (COMPONENT === "mesos-slave" ? await orphans() : ""));
  process.exitCode = 0;
} else {
  console.error(outcome.text);
}

/** What became of the tasks' containers that a former life of the slave left. They keep no slave from being ready. */
async function orphans() {
  try {
    const removed = await removeOrphans(gate, outcome.text);
    return removed > 0 ? `; ${removed} orphaned task container${removed === 1 ? "" : "s"} removed` : "";
  } catch (error) {
    console.error(`orphaned task containers could not be removed: ${/** @type {Error} */ (error).message.trim()}`);
    return "";
  }
}
