import { type HostNeeds, type ImageSet, imageSets, endpoints, type ServiceImage } from "./images";
import type { Program } from "./pairings";

/**
 * What a template may ask for, by program:
 *
 * - `address`, `port`: where the program listens, and where the cluster's other programs find it
 * - `hostname`: what it tells browsers and others of itself
 * - `executorAddress`: on a bridge network, where executors in containers of their own listen (LIBPROCESS_IP); else there is none
 * - `id`, `serverAddresses`, `serverSpecifications`: ZooKeeper's own number; all servers as addresses, and as ZooKeeper 3.5
 *   and later takes them (`server.1=address:2888:3888;address:port`)
 * - `zk`: path in ZooKeeper as `zk://host:port/path`: the masters' for master and slave, Marathon's own for Marathon
 * - `mesosZk`: the masters' path, for Marathon
 * - `quorum`: as in MESOS_QUORUM
 * - `workDir`: the slave's work directory, the same path on the host and in the container
 * - `dockerClient`: a static docker client's path on the host, for the slave to use in place of its image's own
 * - `dockerSocket`: of the host's Docker Engine, as a path on the host
 * - `cgroupsRoot`: as in MESOS_CGROUPS_ROOT, a name that no other cluster's slave has
 * - `image`: the slave's own image, for executors in containers of their own
 * - `resources`, `attributes`: as in MESOS_RESOURCES and MESOS_ATTRIBUTES
 * - `role`: that the slave's resources are reserved for, and that Marathon has; the master must know it before Mesos 0.27
 */
export const templateSettings: Readonly<Record<Program, readonly string[]>> = {
  zookeeper: ["address", "id", "port", "serverAddresses", "serverSpecifications"],
  mesosMaster: ["address", "hostname", "port", "quorum", "role", "zk"],
  mesosSlave: ["address", "attributes", "cgroupsRoot", "dockerClient", "dockerSocket", "executorAddress", "hostname", "image", "port", "resources", "role", "workDir", "zk"],
  marathon: ["address", "hostname", "mesosZk", "port", "role", "zk"],
};

/** A value's rule: whether it holds, and what to write. */
type Rule = readonly [holds: (value: unknown) => boolean, cure: string];

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string" && value !== "" && !/[\0\n]/.test(value);
const texts: Rule = [(value) => isObject(value) && Object.values(value).every((text) => typeof text === "string" && !/[\0\n]/.test(text)), "write an object whose values are texts of one line"];
const list: Rule = [(value) => Array.isArray(value) && value.every(isText), "write a list of texts"];
const flag: Rule = [(value) => typeof value === "boolean", "write true or false"];
const api: Rule = [(value) => typeof value === "string" && /^1\.\d+$/.test(value), "write a version of the Docker API, such as 1.41"];
const major: Rule = [(value) => Number.isInteger(value) && Number(value) > 0, "write the major version of a Docker Engine, such as 25"];

/** As Docker takes a name: registry, folders, and either tag or digest. */
const imageName = /^([\w.-]+(:\d+)?\/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:\w[\w.-]{0,127}|@sha256:[0-9a-f]{64})$/;

const programRules: Readonly<Record<Exclude<keyof ServiceImage, "builtFrom">, Rule>> = {
  image: [(value) => isText(value) && imageName.test(value), "write the image's name with its tag or digest, such as registry.example/mesos-slave:1.11.0"],
  version: [(value) => typeof value === "string" && /^\d+\.\d+(\.\d+)?([.-][\w.-]+)?$/.test(value), "write the program's version in the image, such as 1.11.0"],
  environment: [(value) => texts[0](value) && Object.keys(value as object).every((name) => /^[A-Za-z_]\w*$/.test(name)), "write an object of variables' names with templates of one line"],
  builtIn: texts,
  fixed: texts,
  data: [(value) => texts[0](value) && Object.entries(value as object).every(([name, path]) => /^[a-z]+$/.test(name) && path.startsWith("/")), "write an object of names in small letters with absolute paths in the container"],
  mounts: [(value) => list[0](value) && (value as string[]).every((mount) => /^[^:]+:[^:]+(:ro)?$/.test(mount)), "write a list of host path:container path, with :ro behind it for reading only"],
  hostPid: flag,
  hostCgroups: flag,
  finalExits: [(value) => texts[0](value) && Object.keys(value as object).every((code) => /^\d{1,3}$/.test(code)), "write an object of exit codes with what each means"],
  listensOnAddressOnly: flag,
  command: list,
  flags: list,
  flagsAsArguments: flag,
};
const needsRules: Readonly<Record<keyof HostNeeds, Rule>> = {
  cgroupVersion: [(value) => value === "1" || value === "2", 'write "1" or "2", or leave it out'],
  architectures: list,
  newestPullingEngine: major,
  dockerClientApi: api,
  newestContainerdStoreEngine: major,
};

