import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { MesosMaster } from "./mesos-master";
import { hostNetwork } from "./network";
import { dataOf, deploy, ownName, ServiceArgs, teardown } from "./service";

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
}

/** A Mesos slave that runs tasks as containers on its host's Docker Engine. Its checkpoints outlive it in a named volume. */
export class MesosSlave extends pulumi.ComponentResource {
  /** The container. */
  readonly container: docker.Container;
  /** Done when the master lists this slave as active. */
  readonly ready: command.local.Command;
  /** The slave's API: `http://hostname:port`. */
  readonly url: pulumi.Output<string>;
  /** Makes the slave leave and removes what its tasks left behind, when it is destroyed. */
  readonly teardown: command.local.Command;

  constructor(name: string, args: MesosSlaveArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mesos-marathon:index:MesosSlave", name, {}, opts);
    const { host, imageSet, master } = args;
    const port = args.port ?? 5051;
    const containerName = args.containerName ?? "mesos-slave";

    const { network = hostNetwork(host) } = args;
    const place = network.place("mesos-slave", port, imageSet.mesosSlave);

    this.url = pulumi.interpolate`http://${host.hostname}:${port}`;
    const common = { component: "mesos-slave", containerName, host, dataFolder: args.dataFolder, onDestroy: args.onDestroy };
    // Docker mounts a task's sandbox from the host, so the work directory must have the same path there as in the slave.
    const workDir = dataOf(this, `${name}-work`, common);
    const service = deploy(this, name, {
      ...args,
      ...common,
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
      },
      dependsOn: [service.container],
    });
    this.registerOutputs({ url: this.url });
  }
}
