import { flags } from "./flags";

/**
 * Image sets, as data: which image runs each program, which settings it takes under which environment variable,
 * where it keeps its state, and where its readiness is asked for.
 *
 * In a template, `{setting}` stands for a setting's value. An entry whose setting is not given, or equals what the
 * image does by itself (`builtIn`), is left out, so that a container gets no variable that changes nothing.
 */
export interface ServiceImage {
  /** Name of the image with its tag. */
  readonly image: string;
  /** Folder whose Dockerfile makes the image on the spot; no registry has it. Absent: it is pulled. */
  readonly builtFrom?: string;
  /** Version of the program in the image. */
  readonly version: string;
  /** Environment variable → template of its value. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the program does when a setting is not told: setting → value. */
  readonly builtIn: Readonly<Record<string, string>>;
  /** Settings that cannot be changed in this image: setting → its only value. */
  readonly fixed?: Readonly<Record<string, string>>;
  /** State that outlives the container: suffix of the volume's name → path in the container. */
  readonly data?: Readonly<Record<string, string>>;
  /** Bind mounts, `host path:container path`, with `:ro` behind it for reading only, as templates. */
  readonly mounts?: readonly string[];
  /** Whether the container runs in the host's pid namespace. */
  readonly hostPid?: boolean;
  /**
   * Whether it sees the host's cgroups as the host does: on cgroup v2 even a privileged container gets a namespace of its
   * own, in which the paths of other containers lead nowhere.
   */
  readonly hostCgroups?: boolean;
  /** Exit codes after which the program never comes up again by itself, with what they mean. */
  readonly finalExits?: Readonly<Record<string, string>>;
  /** Whether the program can be told to listen on one address only. */
  readonly listensOnAddressOnly: boolean;
  /** Environment variables that are settings of the program; absent where nobody has listed them. */
  readonly flags?: readonly string[];
  /**
   * Whether the start script hands these on as arguments. Everybody on the host sees them there, and the shell takes
   * values apart at spaces and reads `*`, `?` and `[` as names of files.
   */
  readonly flagsAsArguments?: boolean;
  /** What takes the place of the image's own command, behind its entrypoint; absent: nothing does. */
  readonly command?: readonly string[];
}

/** Paths of the Mesos HTTP endpoints that are asked; they moved between 0.23 and 1.x. */
export interface MesosEndpoints {
  /** At the master: lists the slaves with `active`. */
  readonly slaves: string;
  /** At the master: lists the frameworks with `active`. */
  readonly frameworks: string;
  /** At the slave: its own `id`. */
  readonly slaveState: string;
  /** At the master: ends a framework for good, told by `frameworkId`. */
  readonly teardown: string;
}

/** What a host must offer for the set's images to run; `platforms.ts` judges by it. */
export interface HostNeeds {
  /** cgroup version that the Mesos slave needs; absent: any. */
  readonly cgroupVersion?: "1" | "2";
  /** Architectures that there are images for, as images call them: amd64, arm64. Absent: any that an engine has. */
  readonly architectures?: readonly string[];
  /** Newest major version of the Docker Engine that can pull the images; absent: any. */
  readonly newestPullingEngine?: number;
  /** Newest version of the Docker API that the docker client in the slave's image speaks; absent: any that an engine asks for. */
  readonly dockerClientApi?: string;
  /**
   * Newest major version of the Docker Engine that may keep images in containerd's store: from 28 on such an engine leaves
   * `ContainerConfig` out of what it tells of an image, which Mesos reads before each Docker task. Absent: any.
   */
  readonly newestContainerdStoreEngine?: number;
}

export interface ImageSet {
  readonly name: string;
  /** True where Mesos and Marathon are not the real software. */
  readonly standIn: boolean;
  /** True where the set was put together from the images' sources, and nobody has been seen to run it with this stack. */
  readonly fromSources: boolean;
  /** What is known not to work, or to work otherwise than expected. */
  readonly limits: readonly string[];
  readonly endpoints: MesosEndpoints;
  readonly needs: HostNeeds;
  readonly zookeeper: ServiceImage;
  readonly mesosMaster: ServiceImage;
  readonly mesosSlave: ServiceImage;
  readonly marathon: ServiceImage;
}

