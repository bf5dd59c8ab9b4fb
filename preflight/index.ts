import { readdir, readFile, readlink, statfs } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { existsSync } from "node:fs";

import * as pulumi from "@pulumi/pulumi";
import type { ContainerInspectInfo } from "dockerode";

import type { FoundContainer, ServiceImage } from "../components";
import { labelKeys } from "../components/service";
import { imagesOf } from "../components/images";
import { type Configuration, offeredPorts } from "../configuration";
import { askRegistries, type PullAnswer, pullFindings } from "./pullable";
import { refusal } from "../components/refusal";

/** Something about the host that the person should know before the first change. An error stops `up` and `preview`. */
export interface Finding {
  readonly level: "error" | "warning" | "note";
  /** What is so, where it was set, what to do. */
  readonly text: string;
}

/** What was seen of a host. What only the host itself can tell is absent where Pulumi runs elsewhere. */
export interface Seen {
  /** Why the Docker Engine did not answer; then nothing else is known of it. */
  readonly engineProblem?: { readonly code?: string; readonly message: string };
  readonly engine?: Engine;
  readonly here?: Here;
  /** Absent where Pulumi does not tell. */
  readonly recorded?: Recorded;
}

/** What Pulumi's state of this stack knows. */
export interface Recorded {
  /** Ids of its containers. */
  readonly containers: readonly string[];
  /** Environments with which its gates were passed. */
  readonly gates: readonly Readonly<Record<string, string>>[];
}

export interface Engine {
  readonly version: string;
  /** Oldest version of the API that it still speaks, such as 1.12. */
  readonly minApiVersion: string;
  readonly cgroupVersion: string;
  readonly defaultRuntime: string;
  /** Whether the kernel can limit a container's memory; Docker drops the limit where not. */
  readonly limitsMemory: boolean;
  readonly rootDirectory: string;
  readonly securityOptions: readonly string[];
  readonly containers: readonly SeenContainer[];
  /** Names with tags, and names with digests. */
  readonly images: readonly string[];
  /** What the registries say of the images that are not there; nothing where they were not asked. */
  readonly pulls?: Readonly<Record<string, PullAnswer>>;
  /** Whether it keeps images in containerd's store. */
  readonly containerdStore?: boolean;
  readonly volumes: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[];
}

export interface SeenContainer {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  /** ISO 8601. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly mountSources: readonly string[];
  readonly publishedPorts: readonly number[];
  /** Whether it has processes. */
  readonly runs: boolean;
  /** What else is known of a container that a stack of this project made. */
  readonly made?: Omit<FoundContainer, "component" | "name" | "image">;
}

export interface Here {
  /** IPv4 only. */
  readonly addresses: readonly string[];
  readonly listeners: readonly Listener[];
  /** Bytes free where the Docker Engine keeps its data; absent where that cannot be read. */
  readonly freeBytes?: number;
  /** Whether this machine lacks a capability that a privileged container asks for. */
  readonly lacksCapabilities: boolean;
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** The process that listens, or undefined where only root may see it. */
  readonly holder?: { readonly pid: number; readonly command: string; readonly containerId?: string };
}

const gigabyte = 1024 ** 3;

/**
 * Checks the host before the first change, in preview too. Creates nothing.
 * @returns this stack's containers as they are.
 * @throws pulumi.RunError that lists every error found.
 */
export async function preflight(configuration: Configuration): Promise<{ found: FoundContainer[] }> {
  if (!configuration.preflight) {
    return { found: [] };
  }
  const owner = { project: pulumi.getProject(), stack: pulumi.getStack() };
  // Node ends when nothing keeps it waiting, and a program that ended before it declared anything would be taken for one
  // that wants nothing: `up` would delete the cluster.
  const alive = setInterval(() => {}, 1_000);
  const seen = await look(configuration, readState()).finally(() => clearInterval(alive));
  const findings = judge(configuration, seen, owner);
  for (const { level, text } of findings) {
    if (level === "warning") {
      await pulumi.log.warn(text);
    } else if (level === "note") {
      await pulumi.log.info(text);
    }
  }
  const errors = findings.filter(({ level }) => level === "error");
  if (errors.length > 0) {
    throw refusal("The cluster cannot run here yet; nothing was changed:", errors.map(({ text }) => text));
  }
  return { found: ownContainers(seen, owner) };
}

