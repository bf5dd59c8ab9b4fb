/** What a Pulumi command that was cut off, or whose provider or Docker Engine went away, leaves; and the cures for it. */

import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { backend, creations, locks, pendingOperations } from "./backend.mjs";
import { run } from "./child.mjs";
import { currentDockerHost, docker } from "./docker-client.mjs";
import { root } from "./paths.mjs";
import { rememberedStack, setting, shortName } from "./stack.mjs";
import { Problem, say } from "./terminal.mjs";

/**
 * @typedef {{ urn: string, id?: string, type: string, inputs: Record<string, any>, outputs?: Record<string, any>, pendingReplacement?: boolean }} Resource
 * @typedef {{ resources?: Resource[], pending_operations?: (import("./backend.mjs").Operation & { resource: Resource })[] }} Deployment
 *   as `pulumi stack export` gives it
 * @typedef {{ kind: "container" | "network" | "volume", id: string, name: string, created: number }} Thing of Docker's; created: in milliseconds
 * @typedef {{ kind: string, startTime: string, endTime: string, result: string }} Update as `pulumi stack history` gives it
 */

/**
 * @param {Deployment} deployment
 * @param {string} id
 */
const isIn = ({ resources = [] }, id) => resources.some((resource) => resource.id === id);

/** @param {string} urn */
const nameOf = (urn) => urn.slice(urn.lastIndexOf("::") + 2);

/**
 * The deployment without pending operations: a container that was being made and is there is in it, as a finished `up`
 * would have recorded it, and the rest is forgotten, so that the next `up` does it.
 * @param {Deployment} deployment
 * @param {Thing[]} containers of this stack
 * @returns {{ deployment: Deployment, imported: Thing[], forgotten: string[] }} forgotten: names of resources
 */
export function settled(deployment, containers) {
  const { pending_operations: pending = [], resources: before = [], ...rest } = deployment;
  const resources = [...before];
  /** @type {Thing[]} */
  const imported = [];
  /** @type {string[]} */
  const forgotten = [];
  for (const { resource } of /** @type {{ resource: Resource }[]} */ (creations(pending))) {
    const made = containers.find(({ name, id }) => name === resource.inputs.name && !isIn({ resources }, id));
    if (made && resource.type === "docker:index/container:Container") {
      const { __defaults, ...outputs } = resource.inputs;
      const whole = { ...resource, id: made.id, outputs: { ...outputs, id: made.id } };
      // What depends on it stands behind the one that it was to replace, and must still stand behind it.
      const place = resources.findIndex(({ urn, pendingReplacement }) => urn === resource.urn && pendingReplacement);
      resources.splice(place < 0 ? resources.length : place, place < 0 ? 0 : 1, whole);
      imported.push(made);
    } else {
      forgotten.push(nameOf(resource.urn));
    }
  }
  return { deployment: { ...rest, resources }, imported, forgotten };
}

/**
 * Whether a thing was made by an update that failed, since when none has succeeded. Of any other that the state does not
 * know only its labels say whose it is, and those of another clone's stack of the same name say the same.
 * @param {Thing} thing
 * @param {Update[]} history
 */
export function isByFailedUpdate({ created }, history) {
  // The history has whole seconds.
  const times = history.map(({ kind, result, startTime, endTime }) => ({ kind, result, from: Date.parse(startTime), to: Date.parse(endTime) + 1000 }));
  const settledAt = Math.max(0, ...times.filter(({ kind, result }) => kind === "update" && result === "succeeded").map(({ to }) => to));
  return created > settledAt && times.some(({ result, from, to }) => result === "failed" && from <= created && created < to);
}

/**
 * The things that the state does not know: what was made for it in vain, and what may as well be another clone's.
 * @param {Thing[]} things that bear the stack's labels, and volumes of its that bear none
 * @param {Deployment} deployment
 * @param {Update[]} history
 * @returns {{ strays: Thing[], doubtful: Thing[] }} in the order of the things
 */