/** Paths of Mesos 1.x, and of Mesos before it. */
export const endpoints: Readonly<Record<"1.x" | "0.x", MesosEndpoints>> = {
  "1.x": { slaves: "/master/slaves", frameworks: "/master/frameworks", slaveState: "/state", teardown: "/master/teardown" },
  "0.x": { slaves: "/master/state.json", frameworks: "/master/state.json", slaveState: "/state.json", teardown: "/master/teardown" },
};

const cgroups = "/sys/fs/cgroup:/sys/fs/cgroup";

/** What every Mesos slave is told; the work directory is the data volume's path on the host. */
const slaveEnvironment = {
  MESOS_HOSTNAME: "{hostname}",
  MESOS_IP: "{address}",
  MESOS_MASTER: "{zk}",
  MESOS_PORT: "{port}",
  MESOS_WORK_DIR: "{workDir}",
  MESOS_RESOURCES: "{resources}",
  MESOS_ATTRIBUTES: "{attributes}",
  MESOS_DEFAULT_ROLE: "{role}",
};

/** A docker client of the host's in place of the one in the image; Mesos hands its path on to executors that it starts itself. */
const mountedClient = { environment: { MESOS_DOCKER: "{dockerClient}" }, mount: "{dockerClient}:{dockerClient}:ro" };

const masterEnvironment = {
  MESOS_HOSTNAME: "{hostname}",
  MESOS_IP: "{address}",
  MESOS_QUORUM: "{quorum}",
  MESOS_ZK: "{zk}",
  MESOS_PORT: "{port}",
};

/** As the mesoscloud family starts Marathon, and `LIBPROCESS_IP`, where the master calls it back: no option of Marathon's sets that. */
const marathonEnvironment = {
  MARATHON_HOSTNAME: "{hostname}",
  MARATHON_HTTPS_ADDRESS: "{address}",
  MARATHON_HTTP_ADDRESS: "{address}",
  MARATHON_HTTP_PORT: "{port}",
  MARATHON_MASTER: "{mesosZk}",
  MARATHON_MESOS_ROLE: "{role}",
  MARATHON_ZK: "{zk}",
  LIBPROCESS_IP: "{address}",
};

/** The tutorial's images. Environment, volumes and versions: the Dockerfiles and READMEs of the mesoscloud repositories, 2015. */
const tutorial: ImageSet = {
  name: "tutorial",
  standIn: false,
  fromSources: true,
  limits: [
    "on the host's network ZooKeeper listens on every address, on port 2181 and no other",
    "replacing the slave's container ends its tasks",
  ],
  endpoints: endpoints["0.x"],
  needs: { cgroupVersion: "1", architectures: ["amd64"], newestPullingEngine: 25, dockerClientApi: "1.19", newestContainerdStoreEngine: 27 },
  zookeeper: {
    image: "mesoscloud/zookeeper:3.4.6-ubuntu-14.04",
    version: "3.4.6",
    environment: { MYID: "{id}", SERVERS: "{serverAddresses}" },
    builtIn: {},
    fixed: { port: "2181" },
    data: { data: "/tmp/zookeeper" },
    listensOnAddressOnly: false,
  },
  mesosMaster: {
    image: "mesoscloud/mesos-master:0.23.0-ubuntu-14.04",
    version: "0.23.0",
    // Before 0.27 a master refuses frameworks of roles that it was not told.
    environment: { ...masterEnvironment, MESOS_ROLES: "{role}" },
    builtIn: { port: "5050", role: "*" },
    data: { data: "/tmp/mesos" },
    listensOnAddressOnly: true,
    flags: flags.mesosMaster["0.23.0"],
  },
  mesosSlave: {
    image: "mesoscloud/mesos-slave:0.23.0-ubuntu-14.04",
    version: "0.23.0",
    environment: { ...slaveEnvironment, ...mountedClient.environment },
    builtIn: { port: "5051", attributes: "", role: "*" },
    mounts: [cgroups, "{dockerSocket}:/var/run/docker.sock", mountedClient.mount],
    listensOnAddressOnly: true,
    flags: flags.mesosSlave["0.23.0"],
  },
  marathon: {
    image: "mesoscloud/marathon:0.10.1-ubuntu-14.04",
    version: "0.10.1",
    environment: marathonEnvironment,
    builtIn: { port: "8080", role: "*" },
    listensOnAddressOnly: true,
    flags: flags.marathon["0.10.1"],
    flagsAsArguments: true,
  },
};

