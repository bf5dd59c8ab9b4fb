import { isIPv4 } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { posix } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { distance } from "fastest-levenshtein";

import { type ClusterArgs, type HostArgs, type ImageSet, imageSets } from "./components";
import { usualDockerHost } from "./docker-context";
import { refusal } from "./refusal";

/** The stack's configuration, whole and checked. */
export interface Configuration {
  readonly host: Required<HostArgs> & { readonly address: string; readonly dockerHost: string };
  readonly cluster: Required<Omit<ClusterArgs, "host" | "stopped">>;
  /** Whether the host is checked before the first change. */
  readonly preflight: boolean;
}

const project = "mesos-marathon";

/** Every key. Pulumi.yaml declares the same ones, with types, defaults and descriptions; a test holds the two together. */
export const keys = [
  "address",
  "imageSet",
  "dockerHost",
  "dockerSocket",
  "zookeeperName",
  "zookeeperPort",
  "mesosMasterName",
  "mesosMasterPort",
  "mesosSlaveName",
  "mesosSlavePort",
  "mesosSlaveResources",
  "mesosSlaveAttributes",
  "marathonName",
  "marathonPort",
  "readyTimeout",
  "onDestroy",
  "preflight",
] as const;
type Key = (typeof keys)[number];

/**
 * Reads the configuration of the stack that runs. `dockerHost` is the endpoint to use where the stack names none.
 * @throws pulumi.RunError that lists every problem: what is wrong, where it was set, what to write instead.
 */
export function loadConfiguration(dockerHost: () => string): Configuration {
  const config = new pulumi.Config(project);
  const { configuration, problems } = readConfiguration(
    (key) => config.get(key),
    Object.keys(pulumi.runtime.allConfig())
      .filter((key) => key.startsWith(`${project}:`))
      .map((key) => key.slice(project.length + 1)),
    dockerHost,
  );
  if (problems.length > 0) {
    throw refusal(`The configuration of stack ${pulumi.getStack()} cannot be used:`, problems);
  }
  return configuration;
}

