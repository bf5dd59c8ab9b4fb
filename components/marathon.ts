import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { ImageSet } from "./images";
import { MesosMaster } from "./mesos-master";
import { deploy, ServiceArgs } from "./service";
import { ZooKeeper } from "./zookeeper";

export interface MarathonArgs extends ServiceArgs {
  readonly imageSet: ImageSet;
  /** The master whose resources it places tasks on. The container is created when that one is elected. */
  readonly master: MesosMaster;
  /** Where it keeps its apps. */
  readonly zookeeper: ZooKeeper;
  /** Path in ZooKeeper. Default: `/marathon`. */
  readonly zookeeperPath?: string;
  /** Default: 8080. */
  readonly port?: number;
}

/** Marathon. Its apps and its framework id live in ZooKeeper. */
export class Marathon extends pulumi.ComponentResource {
  /** The container. */
  readonly container: docker.Container;
  /** Done when the framework that Marathon says it is, is active at the elected master. */
  readonly ready: command.local.Command;
  /** Marathon's UI and API: `http://host:port`. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: MarathonArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mesos-marathon:index:Marathon", name, {}, opts);
    const { host, imageSet, master, zookeeper } = args;
    const port = args.port ?? 8080;

    this.url = pulumi.interpolate`http://${host.address}:${port}`;
    const service = deploy(this, name, {
      component: "marathon",
      containerName: args.containerName ?? "marathon",
      host,
      image: imageSet.marathon,
      settings: {
        address: host.address,
        mesosZk: master.zk,
        port: String(port),
        zk: zookeeper.url(args.zookeeperPath ?? "/marathon"),
      },
      after: master.ready,
      check: { FRAMEWORKS_PATH: imageSet.endpoints.frameworks, MARATHON: this.url, MASTER: master.url },
      readyTimeout: args.readyTimeout,
      stopped: args.stopped,
    });
    this.container = service.container;
    this.ready = service.ready;
    this.registerOutputs({ url: this.url });
  }
}
