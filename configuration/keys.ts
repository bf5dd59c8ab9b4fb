import { imageSets, type Program } from "../components";
import { levels } from "../preflight/judge";

/** What a text must be. */
export interface Format {
  /** What it must look like. */
  readonly pattern?: RegExp;
  /** The only ones that there are, and what they are called. */
  readonly oneOf?: { readonly what: string; readonly values: readonly string[] };
  /** Bounds of an integer, both included. */
  readonly range?: readonly [from: number, to: number];
  /** What looks right and is wrong all the same, each with why. */
  readonly except?: readonly (readonly [wrong: RegExp, why: string])[];
  /** What to write instead of a wrong one, as the error says it. */
  readonly write: string;
}

/**
 * What the value of a key may be, alone. Pulumi.yaml declares type, default and description of the same keys; between.ts
 * has the rules that hold between keys. From both come Pulumi.schema.json and docs/configuration.md (`npm run docs`).
 */
export interface Rule extends Partial<Format> {
  /** What each name must be, where the value is an object. */
  readonly names?: Format;
  /** What each item must be, where the value is a list. */
  readonly items?: Format;
  /** Whether it must be set with `--secret`; anything else is refused. */
  readonly secret?: boolean;
  /** A value that is right and not the default. */
  readonly example: unknown;
}

/** The four programs, by the word that their keys begin with. */
export const programs = ["zookeeper", "mesosMaster", "mesosSlave", "marathon"] as const satisfies readonly Program[];
export type { Program };

const octet = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const label = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const anyAddress = `${octet}(\\.${octet}){3}`;
const scalarOrRanges = "(\\d+(\\.\\d+)?|\\[\\d+-\\d+(,\\d+-\\d+)*\\])";
const hostName = "([\\w.-]+|\\[[0-9a-fA-F:.]+\\])";
const portNumber = "(6553[0-5]|655[0-2]\\d|65[0-4]\\d\\d|6[0-4]\\d{3}|[1-5]\\d{4}|[1-9]\\d{0,3})";
const tooLong = "the path of a socket has at most 107 bytes; use one with a shorter path";
const twice = /(?:^|;)([\w.-]+):(?:.*;)?\1:/;

const containerName = (example: string): Rule => ({
  pattern: /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/,
  except: [
    [
      /^mesos-[0-9a-f]{8}-/,
      "names like mesos-<uuid> are those of Mesos tasks, and a recovering slave stops the ones it does not know; write another",
    ],
  ],
  write: "write a container name: letters, digits, _ . -, two to 128 of them, beginning with a letter or digit",
  example,
});

const port = (example: number): Rule => ({ range: [1, 65535], write: "write a port from 1 to 65535", example });

/** Ports that are another protocol's, so that no browser and no fetch speaks HTTP there (WHATWG, Fetch, "port blocking"). */
const blockedPorts =
  "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 " +
  "513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 " +
  "6669 6679 6697 10080";

const httpPort = (example: number): Rule => ({
  ...port(example),
  except: [[new RegExp(`^(${blockedPorts.replaceAll(" ", "|")})$`), "browsers, and the gates, refuse to speak HTTP on a port that is another protocol's; write another"]],
});

const memory = (example: number) =>
  ({
    range: [0, 1024 * 1024],
    except: [[/^[1-5]$/, "Docker takes no limit below 6 MiB; write more, or 0 for none"]],
    write: "write MiB from 6 to 1048576, or 0 for no limit",
    example,
  }) as const satisfies Rule;

const cpus = (example: string) => ({
  pattern: /^\d{1,4}(\.\d{1,2})?$/,
  write: "write a number of processors with at most two decimals, such as 0.5 or 2, or 0 for no limit",
  example,
});