/** What Pulumi's state says, asked of the engine as a StackReference asks, but without becoming a step of each preview. */
async function readState(): Promise<Recorded | undefined> {
  try {
    const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
    const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName });
    const resources = Object.values(outputs as Record<string, { type: string; outputs: Record<string, any> }>);
    const ofType = (type: string) => resources.filter((resource) => resource.type === type).map(({ outputs }) => outputs);
    return {
      containers: ofType("docker:index/container:Container").map(({ id }) => id),
      gates: ofType("command:local:Command").flatMap(({ environment }) => (environment?.CONTAINER_ID ? [environment] : [])),
    };
  } catch {
    // An engine that does not know the question: then labels alone tell what is ours.
    return undefined;
  }
}

/** The containers of this stack: by their labels, and in its state. */
function ownContainers({ engine, recorded }: Seen, owner: Owner): FoundContainer[] {
  return (engine?.containers ?? [])
    .filter((container) => isOurs(container, recorded, owner))
    .flatMap(({ name, image, labels, made }) => (made ? [{ component: labels[labelKeys.component], name, image, ...made }] : []));
}

interface Owner {
  readonly project: string;
  readonly stack: string;
}

function bearsLabels(labels: Readonly<Record<string, string>>, owner: Owner): boolean {
  return labels[labelKeys.project] === owner.project && labels[labelKeys.stack] === owner.stack;
}

function isOurs({ id, labels }: SeenContainer, recorded: Recorded | undefined, owner: Owner): boolean {
  return bearsLabels(labels, owner) && (recorded?.containers.includes(id) ?? true);
}

