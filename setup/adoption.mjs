/**
 * A cluster that was started by hand, taken into a stack's state: what fits and what does not, and the state that stands
 * for it. Nothing of the cluster is touched.
 */

import { randomUUID } from "node:crypto";

import { isCredential } from "../configuration/credential.cjs";
import { Problem } from "./terminal.mjs";

/**
 * @typedef {{ urn: string, custom: boolean, id?: string, type: string, inputs?: Record<string, any>, outputs?: Record<string, any>, parent?: string, provider?: string }} Resource
 *   as `pulumi preview --json` and `pulumi stack export` give it
 * @typedef {import("dockerode").ContainerInspectInfo} Container
 * @typedef {{ component: string, wanted: Record<string, any>, found: Container, imageVariables: readonly string[], secrets: readonly string[] }} Pair
 *   wanted: the inputs with which the stack would make the container; imageVariables: what its image sets by itself; secrets:
 *   variables that are secrets of Pulumi's
 */

/** What stands in a preview for a value that only an up will know. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const containerType = "docker:index/container:Container";

/** The stack itself, its components and its Docker provider stand above the containers in the state. */
const above = (/** @type {Resource} */ { custom, type }) => !custom || type === "pulumi:providers:docker";

/**
 * The containers that a stack would make, by component.
 * @param {Resource[]} resources
 * @returns {Record<string, Resource & { inputs: Record<string, any> }>}
 */
export function wantedContainers(resources) {
  const containers = resources.filter(({ type }) => type === containerType);
  return Object.fromEntries(containers.map((resource) => [componentOf(resource), { ...resource, inputs: resource.inputs ?? {} }]));
}

const componentOf = (/** @type {Resource} */ { urn }) => urn.slice(urn.lastIndexOf("::cluster-") + "::cluster-".length);

/** Which key of the configuration says what a variable says. */
const keys = {
  address: /^(MESOS_IP|MESOS_HOSTNAME|MARATHON_HOSTNAME|MARATHON_HTTPS?_ADDRESS|LIBPROCESS_IP|SERVERS)$/,
  mesosSlaveAttributes: /^MESOS_ATTRIBUTES$/,
  mesosSlaveResources: /^MESOS_RESOURCES$/,
};
/** @type {Record<string, string>} */
const programs = { zookeeper: "zookeeper", "mesos-master": "mesosMaster", "mesos-slave": "mesosSlave", marathon: "marathon" };

/**
 * The key of a component's further variables.
 * @param {string} component
 */
export const environmentKey = (component) => `mesos-marathon:${programs[component]}Environment`;

/**
 * Those of a stack's further variables that are secrets, by component: `NAME=value`. One of a key makes all of it secret.
 * @param {Record<string, { secret: boolean, objectValue?: Record<string, unknown> }>} configuration as `pulumi config --json --show-secrets` gives it
 * @returns {Record<string, string[]>}
 */
export function secretVariables(configuration) {
  return Object.fromEntries(
    Object.keys(programs).flatMap((component) => {
      const { secret, objectValue } = configuration[environmentKey(component)] ?? {};
      return secret && objectValue ? [[component, Object.entries(objectValue).map(([name, value]) => `${name}=${value}`)]] : [];
    }),
  );
}

/**
 * What the stack would make, with the secret variables that its preview was made without: a preview tells none of them, and
 * with the official docker plugin no other variable of their container either.
 * @param {Resource[]} resources
 * @param {Record<string, string[]>} secrets
 * @returns {Resource[]}
 * @throws Problem where there are others that the preview does not tell
 */
export function withSecrets(resources, secrets) {
  return resources.map((resource) => {
    if (resource.type !== containerType) {
      return resource;
    }
    const component = componentOf(resource);
    const envs = resource.inputs?.envs ?? [];
    if (!Array.isArray(envs) || envs.includes("[secret]")) {
      const key = environmentKey(component);
      throw new Problem(
        `${key} has secrets that are not single variables of the stack's own file, so it cannot be told whether ${component} fits: ` +
          `pulumi config set --secret --path ${key}.NAME, for each`,
      );
    }
    return { ...resource, inputs: { ...resource.inputs, envs: [...envs, ...(secrets[component] ?? [])] } };
  });
}

