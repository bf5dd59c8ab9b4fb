import * as pulumi from "@pulumi/pulumi";

import type { ClusterArgs, HostArgs, ImageSet, RegistryAuth } from "../components";
import { choosableImageSets } from "../components/choose-image-set";
import { refusal } from "../components/refusal";
import { readAcceptedWarnings } from "./accepted-warnings";
import { tellContradictions } from "./between";
import { readEndpoint } from "./endpoint";
import { readImages } from "./images";
import { type Key, keys, type Program, type Rule, rules } from "./keys";
import { readLabels } from "./labels";
import { readMounts } from "./mounts";
import { readNetwork } from "./network";
import { nearest } from "./nearest";
import { faults, project, Source } from "./source";
import { readVariables } from "./variables";

/** The stack's configuration, whole and checked. */
export interface Configuration {
  readonly host: Required<Omit<HostArgs, "registryAuth">> & {
    readonly address: string;
    readonly hostname: string;
    readonly dockerHost: string;
    /** The password in the clear: it goes into a secret, and into questions to the Docker Engine. */
    readonly registryAuth?: RegistryAuth & { readonly password: string };
  };
  readonly cluster: Required<Omit<ClusterArgs, "host" | "found" | "currentImages" | "adoptions">> & {
    readonly [name in Program]: Required<NonNullable<ClusterArgs[name]>>;
  };
  /** Whether an image that changed behind its unchanged tag replaces containers. */
  readonly followImageTags: boolean;
  /** Names of preflight's warnings that are not told. */
  readonly acceptedWarnings: readonly string[];
  /** Whether the host is checked before the first change. */
  readonly preflight: boolean;
}

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
  return read(await automatic(configuration.host, choosableImageSets(config.get("imageRegistry"))));
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
  const source = new Source(get, isSecret);
  for (const key of present.filter((name) => !(keys as readonly string[]).includes(name))) {
    source.problems.push(`${project}:${key} is not a key of this project${nearest(key, keys)}; remove it: pulumi config rm ${key}`);
  }
  const text = (key: Key) => source.text(key);
  for (const key of keys) {
    // Of an object or a list each part has its rule.
    const rule: Rule = rules[key];
    faults({ write: "", ...rule }, text(key)).forEach((cure) => source.problem(key, text(key), cure));
  }

  const { known, imageSet, registryAuth } = readImages(source);
  const endpoint = readEndpoint(source, dockerHost);
  const { address, hostname, networkMode, bridgeSubnet } = readNetwork(source);
  const program = (name: Program) => ({
    containerName: text(`${name}Name`),
    port: Number(text(`${name}Port`) || "NaN"),
    environment: readVariables(source, name, known?.[name], networkMode),
    mounts: readMounts(source, name, known?.[name], endpoint.dockerSocket),
    cpus: Number(text(`${name}Cpus`)),
    memory: Number(text(`${name}Memory`)),
  });
  const configuration: Configuration = {
    host: { address, hostname, ...endpoint, ...(registryAuth && { registryAuth }) },
    cluster: {
      imageSet,
      zookeeper: program("zookeeper"),
      mesosMaster: program("mesosMaster"),
      mesosZookeeperPath: text("mesosZookeeperPath"),
      marathonZookeeperPath: text("marathonZookeeperPath"),
      role: text("mesosRole"),
      mesosSlave: {
        ...program("mesosSlave"),
        resources: text("mesosSlaveResources"),
        attributes: text("mesosSlaveAttributes"),
        dockerClient: text("mesosSlaveDockerClient"),
        generation: Number(text("mesosSlaveGeneration")),
      },
      marathon: program("marathon"),
      dataFolder: text("dataFolder"),
      restart: text("restart") === "unless-stopped" ? "unless-stopped" : "always",
      logMaxSize: text("logMaxSize"),
      logMaxFiles: Number(text("logMaxFiles")),
      labels: readLabels(source),
      networkMode,
      bridgeSubnet,
      readyTimeout: Number(text("readyTimeout")),
      onDestroy: text("onDestroy") === "erase" ? "erase" : "keep",
    },
    followImageTags: text("followImageTags") === "true",
    acceptedWarnings: readAcceptedWarnings(source),
    preflight: text("preflight") === "true",
  };
  tellContradictions(source, configuration, known);
  return { configuration, problems: source.problems };
}