/** What the findings are, given what was seen. */
export function judge(configuration: Configuration, seen: Seen, owner: Owner): Finding[] {
  const { host, cluster } = configuration;
  if (!seen.engine) {
    return [{ level: "error", text: engineSentence(host.dockerHost, seen.engineProblem) }];
  }
  const { engine, here } = seen;
  const imageSet = cluster.imageSet;
  const programs = [
    { key: "zookeeper", program: "ZooKeeper", args: cluster.zookeeper, image: imageSet.zookeeper },
    { key: "mesosMaster", program: "the Mesos master", args: cluster.mesosMaster, image: imageSet.mesosMaster },
    { key: "mesosSlave", program: "the Mesos slave", args: cluster.mesosSlave, image: imageSet.mesosSlave },
    { key: "marathon", program: "Marathon", args: cluster.marathon, image: imageSet.marathon },
  ];
  const findings: Finding[] = [];
  const error = (text: string) => findings.push({ level: "error", text });
  const warning = (text: string) => findings.push({ level: "warning", text });
  const note = (text: string) => findings.push({ level: "note", text });
  const own = (container: SeenContainer) => isOurs(container, seen.recorded, owner);

  // Names.
  for (const container of engine.containers.filter((container) => !own(container))) {
    const program = programs.find(({ args }) => args.containerName === container.name);
    if (bearsLabels(container.labels, owner)) {
      error(
        `the container ${container.name} (${whose(container)}) bears this stack's labels, but is not in its state: it belongs to a stack of the same name ` +
          "in another clone, whose data this one would take for its own, or an `up` that was cut off left it. Go on in that clone, " +
          "choose another name for this stack (pulumi stack init NAME), or let npm run recover mend it",
      );
    } else if (program) {
      error(
        `the container name ${container.name} (mesos-marathon:${program.key}Name) is taken by a container that this stack did not make ` +
          `(${whose(container)}): remove or rename that one, or choose another name: pulumi config set ${program.key}Name NAME`,
      );
    }
  }
  const volumePrefix = `${owner.project}-${owner.stack}-cluster-`;
  for (const { name, labels } of engine.volumes) {
    // Another stack's name may begin with this one's.
    const isOwnName = name.startsWith(volumePrefix) && /^(zookeeper|mesos-master|mesos-slave|marathon)-\w+$/.test(name.slice(volumePrefix.length));
    if (isOwnName && !bearsLabels(labels, owner)) {
      error(`the volume ${name} would be taken for this stack's, but does not bear its labels: rename or remove it`);
    }
  }

  // Ports, address, disk, capabilities: what only the host can tell.
  if (here) {
    // Only root sees who listens. To others what listens while this stack runs is this stack.
    const runs = engine.containers.some((container) => own(container) && container.runs);
    for (const { key, program, args, image } of programs) {
      const listener = here.listeners.find(
        ({ address, port }) => port === args.port && (!image.listensOnAddressOnly || [host.address, "0.0.0.0", "::"].includes(address)),
      );
      const by = listener && holderOf(listener, engine.containers);
      const isOurPort = by ? by.container && own(by.container) : runs;
      if (listener && !isOurPort) {
        error(
          `port ${args.port} of ${listener.address} (mesos-marathon:${key}Port, for ${program}) is held by ${by?.words ?? "a process that only root can see"}: ` +
            `end that, or choose another port: pulumi config set ${key}Port PORT`,
        );
      }
    }
    if (!host.address.startsWith("127.") && !here.addresses.includes(host.address)) {
      error(
        `${host.address} (mesos-marathon:address) is not an address of this host, which has ${here.addresses.join(", ")}: ` +
          "write one of these: pulumi config set address ADDRESS",
      );
    }
    if (here.freeBytes !== undefined && here.freeBytes < 2 * gigabyte) {
      const text = `${(here.freeBytes / gigabyte).toFixed(1)} GiB are free in ${engine.rootDirectory}, where Docker keeps its data: make room`;
      (here.freeBytes < gigabyte / 2 ? error : warning)(text);
    }
    if (here.lacksCapabilities && engine.defaultRuntime === "runc") {
      error(
        "this machine lacks a capability that privileged containers ask for, so the Mesos slave cannot start: " +
          "give the machine all capabilities, or let `npm run up` start a Docker Engine that asks for fewer",
      );
    }
  } else {
    note("ports, addresses, disk and capabilities of the Docker host cannot be seen from here and were not checked");
  }

  // Images.
  const major = Number.parseInt(engine.version, 10);
  const absent = programs.map(({ image }) => image.image).filter((image) => !engine.images.includes(image));
  if (absent.length > 0 && imageSet.builtHere) {
    error(`the Docker Engine has no image ${absent.join(", ")}, and no registry has: build the ${imageSet.name} images with npm run up -- --stack rehearsal`);
  } else if (absent.length > 0 && imageSet.needs.newestPullingEngine !== undefined && major > imageSet.needs.newestPullingEngine) {
    error(
      `Docker Engine ${engine.version} does not pull images as old as ${absent.join(", ")} (manifest schema 1): ` +
        `pull them with an Engine up to ${imageSet.needs.newestPullingEngine} and carry them over with npm run images -- save FILE, and load FILE`,
    );
  } else if (absent.length > 0) {
    const notAsked: PullAnswer = { answer: "has it", words: "" };
    findings.push(...pullFindings(configuration, Object.fromEntries(absent.map((image) => [image, engine.pulls?.[image] ?? notAsked]))));
  }
  if (absent.length > 0 && imageSet.fromSources) {
    note(
      `the image set ${imageSet.name} was put together from the images' sources; nobody has been seen to run it with this stack` +
        (imageSet.limits.length > 0 ? `. Known limits: ${imageSet.limits.join("; ")}` : ""),
    );
  }

  // What has drifted, and what the slave's kept state does not allow.
  const found = ownContainers(seen, owner);
  for (const { name, drift } of found) {
    if (drift) {
      warning(`the container ${name} is not as it should be (${drift}): \`up\` brings it back and waits until it is ready`);
    }
  }
  const slave = found.find(({ component, drift }) => component === "mesos-slave" && !drift);
  const refused = slave ? incompatibilities(slave.environment, configuration) : [];
  if (refused.length > 0) {
    error(
      `the Mesos slave would end at every start, as its kept state forbids that ${refused.join(", and that ")}: set it back, or let it begin anew ` +
        "with `pulumi destroy`, then `pulumi up`. All tasks end, data stays, and the apps start afresh",
    );
  }

  // What the Mesos slave needs of its host.
  const { cgroupVersion, dockerClientApi, newestContainerdStoreEngine } = imageSet.needs;
  if (cgroupVersion && engine.cgroupVersion !== cgroupVersion) {
    error(
      `Mesos ${imageSet.mesosSlave.version} needs cgroup v${cgroupVersion}, and this host has v${engine.cgroupVersion}: ` +
        "the slave would end at every start. Use a host with cgroup v1, or boot with systemd.unified_cgroup_hierarchy=0 where systemd still knows it",
    );
  }
  if (dockerClientApi && compareVersions(dockerClientApi, engine.minApiVersion) < 0) {
    error(
      `the docker client in ${imageSet.mesosSlave.image} speaks API ${dockerClientApi}, and Docker Engine ${engine.version} answers from ${engine.minApiVersion} on: ` +
        `no task would start. Use Docker Engine ${compareVersions(dockerClientApi, "1.24") < 0 ? "24 or older, or 25 with DOCKER_MIN_API_VERSION=1.12" : `28 or older, or 29 with DOCKER_MIN_API_VERSION=${dockerClientApi}`} in its environment`,
    );
  }
  if (newestContainerdStoreEngine !== undefined && engine.containerdStore && major > newestContainerdStoreEngine) {
    error(
      `Docker Engine ${engine.version} keeps images in containerd's store and tells Mesos less of them than it needs: no Docker task would start. ` +
        'Put "features": {"containerd-snapshotter": false} into its daemon.json',
    );
  }
  for (const { key } of engine.limitsMemory ? [] : programs.filter(({ args }) => args.memory)) {
    error(
      `the Docker host's kernel cannot limit memory, and mesos-marathon:${key}Memory asks for it: ` +
        `boot it with cgroup_enable=memory, or take the limit away: pulumi config rm ${key}Memory`,
    );
  }
  if (engine.securityOptions.some((option) => /name=(rootless|userns)/.test(option))) {
    error("the Docker Engine runs rootless or with user namespaces, and the Mesos slave needs a privileged container of the real root: use an Engine without");
  }
  // Tasks of this stack, and of other stacks of this project, whose slaves spare each other's.
  const slaves = engine.containers.filter(({ labels, made }) => made && labels[labelKeys.component] === "mesos-slave");
  const workDirs = [`/${volumePrefix}mesos-slave-work/`, ...slaves.flatMap(({ mountSources }) => mountSources.map((source) => `${source}/slaves/`))];
  const foreign = engine.containers.filter(
    ({ name, mountSources }) =>
      /^mesos-([0-9a-f-]+-S\d+\.)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.test(name) &&
      !mountSources.some((source) => workDirs.some((workDir) => source.includes(workDir))),
  );
  if (foreign.length > 0) {
    warning(
      `${foreign.map(({ name }) => name).join(", ")}: tasks of another Mesos slave, it seems. This cluster leaves them alone; ` +
        "the other slave, when it starts on kept state, stops this cluster's tasks unless its MESOS_DOCKER_KILL_ORPHANS is false",
    );
  }
  const slaveIsThere = slaves.some(own);
  for (const { name, labels, made } of slaves.filter((container) => !own(container))) {
    const shared = sharedPorts(cluster.mesosSlave.resources ?? "", variable("MESOS_RESOURCES", made?.environment ?? []) ?? "");
    if (shared) {
      const text =
        `the ports ${shared} are offered to tasks by the Mesos slave ${name} of stack ${labels[labelKeys.stack]}, and by this stack's ` +
        "(mesos-marathon:mesosSlaveResources): two tasks would get the same port. ";
      if (slaveIsThere) {
        warning(`${text}A slave that runs cannot give up ports and keep its id and tasks: plan new ones for one of the two`);
      } else {
        error(`${text}Give this one others, such as ports:[30000-30999]: pulumi config set mesosSlaveResources RESOURCES`);
      }
    }
  }

  // Exposure.
  const open = programs.filter(({ image }) => !host.address.startsWith("127.") || !image.listensOnAddressOnly);
  if (open.length > 0) {
    warning(exposure(open, host.address));
  }
  if (cluster.onDestroy === "erase") {
    warning(
      "mesos-marathon:onDestroy is erase: the next destroy deletes every app and the volumes with all data of the cluster; " +
        "until then an up that replaces or drops a volume deletes that one, too",
    );
  }
  return findings;
}

