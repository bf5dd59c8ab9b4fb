import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { Host } from "./host";
import { ImageSet, ServiceImage } from "./images";
import { Network, Place } from "./network";
import { refusal } from "./refusal";

/**
 * What a destroy makes of a cluster's apps, Marathon's framework and the data in the volumes. It holds from the `up` on
 * that applies it.
 */
export type OnDestroy = "keep" | "erase";

/** What ZooKeeper, the Mesos master, the Mesos slave and Marathon may each be given. */
export interface ProgramArgs {
  /** Name of its container. It is fixed, so a replacement removes the old container first. Default: the tutorial's. */
  readonly containerName?: string;
  /** Its port. Default: the program's own. */
  readonly port?: number;
  /** Further environment variables of its container: name → value. None that the stack sets itself. Default: none. */
  readonly environment?: Environment;
  /**
   * Further bind mounts of its container: `host path:container path`, with `:ro` behind what is only to be read. Their
   * order does not matter. Default: none.
   */
  readonly mounts?: readonly string[];
  /** Most processors that its container may use, at least 0.01. Changing it replaces the container. Default: 0, no limit. */
  readonly cpus?: number;
  /**
   * Most memory of its container, in MiB, at least 6; beyond it, it swaps, or is killed and started again. Changing it
   * replaces the container. Default: 0, no limit.
   */
  readonly memory?: number;
}

/** What holds for each container alike. */
export interface CommonArgs {
  /** Where it runs. */
  readonly host: Host;
  /**
   * Folder of the host in which data is kept, each in a folder named as its volume would be; Docker makes those that are
   * missing, and nothing removes them. Default: "", in volumes.
   */
  readonly dataFolder?: string;
  /** Docker's restart policy: whether a container that somebody stopped is started when Docker is. Default: always. */
  readonly restart?: "always" | "unless-stopped";
  /** Size of a log file, as Docker takes it: `10m`. Changing it replaces the container. Default: 10m. */
  readonly logMaxSize?: string;
  /** How many log files Docker keeps. Changing it replaces the container. Default: 3. */
  readonly logMaxFiles?: number;
  /** Further labels: name → value. Changing them replaces the container; volumes get none. Default: none. */
  readonly labels?: Readonly<Record<string, pulumi.Input<string>>>;
  /** How its containers find each other and are reached. Default: the host's own network. */
  readonly network?: Network;
  /** Seconds that it may take to become ready before `up` fails. Default: 300. */
  readonly readyTimeout?: number;
  /**
   * The stack's containers as they are before the first change. Nothing of it changes what is wanted: it is said what a
   * change interrupts, and what drifted is proved anew. Default: none.
   */
  readonly found?: readonly FoundContainer[];
  /** The adoptions that are in the state: component → their variables. They stay as they were. Default: none. */
  readonly adoptions?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What containers are made from where that is not simply their image's name: component → image. Default: the names. */
  readonly currentImages?: Readonly<Record<string, CurrentImage>>;
  /** Default: keep. */
  readonly onDestroy?: OnDestroy;
}

/** What the four components have in common as arguments. */
export interface ServiceArgs extends ProgramArgs, CommonArgs {
  readonly imageSet: ImageSet;
}

/** Environment variables: name → value. Values that are secrets stay so. */
export type Environment = Readonly<Record<string, pulumi.Input<string>>>;

/** A container of this stack as it was found before the first change. */
export interface FoundContainer {
  /** What runs in it, in the words of the label. */
  readonly component: string;
  readonly name: string;
  /** What it was made from: a name, or an id. */
  readonly image: string;
  readonly imageId: string;
  /** `NAME=value`; those of `imageEnvironment` are among them. */
  readonly environment: readonly string[];
  readonly imageEnvironment: readonly string[];
  /** `NAME=value`; those of `imageLabels` are among them. */
  readonly labels: readonly string[];
  readonly imageLabels: readonly string[];
  /** 0 for no limit. */
  readonly cpus: number;
  /** In MiB; 0 for no limit. */
  readonly memory: number;
  /** As Docker takes them, `NAME=value`: `max-size` and `max-file`. */
  readonly logLimits: readonly string[];
  /** `host path or volume:container path`, with `:ro` behind what is only to be read. */
  readonly binds: readonly string[];
  /** What is published, `address:port`; nothing on the host's own network. */
  readonly ports: readonly string[];
  /**
   * What is wrong with it, and when that was seen; absent where it does its work. Pulumi starts a stopped container under
   * its old id and sees nothing else of this, so no gate could know by itself.
   */
  readonly drift?: string;
  /** Tasks' containers that a former life of the slave left running, and when they were seen: its gate removes them. */
  readonly orphans?: string;
  /** Its id, where it was started by hand and then taken into the state. */
  readonly adopted?: string;
}

