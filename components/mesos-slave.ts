import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { Component } from "./component";
import type { Host } from "./host";
import { MesosMaster } from "./mesos-master";
import { hostNetwork } from "./network";
import { dataOf, deploy, type FoundContainer, labels, marks, ownName, script, ServiceArgs, teardown } from "./service";

export interface MesosSlaveArgs extends ServiceArgs {
  /** The master that it registers with. The container is created when that one is elected. */
  readonly master: MesosMaster;
  /** Default: 5051. */
  readonly port?: number;
  /**
   * What it offers, as in `MESOS_RESOURCES`; `mem` and `disk` in MiB. Pinned, because a slave whose resources change
   * refuses to start on its kept state. Default: `cpus:2;mem:2048;disk:10240;ports:[31000-32000]`.
   */
  readonly resources?: string;
  /** Role that all of it is reserved for. Default: `*`, which reserves nothing. */
  readonly role?: string;
  /** As in `MESOS_ATTRIBUTES`: `rack:1;zone:a`. Default: none. */
  readonly attributes?: string;
  /**
   * A static docker client, as a path on the host, that the slave starts tasks with; for image sets whose slave takes one
   * (`takesDockerClient`). Default: the one in its image.
   */
  readonly dockerClient?: string;
  /**
   * Which slave this is, from 1 on. A higher number makes it a new one, for settings that its kept state does not allow: it
   * leaves its master, all of its tasks are lost, and it gets a new id and a work directory of its own. It does not go
   * back. Default: 1.
   */
  readonly generation?: number;
}

const generationLabel = "mesos-marathon.generation";

/** Which slave a container is, by its labels, each `NAME=value`. */
export function generationOf(labels: readonly string[]): number {
  return Number(labels.find((label) => label.startsWith(`${generationLabel}=`))?.split("=")[1] ?? 1);
}

/** A Mesos slave that runs tasks as containers on its host's Docker Engine. Its checkpoints outlive it in a named volume. */
export class MesosSlave extends Component {
  /** The container. */
  readonly container: docker.Container;
  /** Done when the master lists this slave as active. */
  readonly ready: command.local.Command;
  /** The slave's API: `http://hostname:port`. */
  readonly url: pulumi.Output<string>;
  /** Makes the slave leave and removes what its tasks left behind, when it is destroyed. */
  readonly teardown: command.local.Command;

  constructor(name: string, args: MesosSlaveArgs, opts?: pulumi.ComponentResourceOptions) {
    super("MesosSlave", name, opts);
    const { host, imageSet, master, generation = 1 } = args;
    const port = args.port ?? 5051;
    const containerName = args.containerName ?? "mesos-slave";

    const { network = hostNetwork(host) } = args;
    const place = network.place("mesos-slave", port, imageSet.mesosSlave);

    this.url = pulumi.interpolate`http://${host.hostname}:${port}`;
    const common = { component: "mesos-slave", containerName, host, dataFolder: args.dataFolder, onDestroy: args.onDestroy };
    // Docker mounts a task's sandbox from the host, so the work directory must have the same path there as in the slave.
    const workDir = dataOf(this, workDirName(name, generation), common);
    const former = args.found?.find(({ component, labels, adopted }) => component === common.component && !adopted && generationOf(labels) !== generation);
    if (former) {
      this.sayLoss(former, args, ownName(workDirName(name, generationOf(former.labels))));
    }
    const service = deploy(this, name, {
      ...args,
      ...common,
      ...(generation > 1 && { labels: { ...args.labels, [generationLabel]: String(generation) }, before: this.renewal(name, host, generation) }),
      // What becomes of that one has been told.
      found: args.found?.filter((container) => container !== former),
      image: imageSet.mesosSlave,
      place,
      settings: {
        address: place.address,
        attributes: args.attributes ?? "",
        cgroupsRoot: ownName(name),
        dockerClient: args.dockerClient || undefined,
        dockerSocket: host.dockerSocket,
        executorAddress: network.executorAddress,
        hostname: network.taskHostname,
        port: String(place.port),
        resources: args.resources ?? "cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
        role: args.role ?? "*",
        workDir: workDir.path,
        zk: master.zk,
      },
      privileged: true,
      volumes: [{ ...workDir.source, containerPath: workDir.path }],
      after: master.ready,
      check: {
        MASTER: master.askedAt,
        SLAVE: pulumi.interpolate`http://${host.address}:${port}`,
        SLAVES_PATH: imageSet.endpoints.slaves,
        SLAVE_STATE_PATH: imageSet.endpoints.slaveState,
      },
      // Executors of their own outlive it where the slave also sees the host's processes, and find it again at the same address.
      // One that was started by hand gets another work directory.
      interruption: (changed) =>
        imageSet.mesosSlave.hostPid && !changed.has("MESOS_IP") && !changed.has("adopted")
          ? "for some five seconds nothing is launched on it; its tasks keep running"
          : "all of its tasks are lost, and Marathon launches them anew",
    });
    this.container = service.container;
    this.ready = service.ready;

    const data = [...master.zookeeper.data, ...master.data, workDir];
    this.teardown = teardown(this, name, {
      ...common,
      environment: {
        WORK_DIR: workDir.path,
        VOLUMES: pulumi.jsonStringify(data.flatMap(({ volume }) => (volume ? [volume.name] : []))),
        ...(args.dataFolder && { FOLDERS: pulumi.jsonStringify(data.map(({ path }) => path)) }),
        ...(generation > 1 && !args.dataFolder && { FORMER_VOLUMES: JSON.stringify(formerGenerations(generation).map((each) => ownName(workDirName(name, each)))) }),
      },
      dependsOn: [service.container],
    });
    this.registerOutputs({ url: this.url });
  }

  private sayLoss({ name }: FoundContainer, { generation, dataFolder, onDestroy }: MesosSlaveArgs, workDir: string): void {
    const rest = dataFolder ? `stays, as the folder ${dataFolder}/${workDir}` : onDestroy === "erase" ? "is removed, as onDestroy is erase" : `stays, as the volume ${workDir}`;
    pulumi.log.warn(
      `the container ${name} is replaced, by another Mesos slave (generation ${generation}): it leaves its master, all of its tasks are lost, ` +
        `and Marathon launches them anew. Its work directory, with what tasks wrote, ${rest}`,
      this,
    );
  }

  /** Makes the slave leave that is there under another generation, while its master still knows it. */
  private renewal(name: string, host: Host, generation: number): command.local.Command {
    return new command.local.Command(
      `${name}-renewal`,
      {
        create: script("renewal"),
        environment: {
          DOCKER_HOST: host.dockerHost,
          LABELS: marks(labels("mesos-slave")),
          NEW: `${generationLabel}=${generation}`,
        },
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
  }
}

/** Each is a resource of its own: to replace a volume, Pulumi would first remove the container, before its slave has left. */
const workDirName = (name: string, generation: number) => `${name}-work${generation > 1 ? `-${generation}` : ""}`;

function formerGenerations(generation: number): number[] {
  return Array.from({ length: generation - 1 }, (_, index) => index + 1);
}