function exposure(open: readonly { program: string; args: { port?: number }; image: ServiceImage }[], address: string): string {
  const loopback = address.startsWith("127.");
  const listening = open.map(({ program, args }) => `${program.replace("the ", "")} (${args.port})`).join(", ");
  return loopback
    ? `without a password and open to every network of this host: ${listening}, because the image cannot be told to listen on ${address} only. Who reaches it can change what Mesos and Marathon do: close the port in the firewall`
    : `without a password and open to whoever reaches ${address}: ${listening}. Who reaches Marathon can start privileged containers on this host`;
}

function engineSentence(dockerHost: string, problem: Seen["engineProblem"]): string {
  const cure: Record<string, string> = {
    ENOENT: "there is no such socket: start Docker (systemctl start docker), or let `npm run up` install it",
    EACCES: "no permission: run as a member of the group docker, or as root",
    ECONNREFUSED: "nothing listens there: start Docker (systemctl start docker)",
    ECONNRESET: "it hung up, or was silent for five seconds: look at its log (journalctl -u docker)",
    ENOTFOUND: "there is no host of that name",
  };
  return (
    `the Docker Engine at ${dockerHost} does not answer; ${cure[problem?.code ?? ""] ?? problem?.message ?? "no answer in time"}. ` +
    "Another Engine: pulumi config set dockerHost unix:///path, or DOCKER_HOST"
  );
}

