import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { type Host, isLoopback } from "./host";
import type { ServiceImage } from "./images";
import { labels, ownName } from "./service";
import { nth, upperHalf } from "./subnet";

/** How the programs of a cluster on one host find each other, and how they are reached from outside. */
export interface Network {
  /** What master and Marathon tell browsers and each other of themselves. */
  readonly hostname: pulumi.Input<string>;
  /** What the slave tells of itself: there browsers and Marathon's health checks find it and the ports of its tasks. */
  readonly taskHostname: pulumi.Input<string>;
  /** Where executors in containers of their own listen; absent where that is where the slave does. */
  readonly executorAddress?: pulumi.Input<string>;
  /** Where a program is, by the word of its label. */
  place(component: string, port: number, image: ServiceImage): Place;
}

export interface Place {
  /** Where it listens, and where the cluster's other programs find it. */
  readonly address: pulumi.Input<string>;
  readonly port: number;
  /** The network's part of its container. */
  readonly container: Pick<docker.ContainerArgs, "networkMode" | "networksAdvanced" | "ports" | "hosts">;
}

/** The host's own network, as in the tutorial: everything listens on the host's address. */
export function hostNetwork(host: Host): Network {
  return {
    hostname: host.hostname,
    taskHostname: host.hostname,
    place: (_, port) => ({ address: host.address, port, container: { networkMode: "host" } }),
  };
}

/**
 * Each has its own address for good: a slave that comes back at another one loses its tasks, and old clients of ZooKeeper
 * look its name up only once.
 */
const places = ["zookeeper", "mesos-master", "mesos-slave", "marathon"];

/**
 * A network of the cluster's own, with ports published on the host's address. Tasks are on the host's network or on
 * Docker's own: from inside, the host is found at its address, or at the network's gateway where that is loopback.
 */
export function bridgeNetwork(parent: pulumi.Resource, name: string, host: Host, subnet: string): Network {
  const gateway = nth(subnet, 1);
  const network = new docker.Network(
    name,
    {
      name: ownName(name),
      driver: "bridge",
      // What others connect to it gets an address in the upper half, and so never that of a container that is just replaced.
      ipamConfigs: [{ subnet, gateway, ipRange: upperHalf(subnet) }],
      labels: labels("network"),
    },
    { parent, provider: host.provider, deleteBeforeReplace: true },
  );
  const inside = pulumi.output(host.address).apply((address) => addressInside(address, subnet));
  // Whoever is given a name asks for it inside, too, where the host's own list of names is not known.
  const hosts = pulumi
    .all([host.hostname, inside])
    .apply(([hostname, ip]) => (/[a-z]/i.test(hostname) ? [{ host: hostname, ip }] : []));
  return {
    hostname: host.hostname,
    taskHostname: pulumi
      .all([host.hostname, host.address])
      .apply(([hostname, address]) => taskHostname({ hostname, address }, { networkMode: "bridge", bridgeSubnet: subnet })),
    executorAddress: gateway,
    place: (component, port, image) => {
      const internal = Number(image.fixed?.port ?? port);
      // Links to sandboxes lead to where the slave says it is.
      const published = pulumi.all(component === "mesos-slave" ? [host.address, inside] : [host.address]);
      const address = nth(subnet, 2 + places.indexOf(component));
      return {
        address,
        port: internal,
        container: {
          networkMode: "bridge",
          // By id: a container stays connected to a network that was made anew under the old name no more than that one does.
          networksAdvanced: [{ name: network.id, ipv4Address: address }],
          ports: published.apply((addresses) => [...new Set(addresses)].map((ip) => ({ internal, external: port, ip, protocol: "tcp" }))),
          hosts,
        },
      };
    },
  };
}

/** The host's address as containers on its bridge network reach it. */
function addressInside(address: string, subnet: string): string {
  return isLoopback(address) ? nth(subnet, 1) : address;
}

/** What the slave tells of itself: the same from inside and outside. */
export function taskHostname(
  { hostname, address }: { readonly hostname: string; readonly address: string },
  { networkMode, bridgeSubnet }: { readonly networkMode: "host" | "bridge"; readonly bridgeSubnet: string },
): string {
  return networkMode === "bridge" && isLoopback(hostname) ? addressInside(address, bridgeSubnet) : hostname;
}