/** What the name of an image stands for, where that is not left to the Docker Engine. */
export interface CurrentImage {
  /** What to pull where it is not there: the name, with a digest where the registry has another image than the Docker Engine. */
  readonly reference: string;
  /** What the container is made from, the name or the image's id; absent until it is there. */
  readonly from?: string;
}

/** Settings of one program: what an image's templates may ask for. Absent ones leave their variables out. */
export type Settings = Readonly<Record<string, pulumi.Input<string> | undefined>>;

/** The label keys on every container and volume. Frozen: changing a volume's label would delete it with its data. */
export const labelKeys = {
  project: "mesos-marathon.project",
  stack: "mesos-marathon.stack",
  component: "mesos-marathon.component",
} as const;

/** Seconds between SIGTERM and SIGKILL: enough for ZooKeeper and Marathon to leave in order. */
const stopSeconds = 30;

export interface ServiceSpecification extends Omit<ServiceArgs, "imageSet"> {
  /** What runs, in the words of the label: `zookeeper`, `mesos-master`, `mesos-slave`, `marathon`. */
  readonly component: string;
  readonly containerName: string;
  readonly image: ServiceImage;
  readonly place: Place;
  readonly settings: Settings;
  readonly privileged?: boolean;
  /** Volumes that must sit at a path that only they know, beside the image's own. */
  readonly volumes?: docker.types.input.ContainerVolume[];
  /** The gate that must be passed before the container is created; when that one is passed anew, so is this one's. */
  readonly after?: command.local.Command;
  /** What `checks/ready.mjs` is told, beside the container and the time limit. */
  readonly check: Readonly<Record<string, pulumi.Input<string>>>;
  /** What must be done before the old container goes, beside. */
  readonly before?: pulumi.Resource;
  /** What its users will notice while its container is replaced, given what changes: its `name`, `image`, variables and so on. */
  readonly interruption: string | ((changed: ReadonlySet<string>) => string);
}

/** The handles of a service. Dependents take `ready`, never `container`. */
export interface Service {
  /** The container, which exists but may not serve yet. */
  readonly container: docker.Container;
  /** The gate, which is done when the service can be used. */
  readonly ready: command.local.Command;
  /** What outlives the container. */
  readonly data: readonly Data[];
}

/**
 * The only place that makes containers. What Docker would fill in by itself is written out, so that a refresh finds no
 * difference that nobody made.
 */