function holderOf(listener: Listener, containers: readonly SeenContainer[]) {
  const published = containers.find(({ publishedPorts }) => publishedPorts.includes(listener.port));
  const container = published ?? containers.find(({ id }) => id === listener.holder?.containerId);
  if (container) {
    return { container, words: `the container ${container.name} (${whose(container)})` };
  }
  return listener.holder && { container: undefined, words: `${listener.holder.command} (process ${listener.holder.pid})` };
}

/** The first range of ports that both offer, such as 31000-32000; "" for none. Resources as Mesos takes them. */
function sharedPorts(resources: string, others: string): string {
  const shared = offeredPorts(resources).flatMap(([from, to]) =>
    offeredPorts(others).map(([otherFrom, otherTo]) => [Math.max(from, otherFrom), Math.min(to, otherTo)]),
  );
  return shared.find(([from, to]) => from <= to)?.join("-") ?? "";
}

/** Whose a container is, as far as Docker knows. */
function whose({ id, image, created, labels }: SeenContainer): string {
  const compose = labels["com.docker.compose.project"];
  return [
    id.slice(0, 12),
    `image ${image}`,
    `created ${created}`,
    ...(labels[labelKeys.stack] ? [`of stack ${labels[labelKeys.stack]} of project ${labels[labelKeys.project]}`] : []),
    ...(compose ? [`of Docker Compose project ${compose}`] : []),
  ].join(", ");
}

/**
 * Why a Mesos slave would end at every start on the state that it keeps. Under Mesos's additive policy resources may grow
 * and attributes be added or get other values; without it nothing may change (seen on Mesos 1.11.0).
 */
function incompatibilities(found: readonly string[], { host, cluster }: Configuration): string[] {
  const { environment, builtIn } = cluster.imageSet.mesosSlave;
  const additive = environment.MESOS_RECONFIGURATION_POLICY === "additive";
  const { port, resources, attributes } = cluster.mesosSlave;
  const changes = [
    { key: "address", before: variable("MESOS_HOSTNAME", found), now: host.address, allowed: () => false },
    { key: "mesosSlavePort", before: variable("MESOS_PORT", found) ?? builtIn.port, now: String(port), allowed: () => false },
    { key: "mesosSlaveResources", before: variable("MESOS_RESOURCES", found), now: resources, allowed: grows },
    { key: "mesosSlaveAttributes", before: variable("MESOS_ATTRIBUTES", found) ?? "", now: attributes, allowed: keepsNames },
  ];
  return changes.flatMap(({ key, before, now = "", allowed }) =>
    before === undefined || before === now || (additive && allowed(entries(before), entries(now)))
      ? []
      : [`mesos-marathon:${key} changes from ${before || "nothing"} to ${now || "nothing"}`],
  );
}

/** `cpus:2;ports:[1-2]` → name → value. */
function entries(text: string): Map<string, string> {
  return new Map(text.split(";").filter(Boolean).map((entry) => [entry.split(":")[0], entry.slice(entry.indexOf(":") + 1)]));
}

function keepsNames(before: Map<string, string>, now: Map<string, string>): boolean {
  return [...before.keys()].every((name) => now.has(name));
}

