/** Ports that the programs listen on: who else does. */

import { judgment } from "../findings";
import { type Listener, type SeenContainer, whose } from "../seen";

const freePorts = judgment({ "port-taken": "error" }, ({ configuration, engine, here, own, programs }, found) => {
  // Only root sees who listens. To others what listens while this stack runs is this stack.
  const runs = engine.containers.some((container) => own(container) && container.runs);
  // Whose such a container is stands with its name, which is taken, too.
  const isTold = ({ name }: SeenContainer) => programs.some(({ args }) => args.containerName === name);
  for (const { key, program, args, image } of programs) {
    const everywhere = configuration.cluster.networkMode === "host" && !image.listensOnAddressOnly;
    const listener = here?.listeners.find(
      ({ address, port }) => port === args.port && (everywhere || [configuration.host.address, "0.0.0.0", "::"].includes(address)),
    );
    const by = listener && holderOf(listener, engine.containers, isTold);
    const isOurPort = by ? by.container && own(by.container) : runs;
    if (listener && !isOurPort) {
      found(
        "port-taken",
        `port ${args.port} of ${listener.address} (mesos-marathon:${key}Port, for ${program}) is held by ${by?.words ?? "a process that only root can see"}: ` +
          `end that, or choose another port: pulumi config set ${key}Port PORT`,
      );
    }
  }
});

function holderOf(listener: Listener, containers: readonly SeenContainer[], isTold: (container: SeenContainer) => boolean) {
  const published = containers.find(({ publishedPorts }) => publishedPorts.includes(listener.port));
  const container = published ?? containers.find(({ id }) => id === listener.holder?.containerId);
  if (container) {
    return { container, words: `the container ${container.name}${isTold(container) ? "" : ` (${whose(container)})`}` };
  }
  return listener.holder && { container: undefined, words: `${listener.holder.command} (process ${listener.holder.pid})` };
}

export const ports = [freePorts];
