import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { Component } from "./component";
import { MesosMaster } from "./mesos-master";
import { MesosSlave } from "./mesos-slave";
import { hostNetwork } from "./network";
import { deploy, ServiceArgs, teardown } from "./service";
import { ZooKeeper } from "./zookeeper";

export interface MarathonArgs extends ServiceArgs {
  /** The master whose resources it places tasks on. The container is created when that one is elected. */
  readonly master: MesosMaster;
  /** Slaves that its tasks run on: when all is destroyed, they are still there while its apps are deleted. Default: none. */
  readonly slaves?: readonly MesosSlave[];
  /** Where it keeps its apps. */
  readonly zookeeper: ZooKeeper;
  /** Path in ZooKeeper. Default: `/marathon`. */
  readonly zookeeperPath?: string;
  /** Role whose resources it is offered, beside what is reserved for nobody. Default: `*`, none. */
  readonly role?: string;
  /** Default: 8080. */
  readonly port?: number;
}

/** Marathon. Its apps and its framework id live in ZooKeeper. */
export class Marathon extends Component {
  /** The container. */
  readonly container: docker.Container;
  /** Done when the framework that Marathon says it is, is active at the elected master. */
  readonly ready: command.local.Command;
  /** Marathon's UI and API, for browsers and other stacks: `http://hostname:port`. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: MarathonArgs, opts?: pulumi.ComponentResourceOptions) {
    super("Marathon", name, opts);
    const { host, imageSet, master, zookeeper } = args;
    const port = args.port ?? 8080;
    const { MARATHON_HTTP_CREDENTIALS, MESOSPHERE_HTTP_CREDENTIALS } = args.environment ?? {};
    const credentials = MARATHON_HTTP_CREDENTIALS ?? MESOSPHERE_HTTP_CREDENTIALS;

    const { network = hostNetwork(host) } = args;
    const place = network.place("marathon", port, imageSet.marathon);

    this.url = pulumi.interpolate`http://${host.hostname}:${port}`;
    const zk = zookeeper.url(args.zookeeperPath ?? "/marathon");
    const common = { component: "marathon", containerName: args.containerName ?? "marathon", host, onDestroy: args.onDestroy };
    const check = {
      FRAMEWORKS_PATH: imageSet.endpoints.frameworks,
      MARATHON: pulumi.interpolate`http://${host.address}:${port}`,
      MASTER: master.askedAt,
      TEARDOWN_PATH: imageSet.endpoints.teardown,
      // Where it asks for a password, it asks the gate and the teardown too.
      ...(credentials && { CREDENTIALS: credentials }),
    };
    const service = deploy(this, name, {
      ...args,
      ...common,
      image: imageSet.marathon,
      place,
      settings: {
        address: place.address,
        hostname: network.hostname,
        mesosZk: master.zk,
        port: String(place.port),
        role: args.role ?? "*",
        zk,
      },
      after: master.ready,
      check,
      interruption: "for some five seconds its UI and API do not answer; tasks keep running",
    });
    this.container = service.container;
    this.ready = service.ready;
    teardown(this, name, {
      ...common,
      environment: {
        ...check,
        // By that one the master lists its frameworks.
        ...(host.hostname !== host.address && { WEBUI: this.url }),
        MASTER_CONTAINER: master.containerName,
        ZK: zk,
      },
      dependsOn: [service.container, master.container, ...(args.slaves ?? []).map((slave) => slave.teardown)],
    });
    this.registerOutputs({ url: this.url });
  }
}
