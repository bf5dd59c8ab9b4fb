import type { FoundContainer } from "../components";
import type { Platform } from "../components/platforms";
import { labelKeys } from "../components/service";
import type { SeenClient } from "./docker-client";
import type { PullAnswer } from "./pullable";

/** What was seen of a host. What only the host itself can tell is absent where Pulumi runs elsewhere. */
export interface Seen {
  /** Why the Docker Engine did not answer; then nothing else is known of it. */
  readonly engineProblem?: { readonly code?: string; readonly message: string; /** Of a file that could not be read. */ readonly path?: string };
  readonly engine?: Engine;
  readonly here?: Here;
  /** Absent where Pulumi does not tell. */
  readonly recorded?: Recorded;
  /** What the host's name leads to; absent where it is called by an address. */
  readonly resolved?: { readonly addresses: readonly string[] } | { readonly problem: string };
}

/** What Pulumi's state of this stack knows. */
export interface Recorded {
  /** Its containers by id; adopted: started by hand, so that it bears no labels. */
  readonly containers: Readonly<Record<string, { readonly component: string; readonly adopted: boolean }>>;
  /** What was done with containers that were started by hand: component → variables of the command. */
  readonly adoptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The image set of the last `up` that was completed. */
  readonly imageSet?: string;
  /** Ids of its networks. */
  readonly networks: readonly string[];
  /** Environments with which its gates were passed. */
  readonly gates: readonly Readonly<Record<string, string>>[];
  /** Component → name of its image. */
  readonly images: Readonly<Record<string, string>>;
}

export interface Engine extends Platform {
  readonly defaultRuntime: string;
  /** Whether the kernel can limit a container's memory; Docker drops the limit where not. */
  readonly limitsMemory: boolean;
  /** All the memory that containers can have; absent where it does not tell. */
  readonly memoryBytes?: number;
  /** Seconds by which its clock is ahead of this machine's; negative where it is behind. */
  readonly clockAhead: number;
  /** In words, such as Docker Desktop. */
  readonly operatingSystem: string;
  /** Whether the kernel passes packets on to containers in networks of their own. */
  readonly forwardsPackets: boolean;
  /** Whether it was asked over TCP with neither TLS nor ssh. */
  readonly withoutTls: boolean;
  /** Plugins that are asked about each request. */
  readonly authorizationPlugins: readonly string[];
  readonly bridges: readonly SeenBridge[];
  /** Whether the kernel can limit a container's processors; Docker makes no container with such a limit where not. */
  readonly limitsCpus: boolean;
  /** How many processors it has. Docker makes no container with a limit above it. */
  readonly cpus: number;
  readonly rootDirectory: string;
  readonly securityOptions: readonly string[];
  readonly containers: readonly SeenContainer[];
  /** Names with tags, and names with digests → id. */
  readonly images: Readonly<Record<string, string>>;
  /** What the registries say of the images that are not there, or that are to be followed; nothing where they were not asked. */
  readonly pulls?: Readonly<Record<string, PullAnswer>>;
  readonly volumes: readonly SeenVolume[];
}

