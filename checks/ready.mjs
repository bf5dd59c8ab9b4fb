/**
 * A gate: ends when a component can be used by what comes after it. Told by environment variables, so that it can be
 * run by hand as well:
 *
 *     COMPONENT      zookeeper, mesos-master, mesos-slave or marathon
 *     CONTAINER      name of its container
 *     DOCKER_HOST    the Docker Engine that runs it
 *     READY_TIMEOUT  seconds to wait at most
 *     FINAL_EXITS    JSON: exit code → why the program will never come up again by itself
 *     (and what the component's own check asks: see the file of its name in this folder)
 *
 * Exit code 0 and one line on stdout when ready; a warning on stderr where not all is well. Otherwise 1, and stderr says
 * what was asked, the last answer, how long it waited, and how the container's log ends.
 */
import { ask as marathon } from "./marathon.mjs";
import { ask as mesosMaster } from "./mesos-master.mjs";
import { ask as mesosSlave } from "./mesos-slave.mjs";
import { waitUntilReady } from "./wait.mjs";
import { ask as zookeeper } from "./zookeeper.mjs";

/** @type {Record<string, import("./wait.mjs").Check>} */
const checks = { zookeeper, "mesos-master": mesosMaster, "mesos-slave": mesosSlave, marathon };

const { COMPONENT = "", CONTAINER = "", DOCKER_HOST = "", READY_TIMEOUT = "300", FINAL_EXITS = "{}" } = process.env;

if (!Object.hasOwn(checks, COMPONENT)) {
  console.error(`COMPONENT is ${JSON.stringify(COMPONENT)}: write ${Object.keys(checks).join(", ")}`);
  process.exit(1);
}
const outcome = await waitUntilReady(checks[COMPONENT], {
  component: COMPONENT,
  container: CONTAINER,
  dockerHost: DOCKER_HOST,
  seconds: Number(READY_TIMEOUT),
  finalExits: JSON.parse(FINAL_EXITS),
  settings: process.env,
});
if (outcome.warning) {
  console.error(outcome.warning);
}
if (outcome.ready) {
  console.log(outcome.text);
} else {
  console.error(outcome.text);
  process.exitCode = 1;
}