export function unknown(things, deployment, history) {
  const making = creations(deployment.pending_operations ?? []).map(({ resource }) => resource.inputs.name);
  const unknown = things.filter(({ id }) => !isIn(deployment, id));
  const isStray = (/** @type {Thing} */ thing) => isByFailedUpdate(thing, history) || making.includes(thing.name);
  // A volume without labels is nobody's: it is neither removed nor asked about.
  return { strays: unknown.filter(isStray), doubtful: unknown.filter((thing) => !isStray(thing) && thing.kind !== "volume") };
}

/**
 * What there is to cure.
 * @param {string} stack
 * @param {NodeJS.ProcessEnv} env
 */
export async function look(stack, env) {
  const dockerHost = setting(stack, "dockerHost") || currentDockerHost().dockerHost;
  const [containers, networks, volumes, exported] = await Promise.all([
    containersOf(dockerHost, stack),
    networksOf(dockerHost, stack),
    bareVolumes(dockerHost, stack),
    pulumi(env, "stack", "export", "--stack", stack),
  ]);
  /** @type {{ version: number, deployment: Deployment }} */
  const { version, deployment } = JSON.parse(exported);
  const { deployment: cured, imported, forgotten } = settled(deployment, containers);
  // A network can be removed when no container is on it any more.
  const things = [...containers, ...networks, ...volumes].filter(({ id }) => !isIn(cured, id));
  /** @type {Update[]} */
  const history = things.length === 0 ? [] : JSON.parse(await pulumi(env, "stack", "history", "--json", "--stack", stack));
  return { dockerHost, state: { version, deployment: cured }, imported, forgotten, ...unknown(things, deployment, history) };
}

/** @param {string} stack */
const labelFilters = (stack) => ["mesos-marathon.project=mesos-marathon", `mesos-marathon.stack=${shortName(stack)}`].flatMap((label) => ["--filter", `label=${label}`]);

/**
 * The containers that bear a stack's labels.
 * @param {string} dockerHost
 * @param {string} stack
 */
async function containersOf(dockerHost, stack) {
  const ids = await docker(dockerHost, ["ps", "--all", "--quiet", "--no-trunc", ...labelFilters(stack)]);
  return things(dockerHost, "container", ids, "{{.Id}} {{.Name}} {{json .Created}}");
}

/**
 * The networks that bear a stack's labels.
 * @param {string} dockerHost
 * @param {string} stack
 */
async function networksOf(dockerHost, stack) {
  const ids = await docker(dockerHost, ["network", "ls", "--quiet", "--no-trunc", ...labelFilters(stack)]);
  return things(dockerHost, "network", ids, "{{.Id}} {{.Name}} {{json .Created}}");
}

/**
 * Volumes of a stack's name without a label: a Docker Engine that is killed while it makes a volume leaves it so.
 * @param {string} dockerHost
 * @param {string} stack
 */
async function bareVolumes(dockerHost, stack) {
  const prefix = `mesos-marathon-${shortName(stack)}-cluster-`;
  const names = await docker(dockerHost, ["volume", "ls", "--quiet", "--filter", `name=${prefix}`]);
  const format = "{{if not .Labels}}{{.Name}} {{.Name}} {{json .CreatedAt}}{{end}}";
  return (await things(dockerHost, "volume", names, format)).filter(({ name }) => name.startsWith(prefix));
}

/**
 * @param {string} dockerHost
 * @param {Thing["kind"]} kind
 * @param {string} ids one a line
 * @param {string} format gives id, name and time
 * @returns {Promise<Thing[]>}
 */
async function things(dockerHost, kind, ids, format) {
  const told = ids ? await docker(dockerHost, [kind, "inspect", "--format", format, ...ids.split("\n")]) : "";
  return told.split("\n").filter(Boolean).map((line) => {
    const [id, name, created] = line.split(" ");
    return { kind, id, name: name.replace("/", ""), created: Date.parse(JSON.parse(created)) };
  });
}