/** As the official image of ZooKeeper 3.5 and later is told; 31z4/zookeeper-docker has its entrypoint. */
const officialZooKeeper = {
  environment: {
    ZOO_MY_ID: "{id}",
    ZOO_SERVERS: "{serverSpecifications}",
    // ZooKeeper's AdminServer would take Marathon's port 8080 on the host's network.
    ZOO_ADMINSERVER_ENABLED: "false",
  },
  builtIn: {},
  data: { data: "/data", datalog: "/datalog" },
  listensOnAddressOnly: true,
  flags: flags.zookeeper,
};

/** What a slave of Mesos 1.5 and later is told, beside what every one is. */
const slaveEnvironment1 = {
  ...slaveEnvironment,
  MESOS_CONTAINERIZERS: "docker,mesos",
  MESOS_EXECUTOR_REGISTRATION_TIMEOUT: "5mins",
  MESOS_SYSTEMD_ENABLE_SUPPORT: "false",
  // From 1.0 on a slave that starts on kept state would otherwise stop the tasks of every other slave on its host:
  // those in Docker containers, and those in cgroups below the same root (Mesos, issue MESOS-9960).
  MESOS_DOCKER_KILL_ORPHANS: "false",
  MESOS_CGROUPS_ROOT: "{cgroupsRoot}",
  MESOS_RECONFIGURATION_POLICY: "additive",
};

/**
 * Mesos 1.x with executors in containers of their own, and the slave in the host's pid namespace, so that tasks outlive
 * the slave's container (seen on Mesos 1.11.0). Such an executor gets the slave's image and none of its mounts.
 */
const slaveWithExecutors = {
  environment: {
    ...slaveEnvironment1,
    MESOS_DOCKER_MESOS_IMAGE: "{image}",
    MESOS_DOCKER_SOCKET: "{dockerSocket}",
    // They are on the host's network.
    MESOS_EXECUTOR_ENVIRONMENT_VARIABLES: '{"LIBPROCESS_IP":"{executorAddress}"}',
  },
  builtIn: { port: "5051", attributes: "", role: "*", dockerSocket: "/var/run/docker.sock" },
  mounts: [cgroups, "{dockerSocket}:{dockerSocket}"],
  hostPid: true,
  listensOnAddressOnly: true,
};

/** Marathon 1.7 and later. Its image runs as nobody, and tasks would. */
const marathon1 = {
  environment: { ...marathonEnvironment, MARATHON_MESOS_USER: "root" },
  builtIn: { port: "8080", role: "*" },
  finalExits: {
    "110":
      "its framework was torn down at the master, and ZooKeeper still has the framework's id. Ways out: remove state/framework-id " +
      "and state/instance below Marathon's path in ZooKeeper, or erase the cluster (onDestroy) and begin anew",
  },
  listensOnAddressOnly: true,
};

/**
 * Mesos 1.7 and Marathon 1.8 in mesosphere's images, for Docker Engines that the tutorial's are too old for. Entrypoints:
 * mesosphere/docker-containers; Marathon's: build.sbt and CrashStrategy.scala of mesosphere/marathon at v1.8.222.
 */
const classic: ImageSet = {
  name: "classic",
  standIn: false,
  fromSources: true,
  limits: [
    // The slave's entrypoint takes no other command, so executors cannot run in containers of their own (MESOS_DOCKER_MESOS_IMAGE).
    "replacing the slave's container ends its tasks",
  ],
  endpoints: endpoints["1.x"],
  // Docker 17.05 is in the slave's image.
  needs: { cgroupVersion: "1", architectures: ["amd64"], dockerClientApi: "1.29", newestContainerdStoreEngine: 27 },
  zookeeper: { image: "zookeeper:3.6.4", version: "3.6.4", ...officialZooKeeper },
  mesosMaster: {
    image: "mesosphere/mesos-master:1.7.1",
    version: "1.7.1",
    environment: { ...masterEnvironment, MESOS_WORK_DIR: "/var/lib/mesos" },
    builtIn: { port: "5050" },
    data: { data: "/var/lib/mesos" },
    // The image's own is --registry=in_memory, which forgets the slaves.
    command: ["--registry=replicated_log"],
    listensOnAddressOnly: true,
    flags: flags.mesosMaster["1.7.1"],
  },
  mesosSlave: {
    image: "mesosphere/mesos-slave:1.7.1",
    version: "1.7.1",
    environment: { ...slaveEnvironment1, ...mountedClient.environment },
    builtIn: { port: "5051", attributes: "", role: "*" },
    mounts: [cgroups, "{dockerSocket}:/var/run/docker.sock", mountedClient.mount],
    listensOnAddressOnly: true,
    flags: flags.mesosSlave["1.7.1"],
  },
  marathon: { image: "mesosphere/marathon:v1.8.222", version: "1.8.222", ...marathon1, flags: flags.marathon["1.8.222"] },
};

