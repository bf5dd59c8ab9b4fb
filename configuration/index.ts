import { readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";

import * as pulumi from "@pulumi/pulumi";

import { type ClusterArgs, customImageSet, fromRegistry, type HostArgs, type ImageSet, imageSets, mispairings, type RegistryAuth } from "../components";
import { usualDockerHost } from "./docker-context";
import { type Key, keys, type Program, programs, type Rule, rules } from "./keys";
import { nearest } from "./nearest";
import { offeredPorts } from "./ports";
import { refusal } from "../components/refusal";
import { readVariables, variableFaults } from "./variables";

/** The stack's configuration, whole and checked. */
export interface Configuration {
  readonly host: Required<Omit<HostArgs, "registryAuth">> & {
    readonly address: string;
    readonly dockerHost: string;
    /** The password in the clear: it goes into a secret, and into questions to the Docker Engine. */
    readonly registryAuth?: RegistryAuth & { readonly password: string };
  };
  readonly cluster: Required<Omit<ClusterArgs, "host" | "found" | "currentImages">> & {
    readonly [name in Program]: Required<NonNullable<ClusterArgs[name]>>;
  };
  /** Whether an image that changed behind its unchanged tag replaces containers. */
  readonly followImageTags: boolean;
  /** Whether the host is checked before the first change. */
  readonly preflight: boolean;
}

const project = "mesos-marathon";

/**
 * Reads the configuration of the stack that runs.
 * @param dockerHost the endpoint to use where the stack names none
 * @param automatic which image set `auto` stands for on a host, of those whose images have these names
 * @throws pulumi.RunError that lists every problem: what is wrong, where it was set, what to write instead.
 */
export async function loadConfiguration(
  dockerHost: () => string,
  automatic: (host: Configuration["host"], sets: readonly ImageSet[]) => Promise<string>,
): Promise<Configuration> {
  const config = new pulumi.Config(project);
  const read = (imageSet = config.get("imageSet")) => {
    const { configuration, problems } = readConfiguration(
      (key) => (key === "imageSet" ? imageSet : config.get(key)),
      Object.keys(pulumi.runtime.allConfig())
        .filter((key) => key.startsWith(`${project}:`))
        .map((key) => key.slice(project.length + 1)),
      dockerHost,
      // Not in the SDK's types, but the one place that knows.
      (key) => (pulumi.runtime as unknown as { isConfigSecret(key: string): boolean }).isConfigSecret(`${project}:${key}`),
    );
    if (problems.length > 0) {
      throw refusal(`The configuration of stack ${pulumi.getStack()} cannot be used:`, problems);
    }
    return configuration;
  };
  const configuration = read();
  if (config.get("imageSet") !== "auto") {
    return configuration;
  }
  const registry = config.get("imageRegistry");
  const sets = Object.values(imageSets).map((imageSet) => (registry ? fromRegistry(imageSet, registry) : imageSet));
  return read(await automatic(configuration.host, sets));
}

/**
 * The rules, apart from where values come from. `present` are the keys that somebody has set, and `isSecret` tells those
 * of which a part was set with `--secret`.
 */
export function readConfiguration(
  get: (key: Key) => string | undefined,
  present: readonly string[],
  dockerHost: () => string,
  isSecret: (key: Key) => boolean = () => false,
): { configuration: Configuration; problems: string[] } {
  const problems: string[] = [];
  /** A value as it is told: without the password that somebody may have written into an endpoint. */
  const told = (found: string) => JSON.stringify(found.replace(/^(ssh:\/\/[^/]*?):[^/]*@/, "$1:…@"));
  const problem = (key: string, found: string, cure: string) => problems.push(`${project}:${key} is ${told(found)}: ${cure}`);

  for (const key of present.filter((name) => !(keys as readonly string[]).includes(name))) {
    problems.push(`${project}:${key} is not a key of this project${nearest(key, keys)}; remove it: pulumi config rm ${key}`);
  }

  for (const key of keys) {
    const value = get(key) ?? "";
    faults(rules[key], value).forEach((cure) => problem(key, value, cure));
  }

  const text = (key: Key) => get(key) ?? "";
  const address = text("address");
  const imageSetName = text("imageSet");
  const customFile = text("customImageSet");
  let imageSet: ImageSet | undefined = Object.hasOwn(imageSets, imageSetName) ? imageSets[imageSetName] : undefined;
  if (imageSetName === "custom") {
    const read = readCustomImageSet(customFile);
    read.problems.forEach((cure) => problem("customImageSet", customFile, cure));
    imageSet = read.imageSet;
  } else if (customFile) {
    problem("customImageSet", customFile, "only the image set custom reads it: pulumi config set imageSet custom, or remove it");
  }

  const [registry, username, password] = [text("imageRegistry"), text("imageRegistryUsername"), text("imageRegistryPassword")];
  // Pulumi.yaml cannot say `secret: true`: Pulumi then refuses the default of whoever sets none.
  if (password && !isSecret("imageRegistryPassword")) {
    problems.push(`${project}:imageRegistryPassword is in the clear: pulumi config set --secret imageRegistryPassword, and take a new one if others could read that`);
  }
  if (Boolean(username) !== Boolean(password)) {
    problems.push(`${project}:imageRegistry${username ? "Password" : "Username"} is missing: name and password go together`);
  }
  if ((username || password) && !registry) {
    problems.push(`${project}:imageRegistry is missing: name and password are shown to that registry only`);
  }

  let endpoint = text("dockerHost");
  try {
    endpoint ||= dockerHost();
  } catch (error) {
    problems.push((error as Error).message);
    endpoint = usualDockerHost;
  }
  const wrongEndpoint = faults(rules.dockerHost, endpoint);
  if (!text("dockerHost")) {
    for (const cure of wrongEndpoint) {
      problems.push(`DOCKER_HOST, or else the docker CLI's context, is ${told(endpoint)}: ${cure}, there or as ${project}:dockerHost`);
    }
  }
  if (wrongEndpoint.length === 0 && address.startsWith("127.") && isElsewhere(endpoint)) {
    problem("address", address, `the Docker Engine is on another machine (${endpoint}), whose own loopback cannot be reached from here; write that machine's IPv4 address`);
  }
  const dockerSocket = text("dockerSocket") || socketOnHost(endpoint);
  if (!text("dockerSocket") && wrongEndpoint.length === 0) {
    faults(rules.dockerSocket, dockerSocket).forEach((cure) => problem("dockerSocket", dockerSocket, cure));
  }

  const environment = (program: Program): Record<string, pulumi.Input<string>> => {
    const key = `${program}Environment` as const;
    const variables = readVariables(text(key) || "{}");
    if (!variables) {
      problems.push(`${project}:${key} is no object: write names of variables with their values below it`);
      return {};
    }
    const secret = isSecret(key);
    for (const [name, value] of Object.entries(variables)) {
      for (const fault of variableFaults(name, value, program, imageSet?.[program], secret)) {
        problems.push(`${project}:${key}.${/^\w+$/.test(name) ? name : JSON.stringify(name)} ${fault}`);
      }
    }
    return Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, secret ? pulumi.secret(String(value)) : String(value)]),
    );
  };
  const program = (name: Program) => ({
    containerName: text(`${name}Name`),
    port: Number(text(`${name}Port`) || "NaN"),
    environment: environment(name),
    memory: Number(text(`${name}Memory`)),
  });
  const configuration: Configuration = {
    host: {
      address,
      dockerHost: endpoint,
      dockerSocket,
      ...(registry && username && { registryAuth: { address: registry.split("/")[0], username, password } }),
    },
    cluster: {
      imageSet: registry ? fromRegistry(imageSet ?? imageSets.tutorial, registry) : (imageSet ?? imageSets.tutorial),
      zookeeper: program("zookeeper"),
      mesosMaster: program("mesosMaster"),
      mesosSlave: {
        ...program("mesosSlave"),
        resources: text("mesosSlaveResources"),
        attributes: text("mesosSlaveAttributes"),
      },
      marathon: program("marathon"),
      readyTimeout: Number(text("readyTimeout")),
      onDestroy: text("onDestroy") === "erase" ? "erase" : "keep",
    },
    followImageTags: text("followImageTags") === "true",
    preflight: text("preflight") === "true",
  };
  if (configuration.followImageTags && !configuration.preflight) {
    problem("followImageTags", "true", "preflight is what looks at the images: pulumi config rm preflight");
  }

  const { cluster } = configuration;
  for (const [what, value] of [["Name", "containerName"], ["Port", "port"]] as const) {
    const holders = new Map<string, string>();
    for (const name of programs) {
      const key = `${name}${what}`;
      const found = String(cluster[name][value]);
      const holder = holders.get(found);
      // What is no port at all has been told already.
      if (holder && found !== "NaN") {
        problem(key, found, `${project}:${holder} is the same; give each its own`);
      }
      holders.set(found, key);
    }
  }
  const ranges = offeredPorts(cluster.mesosSlave.resources);
  for (const [from, to] of ranges) {
    if (from > to || from < 1 || to > 65535) {
      problem(
        "mesosSlaveResources",
        cluster.mesosSlave.resources,
        `${from}-${to} is no range of ports; write the lower one first, from 1 to 65535`,
      );
    }
  }
  for (const name of programs) {
    const { port } = cluster[name];
    const fixed = imageSet?.[name].fixed?.port;
    if (fixed && String(port) !== fixed && !Number.isNaN(port)) {
      problem(`${name}Port`, String(port), `the image set ${imageSetName} knows no other port than ${fixed}`);
    }
    const range = ranges.find(([from, to]) => from <= port && port <= to);
    if (range) {
      problem(
        `${name}Port`,
        String(port),
        `the slave offers it to tasks (${range.join("-")} in ${project}:mesosSlaveResources); write one outside, or other ranges there`,
      );
    }
  }
  if (imageSet) {
    const names = Object.fromEntries(programs.map((name) => [name, cluster[name].containerName])) as Record<Program, string>;
    for (const { program, name, reason } of mispairings(imageSet, names)) {
      problem(name ? `${program}Name` : "imageSet", name ? names[program] : imageSetName, reason);
    }
  }
  return { configuration, problems };
}

/** What is wrong with a value by its own rule: what to write instead, or why not this. */
function faults({ pattern, range, oneOf, except = [], write }: Rule, value: string): string[] {
  if (oneOf && !oneOf.values.includes(value)) {
    return [`there is no such ${oneOf.what}${nearest(value, oneOf.values)}; ${write}`];
  }
  const isOutside = range && (!/^-?\d+$/.test(value) || Number(value) < range[0] || Number(value) > range[1]);
  if (isOutside || pattern?.test(value) === false) {
    return [write];
  }
  return except.filter(([wrong]) => wrong.test(value)).map(([, why]) => why);
}

/** The set that a file describes; without one, a set to go on with beside the problems. */
function readCustomImageSet(path: string): { imageSet?: ImageSet; problems: string[] } {
  if (!path) {
    return { problems: ["write the path of a JSON file that describes the images, such as examples/custom-images.json"] };
  }
  try {
    const { imageSet, problems } = customImageSet(readFileSync(path, "utf8"));
    return problems.length > 0 ? { problems } : { imageSet, problems };
  } catch (error) {
    return { problems: [`it cannot be read (${(error as NodeJS.ErrnoException).code}); write the path of a JSON file, from the project's folder`] };
  }
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