/**
 * Runs a Pulumi command that asks nothing.
 * @param {NodeJS.ProcessEnv} env
 * @param {...string} args
 */
export const pulumi = (env, ...args) => run(["pulumi", ...args], { cwd: root, env });

/**
 * `.pulumi` in the backend, or undefined where that is no folder and only Pulumi itself could tell what is in it.
 * @param {string} url
 */
function folderOf(url) {
  const [, path] = /^file:\/\/([^?]*)/.exec(url) ?? [];
  return path === undefined ? undefined : join(path.replace(/^~/, homedir()), ".pulumi");
}

/**
 * The locks of a stack, or undefined where only Pulumi itself could tell.
 * @param {string} url of the backend
 * @param {string} stack
 */
export function locksOf(url, stack) {
  const folder = folderOf(url);
  return folder === undefined ? undefined : locks(folder).filter(({ stateFile }) => stateFile === stateFileIn(folder, stack));
}

/**
 * The file of a state's metadata, where Pulumi was killed between making it and writing it: the state can then not be
 * read any more ("failed to load checkpoint: EOF"), until that file is gone. The clone's own backend has no such files.
 * @param {string} url of the backend
 * @param {string} stack
 */
export function emptyMetadata(url, stack) {
  const folder = folderOf(url);
  const file = `${stateFileIn(folder ?? "", stack)}.attrs`;
  return folder !== undefined && statSync(file, { throwIfNoEntry: false })?.size === 0 ? file : undefined;
}

/**
 * @param {string} folder
 * @param {string} stack
 */
const stateFileIn = (folder, stack) => join(folder, "stacks", "mesos-marathon", `${shortName(stack)}.json`);

/**
 * Refuses to go on before it is known what has become of that which a command was making when it was cut off: `up` would
 * find the name of a container taken, and `destroy` would leave the container behind.
 * @param {string} stack
 * @throws Problem where the clone's own backend has such a thing
 */
export function mustBeSettled(stack) {
  const { own, name: url } = backend();
  const making = own ? creations(pendingOperations(stateFileIn(folderOf(url) ?? "", stack))).map(({ resource }) => nameOf(resource.urn)) : [];
  if (making.length > 0 && locksOf(url, stack)?.every(({ holder }) => holder === "gone")) {
    throw new Problem(`A command that was cut off was making ${making.join(", ")}. To mend that first: ${recoverCommand(stack)}`);
  }
}

/** @param {string} stack */
const recoverCommand = (stack) => `npm run recover${stack === rememberedStack() ? "" : ` -- --stack ${stack}`}`;

/**
 * Says so where a Pulumi command failed for something that `npm run recover` cures.
 * @param {string} stack
 * @param {NodeJS.ProcessEnv} env
 */
export async function sayWhetherToRecover(stack, env) {
  const { name: url } = backend();
  const held = locksOf(url, stack) ?? [];
  if (held.some(({ holder }) => holder === "runs")) {
    return;
  }
  // Whoever does not answer now has made the command fail, and that has been told.
  const seen = await look(stack, env).catch(() => undefined);
  const left = [
    ...held.map(({ pid }) => `the lock of process ${pid}`),
    ...(emptyMetadata(url, stack) ? ["a state that cannot be read"] : []),
    ...(seen?.forgotten ?? []).map((name) => `${name}, which was being made`),
    ...(seen?.imported ?? []).map(({ name }) => `the container ${name}, which was being made`),
    ...[...(seen?.strays ?? []), ...(seen?.doubtful ?? [])].map(({ kind, name }) => `the ${kind} ${name}, which ${kind === "volume" ? "has no labels" : "the state does not know"}`),
  ];
  if (left.length > 0) {
    say(`A command that was cut off has left ${left.join("; ")}. To mend that: ${recoverCommand(stack)}`);
  }
}