export interface SeenVolume {
  readonly name: string;
  /** As Docker calls it, ISO 8601: to Docker Engine 20.10 the last change in the volume (seen). Absent where it does not tell. */
  readonly createdAt?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A network of Docker's that is a bridge on the host. */
export interface SeenBridge {
  readonly id: string;
  readonly name: string;
  /** ISO 8601; absent where Docker does not tell. */
  readonly created?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** IPv4 only. */
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
  /** What it is called among the host's own devices. */
  readonly device: string;
}

export interface SeenContainer {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  /** ISO 8601. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly mountSources: readonly string[];
  /** TCP only. */
  readonly publishedPorts: readonly { readonly address: string; readonly port: number }[];
  /** Whether it has processes. */
  readonly runs: boolean;
  /** What else is known of a container that a stack of this project made, or adopted. */
  readonly made?: Omit<FoundContainer, "component" | "name" | "adopted">;
}

export interface Here {
  /** IPv4 only. */
  readonly addresses: readonly string[];
  readonly listeners: readonly Listener[];
  /** IPv4 only, and without the default route. */
  readonly routes: readonly { readonly subnet: string; readonly device: string }[];
  /** Bytes free where the Docker Engine keeps its data; absent where that cannot be read. */
  readonly freeBytes?: number;
  /** Whether this machine lacks a capability that a privileged container asks for. */
  readonly lacksCapabilities: boolean;
  /** Whether a cgroup v1 hierarchy with the controller `cpu` is mounted. */
  readonly mountsCpuCgroup?: boolean;
  /** Bytes of memory that programs can still have. */
  readonly availableBytes?: number;
  /** The docker client that the Mesos slave is to be given, where it is. */
  readonly dockerClient?: SeenClient;
  /** Paths of further mounts that are not there; absent where none is missing. */
  readonly missingPaths?: readonly string[];
  /** The machine's name, and the IPv4 address that it leads to, if any; absent where nobody goes by it. */
  readonly name?: { readonly name: string; readonly address?: string };
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** The process that listens, or undefined where only root may see it. */
  readonly holder?: { readonly pid: number; readonly command: string; readonly containerId?: string };
}

/** The stack that looks. */
export interface Owner {
  readonly project: string;
  readonly stack: string;
}

/** The containers of this stack. */
export function ownContainers({ engine, recorded }: Seen, owner: Owner): FoundContainer[] {
  return (engine?.containers ?? [])
    .filter((container) => isOurs(container, recorded, owner))
    .flatMap(({ id, name, labels, made }) => {
      const known = recorded?.containers[id];
      return made ? [{ component: known?.component ?? labels[labelKeys.component], name, ...made, ...(known?.adopted && { adopted: id }) }] : [];
    });
}

export function bearsLabels(labels: Readonly<Record<string, string>>, owner: Owner): boolean {
  return labels[labelKeys.project] === owner.project && labels[labelKeys.stack] === owner.stack;
}

/** Whether a container is in this stack's state; where Pulumi does not tell, whether it bears the stack's labels. */
export function isOurs({ id, labels }: SeenContainer, recorded: Recorded | undefined, owner: Owner): boolean {
  return recorded ? id in recorded.containers : bearsLabels(labels, owner);
}

/** A text whose times (ISO 8601) end with the second: Docker's have nine digits more, which nobody reads. */
export function inSeconds(text: string): string {
  return text.replaceAll(/(T\d\d:\d\d:\d\d)\.\d+Z/g, "$1Z");
}

/** Whose a container, network or volume is, as far as Docker knows; empty where it knows nothing. */
export function whose(thing: Pick<SeenVolume, "createdAt" | "labels"> & Partial<Pick<SeenContainer, "id" | "image" | "created">>): string {
  const { id, image, created, createdAt } = thing;
  const owner = ownerOf(thing);
  return [
    ...(id ? [id.slice(0, 12)] : []),
    ...(image ? [`image ${image}`] : []),
    ...(created ? [`created ${created}`] : []),
    ...(createdAt ? [`CreatedAt ${createdAt}`] : []),
    ...(owner ? [`of ${owner}`] : []),
  ].join(", ");
}

/** What something belongs to, in words, as its labels tell. */
function ownerOf({ labels }: Pick<SeenVolume, "labels">): string | undefined {
  const compose = labels["com.docker.compose.project"];
  const stack = labels[labelKeys.stack] && `stack ${labels[labelKeys.stack]} of project ${labels[labelKeys.project]}`;
  return stack || (compose && `Docker Compose project ${compose}`);
}

/** What is in the way, by what its containers belong to: one message for all of another stack's. Nobody's are each alone. */
export function byOwner<Item extends { readonly container: SeenContainer }>(items: readonly Item[]): { readonly owner?: string; readonly items: readonly Item[] }[] {
  const owners = [...new Set(items.map(({ container }) => ownerOf(container)))];
  return owners.flatMap((owner) => {
    const owned = items.filter(({ container }) => ownerOf(container) === owner);
    return owner ? [{ owner, items: owned }] : owned.map((item) => ({ items: [item] }));
  });
}

/** What a variable is set to in a container's environment, if at all. */
export function variable(name: string, environment: readonly string[]): string | undefined {
  return environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}
