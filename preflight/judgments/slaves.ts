/** Other Mesos slaves on the same Docker Engine: they and this stack's could take each other's tasks and ports. */

import { older } from "../../components/pairings";
import { labelKeys } from "../../components/service";
import { offeredPorts } from "../../configuration/ports";
import { type Evidence, judgment } from "../findings";
import { ownContainers, variable } from "../seen";

const foreignTasks = judgment({ "foreign-tasks": "warning" }, (evidence, found) => {
  const { engine, owner } = evidence;
  // Tasks of this stack, and of other stacks of this project, whose slaves spare each other's.
  const workDirs = [
    `/${owner.project}-${owner.stack}-cluster-mesos-slave-work`,
    // One that was started by hand names its sandboxes by the path in its container.
    ...ownContainers(evidence, owner)
      .filter(({ component, adopted }) => component === "mesos-slave" && adopted)
      .map(({ environment }) => `${variable("MESOS_WORK_DIR", environment) ?? "/tmp/mesos"}/slaves/`),
    ...slavesOf(evidence).flatMap(({ mountSources }) => mountSources.map((source) => `${source}/slaves/`)),
  ];
  const foreign = engine.containers.filter(
    ({ name, mountSources }) =>
      /^mesos-([0-9a-f-]+-S\d+\.)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.test(name) &&
      !mountSources.some((source) => workDirs.some((workDir) => source.includes(workDir))),
  );
  if (foreign.length > 0) {
    found(
      "foreign-tasks",
      `${foreign.map(({ name }) => name).join(", ")}: tasks of another Mesos slave, it seems. This cluster leaves them alone; ` +
        "the other slave, when it starts on kept state, stops this cluster's tasks unless its MESOS_DOCKER_KILL_ORPHANS is false",
    );
  }
});

const endsForeignTasks = judgment({ "ends-foreign-tasks": "warning" }, ({ configuration: { cluster } }, found) => {
  const { version, environment } = cluster.imageSet.mesosSlave;
  if (!older(version, "1.0") && ({ ...environment, ...cluster.mesosSlave.environment }).MESOS_DOCKER_KILL_ORPHANS !== "false") {
    found(
      "ends-foreign-tasks",
      `a Mesos slave ${version} that starts on kept state ends the tasks of every other slave on its Docker Engine, unless it is told not to: ` +
        "pulumi config set --path mesosSlaveEnvironment.MESOS_DOCKER_KILL_ORPHANS false",
    );
  }
});

const taskPorts = judgment({ "task-ports-shared": "error", "task-ports-shared-already": "warning" }, (evidence, found) => {
  const slaves = slavesOf(evidence);
  const isThere = slaves.some(evidence.own);
  for (const { name, labels, made } of slaves.filter((container) => !evidence.own(container))) {
    const shared = sharedPorts(evidence.configuration.cluster.mesosSlave.resources, variable("MESOS_RESOURCES", made?.environment ?? []) ?? "");
    if (shared) {
      const text =
        `the ports ${shared} are offered to tasks by the Mesos slave ${name} of stack ${labels[labelKeys.stack]}, and by this stack's ` +
        "(mesos-marathon:mesosSlaveResources): two tasks would get the same port. ";
      if (isThere) {
        found("task-ports-shared-already", `${text}A slave that runs cannot give up ports and keep its id and tasks: plan new ones for one of the two`);
      } else {
        found("task-ports-shared", `${text}Give this one others, such as ports:[30000-30999]: pulumi config set mesosSlaveResources RESOURCES`);
      }
    }
  }
});

/** The slaves of all stacks of this project. */
function slavesOf({ engine }: Evidence) {
  return engine.containers.filter(({ labels, made }) => made && labels[labelKeys.component] === "mesos-slave");
}

/** The first range of ports that both offer, such as 31000-32000; "" for none. Resources as Mesos takes them. */
function sharedPorts(resources: string, others: string): string {
  const shared = offeredPorts(resources).flatMap(([from, to]) =>
    offeredPorts(others).map(([otherFrom, otherTo]) => [Math.max(from, otherFrom), Math.min(to, otherTo)]),
  );
  return shared.find(([from, to]) => from <= to)?.join("-") ?? "";
}

export const slaves = [foreignTasks, endsForeignTasks, taskPorts];