function grows(before: Map<string, string>, now: Map<string, string>): boolean {
  const ranges = (text: string) => [...text.matchAll(/(\d+)-(\d+)/g)].map(([, from, to]) => ({ from: Number(from), to: Number(to) }));
  return [...before].every(([name, value]) => {
    const next = now.get(name);
    // What is left out the slave finds out by itself, so nobody knows here.
    if (next === undefined) {
      return true;
    }
    return value.startsWith("[")
      ? ranges(value).every((old) => ranges(next).some(({ from, to }) => from <= old.from && old.to <= to))
      : Number(next) >= Number(value);
  });
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  return left[0] - right[0] || left[1] - right[1];
}

/** Looks at the Docker Engine and, where it is on this machine, at the machine. Nothing is created to try it. */
export async function look(configuration: Configuration, recorded?: Promise<Recorded | undefined>): Promise<Seen> {
  const { dockerHost } = configuration.host;
  const local = dockerHost.startsWith("unix://") && process.platform === "linux";
  const { cluster } = configuration;
  const ports = [cluster.zookeeper, cluster.mesosMaster, cluster.mesosSlave, cluster.marathon].map(({ port }) => Number(port));
  try {
    const [engine, listeners, lacksCapabilities] = await Promise.all([
      lookAtEngine(configuration, recorded),
      local ? lookAtListeners(ports) : [],
      local ? lookAtCapabilities() : false,
    ]);
    // Docker Desktop's socket is here, but its containers live in a virtual machine.
    if (!local || !existsSync(engine.rootDirectory)) {
      return { engine, recorded: await recorded };
    }
    const addresses = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family }) => family === "IPv4")
      .map(({ address }) => address);
    const freeBytes = await statfs(engine.rootDirectory).then(({ bavail, bsize }) => bavail * bsize, () => undefined);
    return { engine, recorded: await recorded, here: { addresses, listeners, freeBytes, lacksCapabilities } };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { engineProblem: { code, message } };
  }
}

async function lookAtEngine({ host, cluster }: Configuration, recorded?: Promise<Recorded | undefined>): Promise<Engine> {
  const { dockerEngine } = await import("../checks/docker.mjs");
  const docker = dockerEngine(host.dockerHost, 5_000);
  const [version, info, containers, images, { Volumes: volumes }, unready] = await Promise.all([
    docker.version(),
    docker.info(),
    docker.listContainers({ all: true }),
    docker.listImages(),
    docker.listVolumes(),
    recorded?.then((known) => askGates(known?.gates ?? [])),
  ]);
  const names = images.flatMap(({ RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])]);
  const absent = imagesOf(cluster.imageSet).filter((image) => !names.includes(image));
  const pulls = absent.length > 0 && !cluster.imageSet.builtHere ? await askRegistries(host, absent) : {};
  // They may have been removed meanwhile.
  const made = await Promise.all(
    containers.map(async ({ Id, Labels, ImageID }) => {
      if (!(labelKeys.project in Labels)) {
        return undefined;
      }
      const [container, image] = await Promise.all([
        docker.getContainer(Id).inspect().catch(() => undefined),
        docker.getImage(ImageID).inspect().catch(() => undefined),
      ]);
      return container && {
        environment: container.Config.Env,
        imageEnvironment: image?.Config.Env ?? [],
        memory: (container.HostConfig.Memory ?? 0) / 1024 ** 2,
        binds: (container.HostConfig.Binds ?? []).map((bind) => bind.split(":").slice(0, 2).join(":")),
        drift: driftOf(container.State, unready?.get(Id)),
      };
    }),
  );
  return {
    version: version.Version,
    minApiVersion: version.MinAPIVersion,
    cgroupVersion: info.CgroupVersion ?? "1",
    defaultRuntime: info.DefaultRuntime,
    limitsMemory: info.MemoryLimit !== false,
    rootDirectory: info.DockerRootDir,
    securityOptions: info.SecurityOptions ?? [],
    containers: containers.map(({ Id, Names, Image, Created, Labels, Mounts, Ports, State }, i) => ({
      id: Id,
      name: (Names[0] ?? "").replace(/^\//, ""),
      image: Image,
      created: new Date(Created * 1000).toISOString(),
      runs: ["running", "paused", "restarting"].includes(State),
      made: made[i],
      labels: Labels,
      mountSources: Mounts.map(({ Source }) => Source ?? ""),
      publishedPorts: Ports.flatMap(({ PublicPort }) => PublicPort ?? []),
    })),
    images: names,
    pulls,
    containerdStore: JSON.stringify(info.DriverStatus ?? []).includes("io.containerd.snapshotter"),
    volumes: (volumes ?? []).map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} })),
  };
}