/**
 * A value as it is told: without the password that may stand in an address.
 * @param {string} value
 */
const told = (value) => value.replaceAll(/([a-z]+:\/\/[^/@:\s]*):[^/@\s]*@/g, "$1:…@");

/**
 * Why a container cannot be taken over as it is: each with what to set.
 * @param {Pair} pair
 * @returns {string[]}
 */
export function misfits(pair) {
  const { component, wanted, found } = pair;
  const name = found.Name.slice(1);
  const program = programs[component];
  /** @type {string[]} */
  const problems = [];
  const problem = (/** @type {string} */ text) => problems.push(told(`${name} ${text}`));
  if (!found.State.Running || found.State.Restarting || found.State.Paused) {
    problem(`is ${found.State.Status}: start it, or remove it, and up makes another`);
  }
  if (found.Config.Labels["mesos-marathon.project"]) {
    // How another stack's differs is of no use to anybody.
    return [`${name} belongs to the stack ${found.Config.Labels["mesos-marathon.stack"]}: go on with that one`];
  }
  if (found.HostConfig.NetworkMode !== "host") {
    problem(`is on the network ${found.HostConfig.NetworkMode}, and the stack's containers are on the host's`);
  }
  if (found.Config.Image !== wanted.image) {
    problem(`was made from ${found.Config.Image}, and the stack would take ${wanted.image}: pulumi config set imageSet SET, with a set that has the image, or one of your own (docs/image-sets.md)`);
  }
  if (found.HostConfig.NetworkMode === "host" && wanted.networkMode !== "host") {
    // Its addresses are all others, which no other key makes the same.
    problem("is on the host's network, and the stack's would be on one of its own: pulumi config set networkMode host");
    return problems;
  }
  const wantedVariables = variables(wanted.envs);
  for (const [variable, value] of variables(ownVariables(pair))) {
    const own = wantedVariables.get(variable);
    // The slave gets another work directory, whatever this one is.
    if (own === value || (component === "mesos-slave" && variable === "MESOS_WORK_DIR")) {
      continue;
    }
    if (isSecret(pair, variable, value)) {
      // No value is told; Pulumi asks for it.
      const what = own === undefined ? `${variable}, which the stack does not set` : `another ${variable} than the stack would set`;
      problem(`has ${what}: pulumi config set --secret --path '${program}Environment.${variable}'`);
      continue;
    }
    const [key] = Object.entries(keys).find(([, pattern]) => pattern.test(variable)) ?? [];
    if (key && own !== undefined) {
      problem(`has ${variable}=${value}, and the stack would set ${own}: pulumi config set ${key} ${quoted(value)}`);
    } else if (own !== undefined) {
      const port = /_PORT$/.test(variable);
      problem(`has ${variable}=${value}, and the stack would set ${own}${port ? `: pulumi config set ${program}Port ${value}` : ", which no key changes beside address and ports"}`);
    } else if (key === "mesosSlaveAttributes") {
      problem(`has ${variable}=${value}: pulumi config set ${key} ${quoted(value)}`);
    } else {
      problem(`has ${variable}=${value}, which the stack does not set: pulumi config set --path '${program}Environment.${variable}' ${quoted(value)}`);
    }
  }
  const mounts = binds(wanted.volumes);
  for (const bind of (found.HostConfig.Binds ?? []).map((bind) => bind.split(":").slice(0, 2).join(":")).filter((bind) => !mounts.includes(bind))) {
    problem(`mounts ${bind}, which the stack's would not`);
  }
  return problems;
}

/**
 * What the stack's container has and this one has not: what its first replacement brings.
 * @param {Pair} pair
 * @returns {string[]}
 */
export function additions(pair) {
  const { wanted, found } = pair;
  return [
    "labels",
    ...[...variables(known(wanted.envs).filter((entry) => !found.Config.Env.includes(entry)))].map(([name, value]) => (isSecret(pair, name, value) ? name : `${name}=${value}`)),
    ...(wanted.envs.includes(unknown) ? ["its work directory in a volume of its own"] : []),
    ...known(binds(wanted.volumes)).filter((bind) => !(found.HostConfig.Binds ?? []).some((own) => own === bind || own.startsWith(`${bind}:`))).map((bind) => `a volume at ${bind.split(":")[1]}`),
    ...(wanted.pidMode === found.HostConfig.PidMode || !wanted.pidMode ? [] : ["the host's processes in sight"]),
    "a limit to its log",
    `${wanted.stopTimeout} s to stop`,
  ];
}

