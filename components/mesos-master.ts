import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { Component } from "./component";
import { hostNetwork } from "./network";
import { Data, deploy, ServiceArgs } from "./service";
import { ZooKeeper } from "./zookeeper";

export interface MesosMasterArgs extends ServiceArgs {
  /** Where the masters elect their leader. The container is created when it is ready. */
  readonly zookeeper: ZooKeeper;
  /** Path in ZooKeeper. Default: `/mesos`. */
  readonly zookeeperPath?: string;
  /** Role that frameworks may have, beside `*`; versions from 0.27 on need not be told. Default: `*`. */
  readonly role?: string;
  /** Default: 5050. */
  readonly port?: number;
}

/** A Mesos master, alone and therefore with a quorum of one. Its registry outlives it in a named volume. */
export class MesosMaster extends Component {
  /** The container. */
  readonly container: docker.Container;
  /** Its name. */
  readonly containerName: string;
  /** Done when the master is elected. */
  readonly ready: command.local.Command;
  /** Its registry, which outlives the container. */
  readonly data: readonly Data[];
  /** Where it was elected. */
  readonly zookeeper: ZooKeeper;
  /** The Mesos UI and API, for browsers and other stacks: `http://hostname:port`. */
  readonly url: pulumi.Output<string>;
  /** The same, as gates ask it: `http://address:port`. */
  readonly askedAt: pulumi.Output<string>;
  /** Where slaves and frameworks find the leading master: `zk://host:port/mesos`. */
  readonly zk: pulumi.Output<string>;

  constructor(name: string, args: MesosMasterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("MesosMaster", name, opts);
    const { host, imageSet, zookeeper } = args;
    const port = args.port ?? 5050;

    this.containerName = args.containerName ?? "mesos-master";
    this.zookeeper = zookeeper;
    const { network = hostNetwork(host) } = args;
    const place = network.place("mesos-master", port, imageSet.mesosMaster);

    this.url = pulumi.interpolate`http://${host.hostname}:${port}`;
    this.askedAt = pulumi.interpolate`http://${host.address}:${port}`;
    this.zk = zookeeper.url(args.zookeeperPath ?? "/mesos");
    const service = deploy(this, name, {
      ...args,
      component: "mesos-master",
      containerName: this.containerName,
      image: imageSet.mesosMaster,
      place,
      settings: { address: place.address, hostname: network.hostname, port: String(place.port), quorum: "1", role: args.role ?? "*", zk: this.zk },
      after: zookeeper.ready,
      check: { MASTER: this.askedAt },
      interruption: "for 10 to 15 seconds no master leads, so nothing is launched, and Marathon starts again; tasks keep running",
    });
    this.container = service.container;
    this.ready = service.ready;
    this.data = service.data;
    this.registerOutputs({ url: this.url, zk: this.zk });
  }
}
