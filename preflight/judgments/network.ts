/** The network of the stack's own, and the name by which browsers call the host. */

import { overlap } from "../../components/subnet";
import { judgment } from "../findings";
import { bearsLabels, whose } from "../seen";

const ownNetwork = judgment(
  { "network-name-taken": "error", "network-not-in-state": "error", "subnet-taken": "error" },
  ({ configuration: { cluster }, engine, here, owner, recorded }, found) => {
    if (cluster.networkMode !== "bridge") {
      return;
    }
    const ownName = `${owner.project}-${owner.stack}-cluster-network`;
    const own = engine.bridges.find(({ name, labels }) => name === ownName && bearsLabels(labels, owner));
    for (const bridge of engine.bridges.filter(({ name }) => name === ownName)) {
      const { id, name, labels } = bridge;
      if (!bearsLabels(labels, owner)) {
        found(
          "network-name-taken",
          `the network ${name} (${whose(bridge)}) would be this stack's, but does not bear its labels: ` +
            `remove it (docker network rm ${id.slice(0, 12)}), or choose another name for this stack (pulumi stack init NAME)`,
        );
      } else if (recorded && !recorded.networks.includes(id)) {
        found(
          "network-not-in-state",
          `the network ${name} (${whose(bridge)}) bears this stack's labels, but is not in its state: it belongs to a stack of the same name in another clone, or an \`up\` ` +
            "that was cut off left it. Go on in that clone, choose another name for this stack (pulumi stack init NAME), or let npm run recover mend it",
        );
      }
    }
    const subnet = cluster.bridgeSubnet;
    const taken = [
      ...engine.bridges.flatMap(({ id, name, subnets }) => (id === own?.id ? [] : subnets.map((other) => ({ other, by: `the Docker network ${name}` })))),
      ...(here?.routes ?? [])
        .filter(({ device }) => !engine.bridges.some((bridge) => bridge.device === device))
        .map(({ subnet: other, device }) => ({ other, by: `the host's route through ${device}` })),
    ].filter(({ other }) => overlap(subnet, other));
    if (taken.length > 0) {
      found(
        "subnet-taken",
        `${subnet} (mesos-marathon:bridgeSubnet) overlaps ${taken.map(({ other, by }) => `${other} of ${by}`).join(" and ")}: ` +
          "choose another: pulumi config set bridgeSubnet SUBNET",
      );
    }
  },
);

const hostname = judgment(
  { "hostname-unknown": "error", "hostname-unknown-here": "warning", "hostname-elsewhere": "warning" },
  ({ configuration: { host, cluster }, here, resolved }, found) => {
    if (!resolved) {
      return;
    }
    const what = `${host.hostname} (mesos-marathon:hostname)`;
    // On a bridge network the containers are told. Else Marathon asks the host for it, to check the health of tasks.
    const isAsked = here && cluster.networkMode === "host";
    if ("problem" in resolved) {
      found(
        isAsked ? "hostname-unknown" : "hostname-unknown-here",
        `${what} cannot be resolved ${isAsked ? "on this host" : "here"} (${resolved.problem}): ${isAsked ? "Marathon's health checks and browsers" : "browsers"} must find it. ` +
          "Write a name that DNS or /etc/hosts knows, or take it away: pulumi config rm hostname",
      );
    } else if (here && !resolved.addresses.includes(host.address)) {
      found(
        "hostname-elsewhere",
        `${what} resolves to ${resolved.addresses.join(", ")} on this host, and the cluster answers on ${host.address} (mesos-marathon:address): ` +
          "links lead nowhere unless something forwards from there",
      );
    }
  },
);

export const network = [ownNetwork, hostname];