const programs = Object.keys(templateSettings) as Program[];

/**
 * An image set of somebody's own, from JSON. It names the set that it is `like`: what is not said is as there. A program
 * that is given has its `image` and `version`, and any other field of `ServiceImage`, which takes the place of the whole
 * field there. `needs` and `limits` take the place of all of them there; where Mesos answers follows from its version.
 * @returns the set, and every problem with where it is in the text; with problems the set is not to be used
 */
export function customImageSet(json: string): { imageSet: ImageSet; problems: string[] } {
  const problems: string[] = [];
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch (error) {
    return { imageSet: imageSets.tutorial, problems: [`it is not JSON: ${(error as Error).message}`] };
  }
  if (!isObject(given)) {
    return { imageSet: imageSets.tutorial, problems: ["write an object"] };
  }
  const { like, needs, limits, ...rest } = given;
  const known = typeof like === "string" && Object.hasOwn(imageSets, like);
  if (!known) {
    problems.push(`like: write which set it is like: ${Object.keys(imageSets).join(" or ")}`);
  }
  const base = imageSets[known ? like : "classic"];

  const check = (at: string, value: unknown, rules: Readonly<Record<string, Rule>>): void => {
    if (!isObject(value)) {
      problems.push(`${at}: write an object`);
      return;
    }
    for (const [field, found] of Object.entries(value)) {
      const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
      if (!rule) {
        problems.push(`${at}.${field} is no field of it; there are ${Object.keys(rules).join(", ")}`);
      } else if (!rule[0](found)) {
        problems.push(`${at}.${field} is ${JSON.stringify(found)}: ${rule[1]}`);
      }
    }
  };
  for (const field of Object.keys(rest).filter((field) => !(programs as string[]).includes(field))) {
    problems.push(`${field} is no field of it; there are ${["like", "needs", "limits", ...programs].join(", ")}`);
  }
  if (needs !== undefined) {
    check("needs", needs, needsRules);
  }
  if (limits !== undefined && !list[0](limits)) {
    problems.push(`limits: ${list[1]}`);
  }
  for (const program of programs.filter((program) => program in rest)) {
    const before = problems.length;
    const value = rest[program];
    check(program, value, programRules);
    for (const field of ["image", "version"].filter((field) => isObject(value) && !(field in value))) {
      problems.push(`${program}.${field} is missing: ${programRules[field as "image" | "version"][1]}`);
    }
    if (problems.length === before) {
      const { environment = {}, mounts = [] } = value as Partial<ServiceImage>;
      for (const [, setting] of [...Object.values(environment), ...mounts].flatMap((template) => [...template.matchAll(/{(\w+)}/g)])) {
        if (!templateSettings[program].includes(setting)) {
          problems.push(`${program} asks for {${setting}}, and there is no such setting; there are ${templateSettings[program].join(", ")}`);
        }
      }
    }
  }
  const program = (name: Program): ServiceImage => {
    // Another version has other flags, and another image is nowhere built.
    const { flags, builtFrom, ...contract } = base[name];
    return isObject(rest[name]) ? { ...contract, ...rest[name] as Partial<ServiceImage> } : base[name];
  };
  const imageSet: ImageSet = {
    ...base,
    name: "custom",
    fromSources: true,
    ...(needs !== undefined && { needs: needs as HostNeeds }),
    ...(limits !== undefined && { limits: limits as string[] }),
    zookeeper: program("zookeeper"),
    mesosMaster: program("mesosMaster"),
    mesosSlave: program("mesosSlave"),
    marathon: program("marathon"),
  };
  return { imageSet: { ...imageSet, endpoints: endpoints[String(imageSet.mesosMaster.version).startsWith("0.") ? "0.x" : "1.x"] }, problems };
}