/** What a variable is set to in a container's environment, if at all. */
function variable(name: string, environment: readonly string[]): string | undefined {
  return environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** Asks what the gates asked when they were passed: id of the container → why it is not ready any more. */
async function askGates(gates: Recorded["gates"]): Promise<Map<string, string>> {
  const { checks } = await import("../checks/checks.mjs");
  const answers = await Promise.all(
    gates.map(async (gate): Promise<[string, string][]> => {
      const { ready, asked, answer } = await checks[gate.COMPONENT](gate, AbortSignal.timeout(2_000));
      return ready ? [] : [[gate.CONTAINER_ID, `${asked}: ${answer}`]];
    }),
  );
  return new Map(answers.flat());
}

/**
 * What is wrong with a container of ours, if anything. Each time is another text, as each repair must be another change.
 * `runs since` is how a gate knows that it is still the process that was found.
 */
function driftOf(state: ContainerInspectInfo["State"], unready?: string): string | undefined {
  const seen = `seen at ${new Date().toISOString()}`;
  if (state.Paused) {
    return `paused, ${seen}`;
  }
  if (state.Restarting) {
    return `in a restart loop with exit code ${state.ExitCode}, ${seen}`;
  }
  if (!state.Running) {
    return state.Status === "created" ? `never started, ${seen}` : `stopped at ${state.FinishedAt} with exit code ${state.ExitCode}`;
  }
  return unready && `not ready, ${seen}: ${unready}; runs since ${state.StartedAt}`;
}

/** Who listens on these ports, from /proc (proc(5): /proc/net/tcp, state 0A is LISTEN). */
async function lookAtListeners(ports: readonly number[]): Promise<Listener[]> {
  const tables = await Promise.all(["tcp", "tcp6"].map((table) => readFile(`/proc/net/${table}`, "utf8").catch(() => "")));
  const sockets = tables.flatMap((table) =>
    table
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A")
      .map((fields) => ({ ...endpoint(fields[1]), inode: fields[9] }))
      .filter(({ port }) => ports.includes(port)),
  );
  if (sockets.length === 0) {
    return [];
  }
  const holders = await holdersOf(new Set(sockets.map(({ inode }) => inode)));
  return sockets.map(({ address, port, inode }) => ({ address, port, holder: holders.get(inode) }));
}

/** `0100007F:1538` → 127.0.0.1 and 5432; an IPv6 address that maps an IPv4 one is given as that. */
function endpoint(field: string): { address: string; port: number } {
  const [hex, port] = field.split(":");
  const bytes = Buffer.from(hex, "hex");
  const mapped = hex.length === 32 && hex.startsWith("0000000000000000FFFF0000");
  const address = hex.length === 8 || mapped ? [...bytes.subarray(-4)].reverse().join(".") : /^0+$/.test(hex) ? "::" : hex;
  return { address, port: Number.parseInt(port, 16) };
}

async function holdersOf(inodes: ReadonlySet<string>): Promise<Map<string, NonNullable<Listener["holder"]>>> {
  const holders = new Map<string, NonNullable<Listener["holder"]>>();
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  await Promise.all(
    pids.map(async (pid) => {
      // Processes end while we look, and others may not be looked at: both are no finding.
      const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
      const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
      for (const link of links) {
        const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
        if (inode && inodes.has(inode)) {
          const [command, cgroup] = await Promise.all(["comm", "cgroup"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")));
          holders.set(inode, { pid: Number(pid), command: command.trim(), containerId: /[0-9a-f]{64}/.exec(cgroup)?.[0] });
        }
      }
    }),
  );
  return holders;
}

/** Whether a capability known to the kernel is missing from the bounding set, and so from every container. */
async function lookAtCapabilities(): Promise<boolean> {
  const [status, last] = await Promise.all(["/proc/self/status", "/proc/sys/kernel/cap_last_cap"].map((file) => readFile(file, "utf8").catch(() => "")));
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  const all = (1n << (BigInt(last.trim() || "0") + 1n)) - 1n;
  // An unprivileged user's own bounding set says as little about Docker's as no answer does.
  return bounding !== undefined && last !== "" && (BigInt(`0x${bounding}`) & all) !== all;
}