const variableName: Format = { pattern: /^[A-Za-z_][A-Za-z0-9_]*$/, write: "write letters, digits and _, beginning with no digit" };
const zookeeperPath = (example: string) => ({
  pattern: /^(\/[\w.-]+)+$/,
  except: [
    [/\/\.\.?(\/|$)/, "ZooKeeper takes no . and no .. in a path; write it out"],
    [/^\/zookeeper(\/|$)/, "/zookeeper is ZooKeeper's own; write another"],
  ],
  write: "write an absolute path in ZooKeeper without a slash at its end, such as /mesos",
  example,
} as const);

const environment = (example: Readonly<Record<string, string>>) => ({ names: variableName, example });

const mount: Format = {
  pattern: /^(\/|(\/[^/:\x00-\x1f]+)+)(:(\/[^/:\x00-\x1f]+)+)(:ro)?$/,
  except: [[/\/\.\.?(\/|:|$)/, "a path with . or .. in it says in two ways where it leads; write it out"]],
  write: "write host path:container path, both absolute and without a slash at the end, and :ro behind what is only to be read",
};
const mounts = (example: readonly string[]) => ({ items: mount, example });

/** A resource that the slave would measure by itself where it is left out. (Mesos, `Containerizer::resources`.) */
const measured = (name: string, example: string) =>
  [
    new RegExp(`^(?!(.*;)?${name}:)`),
    `${name} is missing: the slave would measure it, and one whose resources change refuses to start on its kept state; add ${name}:${example}`,
  ] as const;

const imageSetNames = [...Object.keys(imageSets), "auto", "custom"];

