import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { Component } from "./component";
import { hostNetwork } from "./network";
import { Data, deploy, ServiceArgs } from "./service";

export interface ZooKeeperArgs extends ServiceArgs {
  /** Port of its clients. Default: 2181. */
  readonly port?: number;
}

/** A ZooKeeper server of its own (standalone). Its data outlives it in named volumes. */
export class ZooKeeper extends Component {
  /** The container. */
  readonly container: docker.Container;
  /** Done when ZooKeeper serves: `srvr` names its mode. */
  readonly ready: command.local.Command;
  /** Its data, which outlives the container. */
  readonly data: readonly Data[];
  /** `host:port`, as every ZooKeeper client takes it that is on the host or reaches it. */
  readonly connectionString: pulumi.Output<string>;
  /** The same for the cluster's own programs. */
  private readonly inside: pulumi.Output<string>;

  constructor(name: string, args: ZooKeeperArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ZooKeeper", name, opts);
    const { host, imageSet } = args;
    const port = args.port ?? 2181;

    const { network = hostNetwork(host) } = args;
    const place = network.place("zookeeper", port, imageSet.zookeeper);

    this.inside = pulumi.interpolate`${place.address}:${place.port}`;
    this.connectionString = pulumi.interpolate`${host.address}:${port}`;
    const service = deploy(this, name, {
      ...args,
      component: "zookeeper",
      containerName: args.containerName ?? "zookeeper",
      image: imageSet.zookeeper,
      place,
      settings: {
        address: place.address,
        id: "1",
        port: String(place.port),
        serverAddresses: place.address,
        // ZooKeeper 3.5's dynamic form; 2888 and 3888 stay closed while there is one server.
        serverSpecifications: pulumi.interpolate`server.1=${place.address}:2888:3888;${place.address}:${place.port}`,
      },
      check: { ADDRESS: host.address, PORT: String(port) },
      interruption: "for some ten seconds nothing is launched and Marathon answers nothing; tasks keep running",
    });
    this.container = service.container;
    this.ready = service.ready;
    this.data = service.data;
    this.registerOutputs({ connectionString: this.connectionString });
  }

  /** The URL by which the cluster's Mesos and Marathon name a path of this ZooKeeper: `zk://host:port/path`. */
  url(path: string): pulumi.Output<string> {
    return pulumi.interpolate`zk://${this.inside}${path}`;
  }
}
