/**
 * A cluster that was started by hand, taken into a stack's state: what fits and what does not, and the state that stands
 * for it. Nothing of the cluster is touched.
 */

import { randomUUID } from "node:crypto";

/**
 * @typedef {{ urn: string, custom: boolean, id?: string, type: string, inputs?: Record<string, any>, outputs?: Record<string, any>, parent?: string, provider?: string }} Resource
 *   as `pulumi preview --json` and `pulumi stack export` give it
 * @typedef {import("dockerode").ContainerInspectInfo} Container
 * @typedef {{ component: string, wanted: Record<string, any>, found: Container, imageVariables: readonly string[] }} Pair
 *   wanted: the inputs with which the stack would make the container; imageVariables: what its image sets by itself
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
  return Object.fromEntries(containers.map((resource) => [resource.urn.slice(resource.urn.lastIndexOf("::cluster-") + "::cluster-".length), { ...resource, inputs: resource.inputs ?? {} }]));
}

/** Which key of the configuration says what a variable says. */
const keys = {
  address: /^(MESOS_IP|MESOS_HOSTNAME|MARATHON_HOSTNAME|MARATHON_HTTPS?_ADDRESS|LIBPROCESS_IP|SERVERS)$/,
  mesosSlaveAttributes: /^MESOS_ATTRIBUTES$/,
  mesosSlaveResources: /^MESOS_RESOURCES$/,
};
/** @type {Record<string, string>} */
const programs = { zookeeper: "zookeeper", "mesos-master": "mesosMaster", "mesos-slave": "mesosSlave", marathon: "marathon" };

/**
 * Why a container cannot be taken over as it is: each with what to set.
 * @param {Pair} pair
 * @returns {string[]}
 */
export function misfits({ component, wanted, found, imageVariables }) {
  const name = found.Name.slice(1);
  const program = programs[component];
  /** @type {string[]} */
  const problems = [];
  const problem = (/** @type {string} */ text) => problems.push(`${name} ${text}`);
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
  for (const [variable, value] of variables(found.Config.Env.filter((entry) => !imageVariables.includes(entry)))) {
    const own = wantedVariables.get(variable);
    // The slave gets another work directory, whatever this one is.
    if (own === value || (component === "mesos-slave" && variable === "MESOS_WORK_DIR")) {
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
export function additions({ wanted, found }) {
  return [
    "labels",
    ...known(wanted.envs).filter((entry) => !found.Config.Env.includes(entry)),
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
  const containers = pairs.map(({ component, found, imageVariables }) => {
    const { Config, HostConfig } = found;
    const values = {
      name: found.Name.slice(1),
      image: Config.Image,
      envs: Config.Env.filter((entry) => !imageVariables.includes(entry)).sort(),
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