export function deploy(parent: pulumi.Resource, name: string, spec: ServiceSpecification): Service {
  const { host, image } = spec;
  const current = spec.currentImages?.[spec.component];
  const remoteImage = new docker.RemoteImage(
    `${name}-image`,
    { name: current?.reference ?? image.image, keepLocally: true },
    { parent, provider: host.provider },
  );
  const settings: Settings = { ...spec.settings, image: remoteImage.name };
  const kept = Object.entries(image.data ?? {}).map(([suffix, containerPath]) => ({ data: dataOf(parent, `${name}-${suffix}`, spec), containerPath }));

  const envs = environment(image, settings, spec.environment);
  const volumes = [
    ...(image.mounts ?? [])
      .filter((mount) => placeholders(mount).every((setting) => settings[setting] !== undefined))
      .map((mount) => bindMount(mount, (template) => fill(template, settings))),
    ...(spec.mounts ?? []).map((mount) => bindMount(mount)),
    ...(spec.volumes ?? []),
    ...kept.map(({ data, containerPath }) => ({ ...data.source, containerPath })),
  ];
  const wanted: docker.ContainerArgs = {
    name: spec.containerName,
    // The name, not the id: an image that moves behind its tag must not replace a container by surprise.
    image: current && !current.from ? remoteImage.imageId : remoteImage.name.apply((name) => current?.from ?? name),
    command: image.command && [...image.command],
    envs,
    cpus: spec.cpus ? String(spec.cpus) : undefined,
    memory: spec.memory || undefined,
    // Swap without a limit is what Docker keeps as it was told on every kernel; with a limit, or unsaid, it is not.
    memorySwap: spec.memory ? -1 : undefined,
    ...spec.place.container,
    restart: spec.restart ?? "always",
    privileged: spec.privileged,
    pidMode: image.hostPid ? "host" : undefined,
    cgroupnsMode: image.hostCgroups ? "host" : undefined,
    volumes,
    labels: [...labels(spec.component), ...Object.entries(spec.labels ?? {}).map(([label, value]) => ({ label, value }))],
    logDriver: "json-file",
    logOpts: { "max-size": spec.logMaxSize ?? "10m", "max-file": String(spec.logMaxFiles ?? 3) },
    stopTimeout: stopSeconds,
    // Without it the provider's stop is a SIGKILL at once.
    destroyGraceSeconds: stopSeconds,
  };
  const found = spec.found?.find(({ component }) => component === spec.component);
  if (found && !found.drift) {
    sayInterruption(parent, spec, found, wanted);
  }

  const adoption = adopt(parent, name, spec, found, kept);
  const container = new docker.Container(name, wanted, {
    parent,
    provider: host.provider,
    dependsOn: [adoption, spec.after, spec.before].filter((resource) => resource !== undefined),
    // A fixed name can be given again only when the old container is gone.
    deleteBeforeReplace: true,
    // Docker cannot take a limit away from a container that has one.
    replaceOnChanges: ["memory"],
  });

  const drift = found?.name === spec.containerName ? (found.drift ?? found.orphans) : undefined;
  return { container, ready: gate(parent, name, spec, container, drift), data: kept.map(({ data }) => data) };
}

/** Is done when the service can be used. `drift` is what was wrong with its container before. */
function gate(parent: pulumi.Resource, name: string, spec: ServiceSpecification, container: docker.Container, drift?: string): command.local.Command {
  return new command.local.Command(
    `${name}-ready`,
    {
      create: script("ready"),
      environment: {
        ...spec.check,
        // What this service stands on was replaced or repaired: it must prove itself anew.
        ...(spec.after && { AFTER: spec.after.stdout }),
        COMPONENT: spec.component,
        CONTAINER: spec.containerName,
        CONTAINER_ID: container.id,
        DOCKER_HOST: spec.host.dockerHost,
        FINAL_EXITS: JSON.stringify(spec.image.finalExits ?? {}),
        READY_TIMEOUT: String(spec.readyTimeout ?? 300),
        ...(drift && { DRIFT: drift }),
      },
    },
    // The last repair stays on record, so that nothing changes when there is none.
    { parent, ignoreChanges: drift ? [] : ["environment.DRIFT"] },
  );
}

/**
 * What is done with a container that was started by hand before it is replaced. The data in its file system, such as in
 * anonymous volumes, is carried over; until that is in the state, the container is there to do it again. It stays in the
 * state from then on, as the record of what was done.
 */
function adopt(
  parent: pulumi.Resource,
  name: string,
  { adoptions, component, host, check, after }: ServiceSpecification,
  found: FoundContainer | undefined,
  kept: readonly { data: Data; containerPath: string }[],
): command.local.Command | undefined {
  const done = adoptions?.[component];
  if (!done && !found?.adopted) {
    return undefined;
  }
  const carried = kept.flatMap(({ data: { volume }, containerPath }) => (volume ? [{ volume, containerPath }] : []));
  if (!done && carried.length < kept.length) {
    throw refusal(`What ${found?.name} has in its file system can be carried over into volumes only: without a folder for the data (dataFolder), until that is done`);
  }
  const { SLAVE, SLAVE_STATE_PATH } = check;
  const environment = done ?? {
    ...(SLAVE && { SLAVE, SLAVE_STATE_PATH }),
    CARRY: pulumi.jsonStringify(carried.map(({ volume, containerPath }) => ({ path: containerPath, volume: volume.name }))),
    COMPONENT: component,
    CONTAINER: found?.adopted ?? "",
    DOCKER_HOST: host.dockerHost,
  };
  // A slave leaves while its master still knows it: the next one would keep it, and its tasks, for ten minutes.
  const dependsOn = [...(after && !SLAVE ? [after] : []), ...carried.map(({ volume }) => volume)];
  return new command.local.Command(`${name}-adoption`, { create: script("adoption"), environment, addPreviousOutputInEnv: false }, { parent, dependsOn });
}