/**
 * For hosts with cgroup v2 and today's Docker Engine, which no release of Apache's runs on: Mesos of its fork ClusterD, from
 * the vendor's packages by `modern/Dockerfile`, beside the last Marathon and the official ZooKeeper. From ClusterD 0.5 on the
 * slave reads of an image what Docker Engine 26 and later still tell, from 0.6 on cgroup v2 is a must, and 0.9 takes images
 * without an entrypoint, of which Docker Engine 29 says nothing. (m3scluster/clusterd, CHANGELOG.md, README.md,
 * `src/docker/docker.cpp` and `src/linux/cgroups.cpp` at v1.11.0-0.9.0; AVENTER-UG/mesos-mini.)
 */
const modern: ImageSet = {
  name: "modern",
  standIn: false,
  fromSources: true,
  limits: [
    "Mesos is its fork ClusterD 1.11.0-0.9.0, in images that are built on this machine from the vendor's packages",
    "tasks that are no Docker containers run without limits",
  ],
  endpoints: endpoints["1.x"],
  // Its docker client is one of Docker 28, which every Engine answers.
  needs: { cgroupVersion: "2", architectures: ["amd64"] },
  zookeeper: { image: "zookeeper:3.9.4", version: "3.9.4", ...officialZooKeeper },
  mesosMaster: {
    image: "mesos-marathon/clusterd-mesos-master:1.11.0-0.9.0",
    builtFrom: "modern",
    version: "1.11.0-0.9.0",
    environment: { ...masterEnvironment, MESOS_WORK_DIR: "/var/lib/mesos" },
    builtIn: { port: "5050" },
    data: { data: "/var/lib/mesos" },
    listensOnAddressOnly: true,
    flags: flags.mesosMaster["1.11.0-0.9.0"],
  },
  mesosSlave: {
    image: "mesos-marathon/clusterd-mesos-slave:1.11.0-0.9.0",
    builtFrom: "modern",
    version: "1.11.0-0.9.0",
    ...slaveWithExecutors,
    // The Linux launcher would make cgroups of its own below a hierarchy that systemd has.
    environment: { ...slaveWithExecutors.environment, MESOS_LAUNCHER: "posix" },
    hostCgroups: true,
    flags: flags.mesosSlave["1.11.0-0.9.0"],
  },
  marathon: { image: "mesosphere/marathon:v1.11.24", version: "1.11.24", ...marathon1, flags: flags.marathon["1.11"] },
};

/**
 * Images built by `rehearsal/`: ZooKeeper of Debian 12 behind the official ZooKeeper image's variables, stand-ins for
 * Mesos 1.11 and Marathon 1.11.
 */
const rehearsal: ImageSet = {
  name: "rehearsal",
  standIn: true,
  fromSources: false,
  limits: [],
  endpoints: endpoints["1.x"],
  needs: {},
  zookeeper: { image: "mesos-marathon/rehearsal-zookeeper:3.8.0", builtFrom: "rehearsal", version: "3.8.0", ...officialZooKeeper },
  mesosMaster: {
    image: "mesos-marathon/stand-in-mesos-master:1.11.0",
    builtFrom: "rehearsal",
    version: "1.11.0",
    environment: { ...masterEnvironment, MESOS_WORK_DIR: "/var/lib/mesos" },
    builtIn: { port: "5050" },
    data: { data: "/var/lib/mesos" },
    listensOnAddressOnly: true,
    flags: flags.mesosMaster["1.11.0"],
  },
  mesosSlave: {
    image: "mesos-marathon/stand-in-mesos-slave:1.11.0",
    builtFrom: "rehearsal",
    version: "1.11.0",
    ...slaveWithExecutors,
    flags: flags.mesosSlave["1.11.0"],
  },
  marathon: { image: "mesos-marathon/stand-in-marathon:1.11.0", builtFrom: "rehearsal", version: "1.11.0", ...marathon1, flags: flags.marathon["1.11"] },
};

