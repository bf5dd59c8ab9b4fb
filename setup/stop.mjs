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
  say(`The stack ${stack} is stopped; data, ids and containers are kept. ${await tasks(dockerHost, containers)}`);
  say("To start it again: npm run up, or pulumi up. A start of the Docker Engine or of the machine starts it, too.");
});

/**
 * What becomes of the tasks: executors in containers of their own need the host's pid namespace (components/images.ts).
 * They wait as long as Mesos lets them by default (`recovery_timeout`).
 * @param {string} dockerHost
 * @param {import("./containers.mjs").StackContainer[]} containers
 */
async function tasks(dockerHost, containers) {
  const slave = containers.find(({ component }) => component === "mesos-slave");
  const pid = slave && (await docker(dockerHost, ["inspect", "--format", "{{.HostConfig.PidMode}}", slave.name]));
  return pid === "host"
    ? "Tasks run on for 15 minutes: so long their executors wait for the slave. After that they end, and Marathon starts them afresh when it is back."
    : "The executors of its tasks ran in the slave's container and have ended: Marathon starts the tasks afresh when it is back.";
}