/** Says what the replacement of a container that does its work will interrupt: in a preview, and before it happens. */
function sayInterruption(parent: pulumi.Resource, spec: ServiceSpecification, found: FoundContainer, wanted: docker.ContainerArgs): void {
  if (found.adopted) {
    // Whatever else changes: its labels do.
    const interruption = typeof spec.interruption === "string" ? spec.interruption : spec.interruption(new Set(["adopted"]));
    pulumi.log.warn(`the container ${found.name}, which was started by hand, is replaced: ${interruption}`, parent);
    return;
  }
  const current = spec.currentImages?.[spec.component];
  // A preview does not know the name of an image that is fetched anew.
  pulumi.output({ ...wanted, image: "" }).apply(({ name, envs = [], labels = [], volumes = [], ports = [], logOpts = {}, cpus = "0", memory = 0 }) => {
    const binds = volumes.map(({ hostPath, volumeName, containerPath, readOnly }) => `${hostPath ?? volumeName}:${containerPath}${readOnly ? ":ro" : ""}`);
    const published = ports.map(({ ip, external }) => `${ip}:${external}`);
    const pairs = labels.map(({ label, value }) => `${label}=${value}`);
    const limits = Object.entries(logOpts).map(([option, value]) => `${option}=${value}`);
    /** What the stack gave it: what only the image gives is not there. */
    const given = (all: readonly string[], image: readonly string[], now: readonly string[]) => all.filter((entry) => now.includes(entry) || !image.includes(entry));
    const nameOf = (entry: string) => entry.split("=")[0];
    const changed = new Set([
      ...(found.name === name ? [] : ["name"]),
      ...(found.image === (current ? current.from : spec.image.image) ? [] : ["image"]),
      ...(found.cpus === Number(cpus) ? [] : ["cpus"]),
      ...(found.memory === memory ? [] : ["memory"]),
      ...difference(envs, given(found.environment, found.imageEnvironment, envs)).map(nameOf),
      ...difference(pairs, given(found.labels, found.imageLabels, pairs)).map(nameOf),
      ...difference(limits, found.logLimits).map(nameOf),
      ...difference(binds, found.binds).map((bind) => bind.split(":")[1]),
      ...(difference(published, found.ports).length === 0 ? [] : ["ports"]),
    ]);
    if (changed.size > 0) {
      const interruption = typeof spec.interruption === "string" ? spec.interruption : spec.interruption(changed);
      pulumi.log.warn(`the container ${found.name} is replaced (changed: ${[...changed].join(", ")}): ${interruption}`, parent);
    }
  });
}

/** What is in one list and not in the other. */
function difference(a: readonly string[], b: readonly string[]): string[] {
  return [...a.filter((entry) => !b.includes(entry)), ...b.filter((entry) => !a.includes(entry))];
}

/** Where a service keeps state that outlives its container: a named volume, or a folder of the host that bears its name. */
export interface Data {
  /** What is mounted. */
  readonly source: Pick<docker.types.input.ContainerVolume, "volumeName" | "hostPath">;
  /** Its path on the host. */
  readonly path: pulumi.Input<string>;
  /** Absent where it is a folder. */
  readonly volume?: docker.Volume;
}

/** Data is kept when the stack is destroyed; a volume unless that is to erase. */
export function dataOf(
  parent: pulumi.Resource,
  name: string,
  { component, dataFolder, host, onDestroy }: Pick<ServiceSpecification, "component" | "dataFolder" | "host" | "onDestroy">,
): Data {
  if (dataFolder) {
    const path = `${dataFolder}/${ownName(name)}`;
    return { source: { hostPath: path }, path };
  }
  const volume = new docker.Volume(name, volumeArgs(name, component), { parent, provider: host.provider, retainOnDelete: onDestroy !== "erase" });
  return { source: { volumeName: volume.name }, path: volume.mountpoint, volume };
}

function volumeArgs(name: string, component: string) {
  return {
    // Made from the logical name, never from the container's: renaming a container must not lose its data.
    name: ownName(name),
    driver: "local",
    labels: labels(component),
  };
}

export interface TeardownSpecification {
  readonly component: string;
  readonly containerName: string;
  readonly host: Host;
  readonly onDestroy?: OnDestroy;
  /** What `checks/teardown.mjs` is told beside. */
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  /** What is still there while it runs. */
  readonly dependsOn: readonly pulumi.Resource[];
}

