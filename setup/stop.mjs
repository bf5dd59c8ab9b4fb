/**
 * `npm run stop [-- --stack NAME]`: stops the cluster's containers, each before what it stands on. Nothing is removed, and
 * the next `pulumi up` starts them again. Needs no Pulumi.
 */
import "./node-version.mjs";

import { stackContainers } from "./containers.mjs";
import { docker } from "./docker-client.mjs";
import { takeStack } from "./stack.mjs";
import { main, Problem, say } from "./terminal.mjs";

await main(async () => {
  const { asked, rest } = takeStack(process.argv.slice(2));
  if (rest.length > 0) {
    throw new Problem(`${rest[0]} means nothing here: npm run stop [-- --stack NAME]`);
  }
  const { dockerHost, stack, containers } = await stackContainers(asked);
  // Marathon first: it hears nothing of a slave that leaves, and so gives up none of its tasks.
  for (const { name } of containers.reverse()) {
    say(`Stopping ${name}`);
    await docker(dockerHost, ["stop", name]);
  }
  const told = await docker(dockerHost, ["inspect", "--format", "{{json .HostConfig}}", ...containers.map(({ name }) => name)]);
  /** @type {{ PidMode: string, RestartPolicy: { Name: string } }[]} */
  const settings = told.split("\n").map((line) => JSON.parse(line));
  const slave = settings[containers.findIndex(({ component }) => component === "mesos-slave")];
  say(`The stack ${stack} is stopped; data, ids and containers are kept. ${tasks(slave?.PidMode)}`);
  say(`To start it again: npm run up, or pulumi up. A start of the Docker Engine or of the machine ${engineStart(settings[0].RestartPolicy.Name)}.`);
});

/**
 * What becomes of the tasks: executors in containers of their own need the host's pid namespace (components/images.ts).
 * They wait as long as Mesos lets them by default (`recovery_timeout`). What others leave, the gate of the slave removes.
 * @param {string} [pidMode] of the slave
 */
function tasks(pidMode) {
  return pidMode === "host"
    ? "Tasks run on for 15 minutes: so long their executors wait for the slave. After that they end, and Marathon starts them afresh when it is back."
    : "The executors of its tasks ran in the slave's container and have ended. The tasks' containers run on until an up with preflight removes them; " +
        "Marathon starts the tasks afresh when it is back.";
}

/**
 * What the start of the Docker Engine makes of stopped containers (Docker, "Start containers automatically").
 * @param {string} policy the same for all of the stack's
 */
function engineStart(policy) {
  return policy === "always" ? "starts it, too" : `leaves it stopped: its restart policy is ${policy}`;
}