/**
 * The state with these containers, as the plugin would have recorded them; all that depends on them is not in it yet.
 * Their anonymous volumes outlive them: what is in those may be all that there is of the data.
 * @param {Resource[]} resources of the stack's preview
 * @param {Pair[]} pairs
 * @returns {Resource[]}
 */
export function preparedState(resources, pairs) {
  const wanted = wantedContainers(resources);
  const provider = resources.find(({ type }) => type === "pulumi:providers:docker");
  const providerId = randomUUID();
  const plain = (/** @type {Resource} */ { urn, custom, type, parent }) => ({ urn, custom, type, ...(parent && { parent }) });
  const frame = resources.filter(above).map((resource) => {
    if (resource !== provider) {
      return plain(resource);
    }
    // Credentials come with the next up.
    const { registryAuth, ...inputs } = resource.inputs ?? {};
    const { __internal, ...outputs } = inputs;
    return { ...plain(resource), id: providerId, inputs, outputs };
  });
  const containers = pairs.map((pair) => {
    const { component, found } = pair;
    const { Config, HostConfig } = found;
    const envs = ownVariables(pair).sort();
    const values = {
      name: found.Name.slice(1),
      image: Config.Image,
      envs: hasSecrets(pair) ? secret(envs) : envs,
      networkMode: HostConfig.NetworkMode,
      restart: HostConfig.RestartPolicy?.Name || "no",
      privileged: HostConfig.Privileged,
      ...(HostConfig.PidMode && { pidMode: HostConfig.PidMode }),
      volumes: (HostConfig.Binds ?? []).map((bind) => {
        const [from, containerPath, mode] = bind.split(":");
        return { ...(from.startsWith("/") ? { hostPath: from } : { volumeName: from }), containerPath, ...(mode === "ro" && { readOnly: true }) };
      }),
      logDriver: HostConfig.LogConfig?.Type,
      mustRun: true,
      start: true,
      removeVolumes: false,
      destroyGraceSeconds: 30,
    };
    return {
      ...plain(wanted[component]),
      id: found.Id,
      inputs: { ...values, __defaults: [] },
      outputs: { ...values, id: found.Id, labels: [] },
      provider: `${provider?.urn}::${providerId}`,
    };
  });
  return [...frame, ...containers];
}

/**
 * The variables that the container was given: those that its image does not set by itself.
 * @param {Pair} pair
 */
const ownVariables = ({ found, imageVariables }) => found.Config.Env.filter((entry) => !imageVariables.includes(entry));

/**
 * Whether the value of a variable is neither to be told nor to be in the state in the clear.
 * @param {Pair} pair
 * @param {string} name
 * @param {string} value
 */
const isSecret = ({ secrets }, name, value) => secrets.includes(name) || isCredential(name, value);

/** @param {Pair} pair */
export const hasSecrets = (pair) => [...variables(ownVariables(pair))].some(([name, value]) => isSecret(pair, name, value));

/**
 * A secret as `pulumi stack import` takes it, which encrypts it; all of a list, as the docker plugin has it.
 * @param {unknown} value
 */
const secret = (value) => ({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: JSON.stringify(value) });

/** @param {readonly string[]} texts */
const known = (texts) => texts.filter((text) => !text.includes(unknown));

/**
 * @param {readonly string[]} entries `NAME=value`
 * @returns {Map<string, string>}
 */
const variables = (entries) => new Map(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));

/**
 * @param {{ hostPath?: string, volumeName?: string, containerPath: string }[]} [volumes]
 * @returns {string[]} `host path or volume:container path`
 */
const binds = (volumes = []) => volumes.map(({ hostPath, volumeName, containerPath }) => `${hostPath ?? volumeName}:${containerPath}`);

/** @param {string} value for a shell */
const quoted = (value) => (/^[\w.:/-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);
