import * as pulumi from "@pulumi/pulumi";

import { Component } from "./component";
import { ImageSet, imageSets } from "./images";
import { Marathon } from "./marathon";
import { MesosMaster } from "./mesos-master";
import { MesosSlave, type MesosSlaveArgs } from "./mesos-slave";
import { bridgeNetwork } from "./network";
import { mispairings } from "./pairings";
import { refusal } from "./refusal";
import { CommonArgs, ProgramArgs } from "./service";
import { ZooKeeper } from "./zookeeper";

export interface ClusterArgs extends Omit<CommonArgs, "network"> {
  /** Whether the containers are on the host's own network, or on one of the cluster's own with published ports. Default: host. */
  readonly networkMode?: "host" | "bridge";
  /**
   * IPv4 subnet of the cluster's own network, with 16 to 28 bits of prefix; no other network of the host may overlap it. Default:
   * 172.30.250.0/24.
   */
  readonly bridgeSubnet?: string;
  /** Default: the tutorial's images. */
  readonly imageSet?: ImageSet;
  readonly zookeeper?: ProgramArgs;
  readonly mesosMaster?: ProgramArgs;
  readonly mesosSlave?: ProgramArgs & Pick<MesosSlaveArgs, "resources" | "attributes" | "dockerClient" | "generation">;
  readonly marathon?: ProgramArgs;
  /** Path in ZooKeeper at which the masters elect their leader. Default: `/mesos`. */
  readonly mesosZookeeperPath?: string;
  /** Path in ZooKeeper at which Marathon keeps its apps. Another one makes it a new framework. Default: `/marathon`. */
  readonly marathonZookeeperPath?: string;
  /** Role that all of the slave's resources are reserved for, and that Marathon has. Default: `*`, which reserves nothing. */
  readonly role?: string;
}

/** A cluster as other stacks see it. Fields are added, never changed, within a schema version. */
export interface ClusterDescription {
  readonly schemaVersion: 1;
  readonly imageSet: {
    readonly name: string;
    /** True where Mesos and Marathon are stand-ins. */
    readonly standIn: boolean;
  };
  readonly zookeeper: {
    /** `host:port`. */
    readonly connectionString: string;
    /** Where the Mesos masters elect their leader. */
    readonly mesosPath: string;
    /** Where Marathon keeps its apps. */
    readonly marathonPath: string;
  };
  readonly masters: readonly { readonly url: string; readonly container: string; readonly version: string }[];
  readonly slaves: readonly { readonly url: string; readonly container: string; readonly version: string }[];
  readonly marathon: { readonly url: string; readonly container: string; readonly version: string };
}

/**
 * A single-node cluster. A container is created when what it needs is ready, not when it exists:
 *
 *     ZooKeeper serves → a master is elected → the slave is active at the master
 *                                            → Marathon is an active framework
 */
export class Cluster extends Component {
  readonly zookeeper: ZooKeeper;
  readonly mesosMaster: MesosMaster;
  readonly mesosSlave: MesosSlave;
  readonly marathon: Marathon;
  /** The cluster for other stacks; known when all of it is ready. */
  readonly description: pulumi.Output<ClusterDescription>;

  constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("Cluster", name, opts);
    const { zookeeper, mesosMaster, mesosSlave, marathon, imageSet = imageSets.tutorial, role, networkMode, bridgeSubnet = "172.30.250.0/24", ...rest } = args;
    refuseDoomedNames(args, imageSet);
    if (args.dataFolder && args.onDestroy === "erase") {
      throw refusal(`Nothing removes the folders in ${args.dataFolder} (dataFolder), so onDestroy cannot be erase`);
    }
    const network = networkMode === "bridge" ? bridgeNetwork(this, `${name}-network`, rest.host, bridgeSubnet) : undefined;
    const { mesosZookeeperPath: mesosPath = "/mesos", marathonZookeeperPath: marathonPath = "/marathon", ...common } = { ...rest, imageSet, network };
    const parent = { parent: this };

    this.zookeeper = new ZooKeeper(`${name}-zookeeper`, { ...common, ...zookeeper }, parent);
    this.mesosMaster = new MesosMaster(
      `${name}-mesos-master`,
      { ...common, ...mesosMaster, zookeeper: this.zookeeper, zookeeperPath: mesosPath, role },
      parent,
    );
    this.mesosSlave = new MesosSlave(
      `${name}-mesos-slave`,
      { ...common, ...mesosSlave, master: this.mesosMaster, role },
      parent,
    );
    this.marathon = new Marathon(
      `${name}-marathon`,
      {
        ...common,
        ...marathon,
        master: this.mesosMaster,
        slaves: [this.mesosSlave],
        zookeeper: this.zookeeper,
        zookeeperPath: marathonPath,
        role,
      },
      parent,
    );

    this.description = this.whenReady(
      pulumi.output({
        schemaVersion: 1 as const,
        imageSet: { name: imageSet.name, standIn: imageSet.standIn },
        zookeeper: { connectionString: this.zookeeper.connectionString, mesosPath, marathonPath },
        masters: [{ url: this.mesosMaster.url, container: this.mesosMaster.container.name, version: imageSet.mesosMaster.version }],
        slaves: [{ url: this.mesosSlave.url, container: this.mesosSlave.container.name, version: imageSet.mesosSlave.version }],
        marathon: { url: this.marathon.url, container: this.marathon.container.name, version: imageSet.marathon.version },
      }),
    );
    this.registerOutputs({ description: this.description });
  }

  /** The value, once the slave and Marathon can be used; a consumer of it waits for the cluster. */
  whenReady<T>(value: pulumi.Output<T>): pulumi.Output<T> {
    return pulumi.all([value, this.mesosSlave.ready.id, this.marathon.ready.id]).apply(([known]) => known as T);
  }
}

/** @throws pulumi.RunError where the slave would stop containers of its own cluster, taking them for left-over tasks. */
function refuseDoomedNames({ zookeeper, mesosMaster, mesosSlave, marathon }: ClusterArgs, imageSet: ImageSet): void {
  const doomed = mispairings(imageSet, {
    zookeeper: zookeeper?.containerName ?? "zookeeper",
    mesosMaster: mesosMaster?.containerName ?? "mesos-master",
    mesosSlave: mesosSlave?.containerName ?? "mesos-slave",
    marathon: marathon?.containerName ?? "marathon",
  }).filter(({ name }) => name);
  if (doomed.length > 0) {
    throw refusal("Containers of the cluster would be stopped by its own slave:", doomed.map(({ program, reason }) => `${program}.containerName: ${reason}`));
  }
}