/** The rules, apart from where values come from. `present` are the keys that somebody has set. */
export function readConfiguration(
  get: (key: Key) => string | undefined,
  present: readonly string[],
  dockerHost: () => string,
): { configuration: Configuration; problems: string[] } {
  const problems: string[] = [];
  const problem = (key: string, found: string, cure: string) =>
    problems.push(`${project}:${key} is ${JSON.stringify(found)}: ${cure}`);

  for (const key of present.filter((name) => !(keys as readonly string[]).includes(name))) {
    problems.push(`${project}:${key} is not a key of this project${nearest(key, keys)}; remove it: pulumi config rm ${key}`);
  }

  const text = (key: Key, rule: RegExp, cure: string): string => {
    const value = get(key) ?? "";
    if (!rule.test(value)) {
      problem(key, value, cure);
    }
    return value;
  };
  const integer = (key: Key, from: number, to: number, unit: string): number => {
    const value = get(key) ?? "";
    if (!/^-?\d+$/.test(value) || Number(value) < from || Number(value) > to) {
      problem(key, value, `write ${unit} from ${from} to ${to}`);
    }
    return Number(value);
  };
  const port = (key: Key) => integer(key, 1, 65535, "a port");
  const containerName = (key: Key): string => {
    const value = text(key, /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/, "write a container name: letters, digits, _ . -, two to 128 of them, beginning with a letter or digit");
    if (/^mesos-[0-9a-f]{8}-/.test(value)) {
      problem(key, value, "names like mesos-<uuid> are those of Mesos tasks, and a recovering slave stops the ones it does not know; write another");
    }
    return value;
  };

  const imageSetName = get("imageSet") ?? "";
  const imageSet: ImageSet | undefined = Object.hasOwn(imageSets, imageSetName) ? imageSets[imageSetName] : undefined;
  if (!imageSet) {
    problem("imageSet", imageSetName, `there is no such image set${nearest(imageSetName, Object.keys(imageSets))}; write ${Object.keys(imageSets).join(" or ")}`);
  }

  const address = get("address") ?? "";
  if (!isIPv4(address)) {
    problem("address", address, "write an IPv4 address of the host, such as 127.0.0.1");
  } else if (address === "0.0.0.0") {
    problem("address", address, "nobody can be reached at it; write the one address that slaves, frameworks and browsers use");
  }

  let endpoint = get("dockerHost") ?? "";
  try {
    endpoint ||= dockerHost();
  } catch (error) {
    problems.push((error as Error).message);
    endpoint = usualDockerHost;
  }
  if (!/^(unix:\/\/\/.|tcp:\/\/.|ssh:\/\/.)/.test(endpoint)) {
    const cure = "write unix:///path/to/docker.sock, tcp://host:port or ssh://user@host";
    if (get("dockerHost")) {
      problem("dockerHost", endpoint, cure);
    } else {
      problems.push(`DOCKER_HOST, or else the docker CLI's context, is ${JSON.stringify(endpoint)}: ${cure}, there or as ${project}:dockerHost`);
    }
  } else if (address.startsWith("127.") && isElsewhere(endpoint)) {
    problem("address", address, `the Docker Engine is on another machine (${endpoint}), whose own loopback cannot be reached from here; write that machine's IPv4 address`);
  }
  const dockerSocket = get("dockerSocket") || socketOnHost(endpoint);
  if (!posix.isAbsolute(dockerSocket) || /[:\s]/.test(dockerSocket)) {
    problem("dockerSocket", dockerSocket, "write an absolute path without colons and spaces, such as /var/run/docker.sock");
  }

  const resources = text(
    "mesosSlaveResources",
    /^[a-z_]+:(\d+(\.\d+)?|\[\d+-\d+(,\d+-\d+)*\])(;[a-z_]+:(\d+(\.\d+)?|\[\d+-\d+(,\d+-\d+)*\]))*$/,
    "write resources as Mesos takes them, such as cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
  );
  const attributes = text(
    "mesosSlaveAttributes",
    /^([\w.-]+:[\w./-]+(;[\w.-]+:[\w./-]+)*)?$/,
    "write attributes as Mesos takes them, such as rack:1;zone:a",
  );
  const program = (prefix: "zookeeper" | "mesosMaster" | "mesosSlave" | "marathon") => ({
    containerName: containerName(`${prefix}Name`),
    port: port(`${prefix}Port`),
  });
  const configuration: Configuration = {
    host: { address, dockerHost: endpoint, dockerSocket },
    cluster: {
      imageSet: imageSet ?? imageSets.tutorial,
      zookeeper: program("zookeeper"),
      mesosMaster: program("mesosMaster"),
      mesosSlave: { ...program("mesosSlave"), resources, attributes },
      marathon: program("marathon"),
      readyTimeout: integer("readyTimeout", 1, 3600, "seconds"),
      onDestroy: text("onDestroy", /^(keep|erase)$/, "write keep or erase") === "erase" ? "erase" : "keep",
    },
    preflight: text("preflight", /^(true|false)$/, "write true or false") === "true",
  };

  const { zookeeper, mesosMaster, mesosSlave, marathon } = configuration.cluster;
  const programs = { zookeeper, mesosMaster, mesosSlave, marathon };
  for (const [what, value] of [["Name", "containerName"], ["Port", "port"]] as const) {
    const holders = new Map<string, string>();
    for (const [prefix, args] of Object.entries(programs)) {
      const key = `${prefix}${what}`;
      const found = String(args[value]);
      const holder = holders.get(found);
      // What is no port at all has been told already.
      if (holder && found !== "NaN") {
        problem(key, found, `${project}:${holder} is the same; give each its own`);
      }
      holders.set(found, key);
    }
  }
  for (const [prefix, args] of Object.entries(programs)) {
    const fixed = imageSet?.[prefix as keyof typeof programs].fixed?.port;
    if (fixed && String(args.port) !== fixed && !Number.isNaN(args.port)) {
      problem(`${prefix}Port`, String(args.port), `the image set ${imageSetName} knows no other port than ${fixed}`);
    }
  }
  return { configuration, problems };
}

/**
 * The Docker Engine's socket as its own host sees it. Docker Desktop's socket in the home folder leads to a virtual
 * machine that has the usual one.
 */
function socketOnHost(endpoint: string): string {
  const path = endpoint.startsWith("unix://") ? endpoint.slice("unix://".length) : "";
  return path && !path.includes("/.docker/") ? path : "/var/run/docker.sock";
}

/** Whether an endpoint names another machine than this one. A tunnel to another one cannot be told from this one. */
function isElsewhere(endpoint: string): boolean {
  if (!/^(tcp|ssh):/.test(endpoint) || !URL.canParse(endpoint)) {
    return false;
  }
  const name = new URL(endpoint).hostname.replace(/^\[|\]$/g, "");
  const own = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  const isOwnName = ["localhost", hostname().toLowerCase().split(".")[0]].includes(name.toLowerCase().split(".")[0]);
  return !isOwnName && !name.startsWith("127.") && !own.includes(name);
}

/** `, did you mean …?` for a near miss, else nothing. */
function nearest(word: string, known: readonly string[]): string {
  const [best] = known
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  return best && best.edits <= Math.max(2, word.length / 3) ? `, did you mean ${best.candidate}?` : "";
}
