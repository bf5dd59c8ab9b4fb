/** The containers of a stack, as the Docker Engine knows them by their labels: nothing of Pulumi is needed. */

import { docker } from "./docker-client.mjs";
import { dockerEngine } from "./docker-engine.mjs";
import { rememberedStack, setting, shortName } from "./stack.mjs";
import { Problem } from "./terminal.mjs";

/** The components in the order in which they are started. */
export const components = ["zookeeper", "mesos-master", "mesos-slave", "marathon"];

/** @typedef {{ stack: string, component: string, name: string, status: string }} StackContainer status: as docker ps gives it, such as "Up 2 minutes" */

/**
 * Which stack is meant: the one that was asked for, else that of `npm run up` if it has containers, else the only one that has.
 * @param {string | undefined} asked
 * @param {string | undefined} remembered
 * @param {readonly StackContainer[]} containers of every stack
 * @returns {{ stack: string, containers: StackContainer[] } | { problem: string }} containers: in the order of `components`
 */
export function chooseContainers(asked, remembered, containers) {
  const stacks = [...new Set(containers.map(({ stack }) => stack))].sort();
  const usual = stacks.find((stack) => remembered !== undefined && stack === shortName(remembered));
  const stack = asked === undefined ? (usual ?? (stacks.length === 1 ? stacks[0] : undefined)) : shortName(asked);
  const order = (/** @type {StackContainer} */ { component }) => components.indexOf(component);
  const found = containers.filter((container) => container.stack === stack).sort((a, b) => order(a) - order(b));
  if (stack !== undefined && found.length > 0) {
    return { stack, containers: found };
  }
  const none = `There are no containers of ${stack === undefined ? "this project" : `the stack ${stack}`} here`;
  return {
    problem:
      stacks.length === 0
        ? `${none}: npm run up, or pulumi up, makes them.`
        : `${stack === undefined ? "" : `${none}. `}There are containers of the ${stacks.length === 1 ? "stack" : "stacks"} ${stacks.join(" and ")}: add -- --stack NAME.`,
  };
}

/**
 * @param {string | undefined} asked the stack that the person asked for
 * @returns {Promise<{ dockerHost: string, stack: string, containers: StackContainer[] }>}
 * @throws Problem where it has none, or it is not clear which stack is meant
 */
export async function stackContainers(asked) {
  const remembered = rememberedStack();
  const stack = asked ?? remembered;
  const dockerHost = await dockerEngine(stack && setting(stack, "dockerHost"), { install: false });
  const listed = await docker(dockerHost, [
    ...["ps", "--all", "--filter", "label=mesos-marathon.project=mesos-marathon"],
    ...["--format", '{{.Label "mesos-marathon.stack"}}\t{{.Label "mesos-marathon.component"}}\t{{.Names}}\t{{.Status}}'],
  ]);
  const containers = listed.split("\n").filter(Boolean).map((line) => {
    const [stack, component, name, status] = line.split("\t");
    return { stack, component, name, status };
  });
  const chosen = chooseContainers(asked, remembered, containers);
  if ("problem" in chosen) {
    throw new Problem(`${chosen.problem}\n(Docker Engine: ${dockerHost})`);
  }
  return { dockerHost, ...chosen };
}
