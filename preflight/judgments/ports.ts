/** Ports that the programs listen on: who else does. */

import { offeredPorts } from "../../configuration/ports";
import { judgment } from "../findings";
import { byOwner, type Listener, ownContainers, type SeenContainer, whose } from "../seen";

const freePorts = judgment({ "port-taken": "error" }, ({ configuration, engine, here, own, programs }, found) => {
  // Only root sees who listens. To others what listens while this stack runs is this stack.
  const runs = engine.containers.some((container) => own(container) && container.runs);
  const listening = programs.flatMap(({ key, program, args, image }) => {
    const everywhere = configuration.cluster.networkMode === "host" && !image.listensOnAddressOnly;
    const listener = here?.listeners.find(
      ({ address, port }) => port === args.port && (everywhere || [configuration.host.address, "0.0.0.0", "::"].includes(address)),
    );
    return listener ? [{ key, program, port: args.port, listener, container: holdingContainer(listener, engine.containers) }] : [];
  });
  const tell = ({ key, program, port, listener }: (typeof listening)[number], by: string) =>
    found(
      "port-taken",
      `port ${port} of ${listener.address} (mesos-marathon:${key}Port, for ${program}) is held by ${by}: end that, or choose another port: pulumi config set ${key}Port PORT`,
    );
  for (const { owner, items } of byOwner(listening.flatMap((held) => (held.container && !own(held.container) ? [{ ...held, container: held.container }] : [])))) {
    const [first] = items;
    if (items.length > 1) {
      const all = items.map(({ key, port }) => `${port} (mesos-marathon:${key}Port)`).join(", ");
      found("port-taken", `the ports ${all} are held by ${owner}: end that, or choose other ports: pulumi config set ${first.key}Port PORT, and so on`);
    } else {
      // Whose such a container is stands with its name, which is taken, too.
      const isTold = programs.some(({ args }) => args.containerName === first.container.name);
      tell(first, `the container ${first.container.name}${isTold ? "" : ` (${whose(first.container)})`}`);
    }
  }
  for (const held of listening.filter(({ container }) => !container)) {
    const { holder } = held.listener;
    if (holder) {
      tell(held, `${holder.command} (process ${holder.pid})`);
    } else if (!runs) {
      tell(held, "a process that only root can see");
    }
  }
});

/** How many are told one by one. */
const toldPorts = 5;

const heldTaskPorts = judgment({ "task-ports-held": "warning" }, (evidence, found) => {
  const { configuration: { cluster }, engine, here, owner } = evidence;
  // Once there is a slave, what listens there are its tasks, and not all of them are containers.
  if (ownContainers(evidence, owner).some(({ component }) => component === "mesos-slave")) {
    return;
  }
  const ranges = offeredPorts(cluster.mesosSlave.resources);
  const isTask = (container?: SeenContainer) => container?.mountSources.some((source) => /\/slaves\/[^/]+\/frameworks\//.test(source));
  const held = new Map<number, string>();
  for (const listener of here?.listeners ?? []) {
    const { port, holder } = listener;
    const container = holdingContainer(listener, engine.containers);
    if (holder && ranges.some(([from, to]) => from <= port && port <= to) && !isTask(container)) {
      held.set(port, container ? `the container ${container.name}` : `${holder.command} (process ${holder.pid})`);
    }
  }
  if (held.size > 0) {
    const told = [...held].slice(0, toldPorts).map(([port, by]) => `${port} by ${by}`);
    const rest = held.size > told.length ? ` and ${held.size - told.length} more` : "";
    found(
      "task-ports-held",
      `of the ports that the Mesos slave offers to tasks (mesos-marathon:mesosSlaveResources) some are held: ${told.join(", ")}${rest}. A task that is given one ` +
        "cannot listen there. End that, or offer others: pulumi config set mesosSlaveResources RESOURCES",
    );
  }
});

/** Of a published port the holder is a process of Docker's. */
function holdingContainer({ address, port, holder }: Listener, containers: readonly SeenContainer[]): SeenContainer | undefined {
  const publishes = ({ publishedPorts }: SeenContainer) => publishedPorts.some((published) => published.port === port && published.address === address);
  // One that is just being started again is listed without its ports.
  const isTo = ({ made }: SeenContainer) => holder?.command === "docker-proxy" && made?.ports.includes(`${address}:${port}`);
  return containers.find(({ id }) => id === holder?.containerId) ?? containers.find(publishes) ?? containers.find(isTo);
}

export const ports = [freePorts, heldTaskPorts];