/** Every key. A test holds them and Pulumi.yaml together. */
export const rules = {
  address: {
    pattern: new RegExp(`^${anyAddress}$`),
    except: [
      [/^0\./, "at 0.0.0.0 nobody can be reached; write the one address that slaves, frameworks and browsers use"],
      [/^127\.(0\.0\.0|255\.255\.255)$/, "127.0.0.0 and 127.255.255.255 stand for the whole loopback network; write 127.0.0.1"],
      [/^(22[4-9]|23\d)\./, "224.0.0.0 to 239.255.255.255 are multicast, no address of one host; write an address of the host"],
      [/^2(4\d|5[0-5])\./, "240.0.0.0 to 255.255.255.255 are reserved or broadcast, no address of one host; write an address of the host"],
    ],
    write: "write an IPv4 address of the host, such as 127.0.0.1",
    example: "192.0.2.7",
  },
  hostname: {
    pattern: new RegExp(`^(${anyAddress}|(?=.{1,253}$)(?!(.*\\.)?\\d+$)${label}(\\.${label})*)?$`),
    except: [[/^0\.0\.0\.0$/, "at 0.0.0.0 nobody can be reached; write what browsers use"]],
    write: "write a host name, such as cluster.example, or an IPv4 address",
    example: "cluster.example",
  },
  networkMode: {
    oneOf: { what: "network mode", values: ["host", "bridge"] },
    write: "write host or bridge",
    example: "bridge",
  },
  bridgeSubnet: {
    pattern: new RegExp(`^(?=10\\.|172\\.(1[6-9]|2\\d|3[01])\\.|192\\.168\\.|100\\.(6[4-9]|[7-9]\\d|1[01]\\d|12[0-7])\\.)${anyAddress}/(1[6-9]|2[0-8])$`),
    write: "write a private IPv4 subnet with 16 to 28 bits of prefix, such as 172.30.250.0/24",
    example: "172.30.251.0/24",
  },
  imageSet: {
    oneOf: { what: "image set", values: imageSetNames },
    write: `write ${imageSetNames.join(" or ")}`,
    example: "rehearsal",
  },
  customImageSet: {
    pattern: /^[^\x00-\x1f]*$/,
    write: "write the path of a JSON file, from the project's folder",
    example: "examples/custom-images.json",
  },
  imageRegistry: {
    // As Docker tells a registry's host from a folder: it has a dot or a port, or is localhost.
    pattern: new RegExp(
      `^((localhost|[a-z0-9-]+(\\.[a-z0-9-]+)+|[a-z0-9-]+(?=:)|\\[[0-9a-f:]+\\](?=:))(:${portNumber})?(/[a-z0-9]+((\\.|_{1,2}|-+)[a-z0-9]+)*)*)?$`,
    ),
    except: [
      [/^(index\.|registry-1\.)?docker\.io(\/|$)/, "Docker Hub takes no name in more than one folder; leave it empty, and each image comes from its own registry"],
    ],
    write: "write host, port and folders as in an image's name, without https://, such as registry.example:5000/mirror",
    example: "registry.example:5000/mirror",
  },
  imageRegistryUsername: { pattern: /^[^:\s\x00-\x1f]*$/, write: "write a name without colons and spaces", example: "me" },
  // Whatever it is: no error may show it.
  imageRegistryPassword: { secret: true, write: "write what the registry gave you, with --secret", example: "a-token" },
  followImageTags: { pattern: /^(true|false)$/, write: "write true or false", example: true },
  dockerHost: {
    pattern: new RegExp(
      `^(unix:///[^\\x00-\\x1f]+|tcp://${hostName}:${portNumber}(/[\\w./-]*)?|ssh://([^\\s/@]+@)?${hostName}(:${portNumber})?(/[\\w./-]*)?)?$`,
    ),
    except: [
      [/^unix:\/\/.{108}/, tooLong],
      [/^(tcp|ssh):\/\/[^/]+\/./, "nothing goes by a path behind the host; write tcp://host:port or ssh://user@host"],
      [/^ssh:\/\/[^/]*:[^/]*@/, "Docker takes no password in it; use an ssh key, and write ssh://user@host"],
    ],
    write: "write unix:///path/to/docker.sock, tcp://host:port or ssh://user@host",
    example: "ssh://me@192.0.2.7",
  },
  dockerSocket: {
    pattern: /^(\/[^:\s\x00-\x1f]*[^:\s\x00-\x1f/])?$/,
    except: [[/.{108}/, tooLong]],
    write: "write an absolute path without colons and spaces, such as /var/run/docker.sock",
    example: "/run/user/1000/docker.sock",
  },
  dataFolder: {
    pattern: /^((\/[^/:\s\x00-\x1f]+)+)?$/,
    except: [
      [/\/\.\.?(\/|$)/, "a path with . or .. in it says in two ways where it leads; write it out"],
      [/^\/(dev|proc|run|sys|tmp|var\/run)(\/|$)/, "what is there is gone when the machine starts anew; write another"],
    ],
    write: "write an absolute path without colons, spaces and a slash at its end, such as /srv/mesos, or nothing for volumes",
    example: "/srv/mesos",
  },
  restart: {
    pattern: /^(always|unless-stopped|no|on-failure(:\d+)?)$/,
    except: [
      [/^(no|on-failure)/, "the Mesos master and Marathon end by design when they lose their place, and count on being started again, after the machine's start too; write always or unless-stopped"],
    ],
    write: "write always or unless-stopped",
    example: "unless-stopped",
  },
  logMaxSize: { pattern: /^[1-9]\d{0,5}[kmg]$/, write: "write a number with k, m or g behind it, such as 10m", example: "50m" },
  logMaxFiles: { range: [1, 1000], write: "write how many files from 1 to 1000", example: 5 },
  labels: {
    names: {
      pattern: /^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$/,
      except: [
        [/^mesos-marathon(\.|$)/, "by mesos-marathon.… the stack knows what is its own; write another"],
        [/^((com|io)\.docker|org\.dockerproject)(\.|$)/, "com.docker.…, io.docker.… and org.dockerproject.… are Docker's, and Docker Compose takes what bears its labels for its own; write another"],
      ],
      write: "write letters, digits and . _ / - between them",
    },
    example: { "example.com/team": "payments" },
  },
  zookeeperName: containerName("zookeeper-2"),
  zookeeperPort: port(2182),
  zookeeperEnvironment: environment({ ZOO_TICK_TIME: "3000", JVMFLAGS: "-Xmx256m" }),
  zookeeperMounts: mounts(["/etc/zookeeper/jaas.conf:/etc/zookeeper/jaas.conf:ro"]),
  zookeeperCpus: cpus("0.5"),
  zookeeperMemory: memory(512),
  mesosZookeeperPath: zookeeperPath("/mesos-2"),
  mesosRole: {
    pattern: /^(\*|\w[\w.-]*)$/,
    write: "write a role as Mesos takes it: letters, digits, _ . -, beginning with none of the last two, or * for none",
    example: "batch",
  },
  mesosMasterName: containerName("mesos-master-2"),
  mesosMasterPort: httpPort(5055),
  mesosMasterEnvironment: environment({ MESOS_CLUSTER: "test" }),
  mesosMasterMounts: mounts(["/etc/mesos/credentials:/etc/mesos/credentials:ro"]),
  mesosMasterCpus: cpus("0.5"),
  mesosMasterMemory: memory(512),
  mesosSlaveName: containerName("mesos-slave-2"),
  mesosSlavePort: httpPort(5056),
  mesosSlaveEnvironment: environment({ MESOS_GC_DELAY: "2days" }),
  mesosSlaveMounts: mounts(["/etc/mesos/credential:/etc/mesos/credential:ro"]),
  mesosSlaveCpus: cpus("1"),
  mesosSlaveMemory: memory(1024),
  mesosSlaveResources: {
    pattern: new RegExp(`^[a-z_]+:${scalarOrRanges}(;[a-z_]+:${scalarOrRanges})*$`),
    except: [
      [twice, "a resource is there twice, and Mesos would add the two up; write it once"],
      measured("cpus", "2"),
      measured("mem", "2048"),
      measured("disk", "10240"),
      [/(^|;)(cpus|mem|disk):\[/, "cpus, mem and disk are amounts; write them as numbers"],
      [/(^|;)ports:\d/, "ports are ranges; write them as ports:[31000-32000]"],
    ],
    write: "write resources as Mesos takes them, such as cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
    example: "cpus:4;mem:8192;disk:20480;ports:[31000-31999]",
  },
  mesosSlaveAttributes: {
    pattern: /^([\w.-]+:[\w./-]+(;[\w.-]+:[\w./-]+)*)?$/,
    except: [[twice, "an attribute is there twice, and constraints see the first alone; write it once"]],
    write: "write attributes as Mesos takes them, such as rack:1;zone:a",
    example: "rack:1;zone:a",
  },
  mesosSlaveDockerClient: {
    pattern: /^(\/[^:\s\x00-\x1f]*[^:\s\x00-\x1f/])?$/,
    write: "write an absolute path without colons and spaces, such as /opt/docker-25.0/docker",
    example: "/opt/docker-25.0/docker",
  },
  mesosSlaveGeneration: { range: [1, 1000], write: "write a number from 1 to 1000", example: 2 },
  marathonName: containerName("marathon-2"),
  marathonPort: httpPort(8090),
  marathonZookeeperPath: zookeeperPath("/marathon-2"),
  marathonEnvironment: environment({ JAVA_OPTS: "-Xmx1g", MARATHON_FRAMEWORK_NAME: "marathon-2" }),
  marathonMounts: mounts(["/etc/marathon/plugins:/plugins:ro"]),
  marathonCpus: cpus("1"),
  marathonMemory: memory(1024),
  readyTimeout: { range: [1, 3600], write: "write seconds from 1 to 3600", example: 600 },
  onDestroy: { pattern: /^(keep|erase)$/, write: "write keep or erase", example: "erase" },
  acceptedWarnings: {
    items: {
      oneOf: { what: "warning", values: Object.keys(levels).filter((name) => levels[name] === "warning") },
      write: "write the name of a warning, as it stands in brackets at its end, such as low-disk",
    },
    example: ["low-disk", "zookeeper-listens-everywhere"],
  },
  preflight: { pattern: /^(true|false)$/, write: "write true or false", example: false },
} as const satisfies Readonly<Record<string, Rule>>;

export type Key = keyof typeof rules;

/** Every key, in the order in which they are declared and documented. */
export const keys = Object.keys(rules) as readonly Key[];