/**
 * What must be done before a component's container goes. Runs when the stack is destroyed and never else: it depends on
 * containers without taking a value from them, so that a replaced one replaces nothing here. Replacing the command
 * itself deletes the old one, too, and Pulumi tells it no difference. The interlock does, an empty volume that depends
 * on the command: only a destroy has removed it before the command's turn comes.
 */
export function teardown(parent: pulumi.Resource, name: string, spec: TeardownSpecification): command.local.Command {
  const interlock = volumeArgs(`${name}-interlock`, spec.component);
  const run = new command.local.Command(
    `${name}-teardown`,
    {
      delete: script("teardown"),
      environment: {
        ...spec.environment,
        COMPONENT: spec.component,
        CONTAINER: spec.containerName,
        DOCKER_HOST: spec.host.dockerHost,
        INTERLOCK: interlock.name,
        LABELS: marks(stackLabels()),
        ON_DESTROY: spec.onDestroy ?? "keep",
      },
      addPreviousOutputInEnv: false,
    },
    { parent, dependsOn: [...spec.dependsOn] },
  );
  new docker.Volume(`${name}-interlock`, interlock, { parent, provider: spec.host.provider, dependsOn: run, deleteBeforeReplace: true });
  return run;
}

/** A name on the host that no other stack's resource has, made from a logical name. */
export function ownName(name: string): string {
  return `${pulumi.getProject()}-${pulumi.getStack()}-${name}`;
}

/** Runs a script of `checks/` by the package's name, so that no path of a clone is ever part of the state. */
export function script(check: "ready" | "teardown" | "adoption" | "renewal"): string {
  return `node -e 'import("mesos-marathon/checks/${check}.mjs")'`;
}

/** The labels that everything of this stack bears. */
function stackLabels(): { label: string; value: string }[] {
  return [
    { label: labelKeys.project, value: pulumi.getProject() },
    { label: labelKeys.stack, value: pulumi.getStack() },
  ];
}

/** Labels as the scripts of `checks/` are told them: JSON, each `key=value`. */
export function marks(labels: ReturnType<typeof stackLabels>): string {
  return JSON.stringify(labels.map(({ label, value }) => `${label}=${value}`));
}

export function labels(component: string): ReturnType<typeof stackLabels> {
  return [...stackLabels(), { label: labelKeys.component, value: component }];
}

function environment(image: ServiceImage, settings: Settings, further: Environment = {}): pulumi.Input<string>[] {
  const own = Object.entries(image.environment)
    .filter(([, template]) => placeholders(template).every((setting) => told(image, settings, setting)))
    .map(([variable, template]) => pulumi.interpolate`${variable}=${fill(template, settings)}`);
  const given = Object.entries(image.environment).filter(([, template]) => placeholders(template).every((setting) => settings[setting] !== undefined));
  const twice = given.map(([variable]) => variable).filter((variable) => Object.hasOwn(further, variable));
  if (twice.length > 0) {
    throw refusal(`${twice.join(", ")} cannot be set in the environment of ${image.image}: the component does`);
  }
  return [...own, ...Object.entries(further).map(([variable, value]) => pulumi.interpolate`${variable}=${value}`)];
}

/** `host path:container path`, with `:ro` behind what is only to be read. */
function bindMount(mount: string, filled = (path: string): pulumi.Input<string> => path): docker.types.input.ContainerVolume {
  const [hostPath, containerPath, readOnly] = mount.split(":");
  return { hostPath: filled(hostPath), containerPath: filled(containerPath), ...(readOnly && { readOnly: true }) };
}

function placeholders(template: string): string[] {
  return [...template.matchAll(/{(\w+)}/g)].map((match) => match[1]);
}

function told(image: ServiceImage, settings: Settings, setting: string): boolean {
  return settings[setting] !== undefined && settings[setting] !== image.builtIn[setting];
}

function fill(template: string, settings: Settings): pulumi.Input<string> {
  const names = placeholders(template);
  if (names.length === 0) {
    return template;
  }
  return pulumi.all(names.map((setting) => settings[setting])).apply((values) =>
    names.reduce((text, setting, i) => text.replaceAll(`{${setting}}`, () => String(values[i])), template),
  );
}