/**
 * Whether a Mesos slave that starts on kept state stops every container whose name begins with `mesos-`, whatever comes
 * after that: the versions up to 0.22, and 1.0.0, 1.0.1 and 1.1 unless they are told to kill no orphans. The others look
 * at the rest of the name. (Mesos, `src/slave/containerizer/docker.cpp`, at the tags from 0.22.0 to 1.11.0.)
 */
export function stopsByPrefix({ version, environment }: ServiceImage): boolean {
  const [major, minor, patch] = version.split(".").map(Number);
  if (major === 0) {
    return minor < 23;
  }
  return major === 1 && (minor === 1 || (minor === 0 && patch < 2)) && environment.MESOS_DOCKER_KILL_ORPHANS !== "false";
}

/**
 * Whether the slave takes a docker client of the host's: where executors have containers of their own, these get its path
 * and not its mount.
 */
export function takesDockerClient({ environment }: ServiceImage): boolean {
  return Object.values(environment).some((template) => template.includes("{dockerClient}")) && !("MESOS_DOCKER_MESOS_IMAGE" in environment);
}

/** What the slave is told on a bridge network only. */
export const isForBridge = (template: string) => template.includes("{executorAddress}");

/** What a program would have to be told, where it is not on the host's network or called by the host's address, and no template asks for. */
export function unaskedSettings(imageSet: ImageSet, networkMode: "host" | "bridge"): { program: "mesosMaster" | "mesosSlave" | "marathon"; setting: string }[] {
  return (["mesosMaster", "mesosSlave", "marathon"] as const).flatMap((program) => {
    const templates = Object.values(imageSet[program].environment).join(" ");
    // Executors in containers of the slave's image are on the host's network.
    const settings = ["hostname", ...(networkMode === "bridge" && templates.includes("{image}") ? ["executorAddress"] : [])];
    return settings.filter((setting) => !templates.includes(`{${setting}}`)).map((setting) => ({ program, setting }));
  });
}

/** Every image set, by name. */
export const imageSets: Readonly<Record<string, ImageSet>> = { tutorial, classic, modern, rehearsal };

/** The images of a set, ZooKeeper's first. */
export function imagesOf(imageSet: ImageSet): string[] {
  return programsOf(imageSet).map(({ image }) => image);
}

/** Those of them that come from a registry. */
export function pulledImagesOf(imageSet: ImageSet): string[] {
  return programsOf(imageSet).filter(({ builtFrom }) => !builtFrom).map(({ image }) => image);
}

/** The folders whose Dockerfiles make the others. */
export function foldersOf(imageSet: ImageSet): string[] {
  return [...new Set(programsOf(imageSet).flatMap(({ builtFrom }) => builtFrom ?? []))];
}

function programsOf({ zookeeper, mesosMaster, mesosSlave, marathon }: ImageSet): ServiceImage[] {
  return [zookeeper, mesosMaster, mesosSlave, marathon];
}

/**
 * The same set, given out by another registry: the name of the images' own one is taken away and this one put in front,
 * `mesoscloud/zookeeper:3.4.6` → `registry.example:5000/mirror/mesoscloud/zookeeper:3.4.6`.
 * @param registry host, port and folders, as in an image's name
 */
export function fromRegistry(imageSet: ImageSet, registry: string): ImageSet {
  const renamed = ({ builtFrom, ...program }: ServiceImage): ServiceImage => ({ ...program, image: nameIn(registry, program.image) });
  return {
    ...imageSet,
    // Whoever copied them there may have converted them.
    needs: { ...imageSet.needs, newestPullingEngine: undefined },
    zookeeper: renamed(imageSet.zookeeper),
    mesosMaster: renamed(imageSet.mesosMaster),
    mesosSlave: renamed(imageSet.mesosSlave),
    marathon: renamed(imageSet.marathon),
  };
}

function nameIn(registry: string, image: string): string {
  if (image.startsWith(`${registry}/`)) {
    return image;
  }
  // As Docker tells a registry's host from a folder; what has neither is in Docker Hub's folder `library`.
  const [first, ...rest] = image.split("/");
  const path = rest.length > 0 && /[.:]|^localhost$/.test(first) ? rest : [first, ...rest];
  return [registry, ...(path.length === 1 ? ["library"] : []), ...path].join("/");
}
