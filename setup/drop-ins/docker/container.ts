/** docker.Container: its life, from creation to deletion. The fields are in container-fields.ts. */
import type Docker from "dockerode";
import { isZero, type Difference } from "../fields";
import { isObject, isUnknown, type Json, type Properties } from "../wire";
import { FIELDS, volumesOf, type Found, type Spec } from "./container-fields";
import { pull } from "./remote-image";
import { dockersWords, failed, isGone, labelList, META_TIMEOUTS, step, Unfinished, unlessGone, type DockerContext, type Kind } from "./resource";

/** Fields that `docker update` changes while the container runs. */
const LIVE = ["restart", "maxRetryCount", "memory", "memorySwap", "memoryReservation", "cpuShares", "cpuSet", "cpuPeriod", "cpuQuota"];

interface NetworkUse {
  name: string;
  aliases?: string[];
  driverOpts?: string[];
  ipv4Address?: string;
  ipv6Address?: string;
  linkLocalIps?: string[];
}

export const container: Kind = {
  token: "docker:index/container:Container",
  fields: FIELDS,
  meta: { ...META_TIMEOUTS, schema_version: "2" },
  autoname: true,
  deleteFirst: "always",

  async create(context, inputs) {
    const { docker } = context;
    const id = await make(context, inputs);
    const made = docker.getContainer(id);
    try {
      await joinNetworks(context, id, (inputs.networksAdvanced ?? []) as unknown as NetworkUse[]);
      if (inputs.start) await start(context, made);
      if (inputs.start && inputs.wait) await untilHealthy(context, made, Number(inputs.waitTimeout));
      if (inputs.attach) await context.stoppable(made.wait());
    } catch (error) {
      throw new Unfinished(id, dockersWords(error));
    }
    return id;
  },

  async read(context, id, before, importing) {
    const made = context.docker.getContainer(id);
    const found = (await unlessGone(context.stoppable(made.inspect()))) as Found | undefined;
    if (!found) return undefined;
    const values: Properties = {};
    for (const [name, { get }] of Object.entries(FIELDS)) {
      const value = get?.(found, before[name] === null ? undefined : before[name]);
      if (value !== undefined) values[name] = value;
    }
    // Not running although it must: the next update starts it. One that nobody wanted started is as it should be.
    if (before.mustRun && before.start !== false && !found.State.Running) values.mustRun = false;
    if (before.attach && before.logs && !found.State.Running) values.containerLogs = await logsOf(context, made);
    if (importing) Object.assign(values, await unasked(context, found));
    return { id: found.Id, found: values };
  },

  async update(context, id, olds, planned) {
    const made = context.docker.getContainer(id);
    const changed = LIVE.some((name) => JSON.stringify(olds[name] ?? null) !== JSON.stringify(planned[name] ?? null));
    if (changed) {
      const spec = specOf(planned, LIVE);
      // Docker takes the swap limit as it was and refuses a memory limit above it.
      if (spec.HostConfig.Memory && spec.HostConfig.MemorySwap === undefined) spec.HostConfig.MemorySwap = 2 * spec.HostConfig.Memory;
      await step("Unable to update container", context.stoppable(made.update(spec.HostConfig)));
    }
    if (planned.mustRun && !olds.mustRun && planned.start) await start(context, made);
  },

  async delete(context, id, olds) {
    const made = context.docker.getContainer(id);
    const removed = context.stoppable(made.wait({ condition: "removed" })).catch(() => undefined);
    if (!olds.attach) {
      const stop = context.stoppable(made.stop({ t: Number(olds.destroyGraceSeconds ?? 0) }));
      await stop.catch((error) => ignore(error, 304, 404));
    }
    const remove = context.stoppable(made.remove({ force: true, v: Boolean(olds.removeVolumes) }));
    // 409: somebody else is removing it already.
    await remove.catch((error) => ignore(error, 404, 409));
    await removed;
    if (await unlessGone(context.stoppable(made.inspect()))) throw new Error(`Unable to delete container ${id}: it is still there`);
  },

  dismiss: ({ path }: Difference, olds: Properties, news: Properties, oldInputs: Properties) =>
    path === "memorySwap" && isZero(news.memorySwap) && isZero(oldInputs.memorySwap) && isDaemonsSwap(olds),
};

/** True if the swap limit is what Docker makes of a memory limit that comes without one. */
function isDaemonsSwap({ memory, memorySwap }: Properties): boolean {
  return Number(memory) > 0 && (memorySwap === -1 || memorySwap === 2 * Number(memory));
}

function specOf(inputs: Properties, names = Object.keys(FIELDS)): Spec {
  const spec: Spec = { HostConfig: {} };
  for (const name of names) {
    const value = inputs[name];
    if (value !== null && value !== undefined && !isUnknown(value) && !isEmptyList(value)) FIELDS[name]?.put?.(spec, value as never);
  }
  return spec;
}

const isEmptyList = (value: Json) => typeof value === "object" && isZero(value) && (Array.isArray(value) || !isObject(value) || Object.keys(value).length === 0);

async function make(context: DockerContext, inputs: Properties): Promise<string> {
  const { docker } = context;
  const spec = specOf(inputs);
  // Always said, so that a daemon with `init: true` behaves like one without.
  spec.HostConfig.Init = Boolean(inputs.init);
  const options = { _query: { name: inputs.name }, _body: spec } as unknown as Docker.ContainerCreateOptions;
  // Not to be interrupted: an answer that nobody waits for would leave a container that nobody knows.
  const create = () => docker.createContainer({ ...options });
  try {
    return (await create()).id;
  } catch (error) {
    if (!isGone(error) || !/no such image/i.test(String((error as Error).message))) throw failed("Unable to create container", error);
  }
  await pull(context, String(inputs.image));
  return (await step("Unable to create container", create())).id;
}

async function joinNetworks({ docker, stoppable }: DockerContext, id: string, networks: NetworkUse[]): Promise<void> {
  if (networks.length === 0) return;
  await stoppable(docker.getNetwork("bridge").disconnect({ Container: id })).catch(() => undefined);
  for (const { name, aliases, driverOpts, ipv4Address, ipv6Address, linkLocalIps } of networks) {
    const EndpointConfig = {
      Aliases: aliases ?? [],
      DriverOpts: Object.fromEntries((driverOpts ?? []).map((option) => [option.slice(0, option.indexOf("=")), option.slice(option.indexOf("=") + 1)])),
      IPAMConfig: { IPv4Address: ipv4Address ?? "", IPv6Address: ipv6Address ?? "", LinkLocalIPs: linkLocalIps ?? [] },
    };
    await step(`Unable to connect to network ${name}`, stoppable(docker.getNetwork(name).connect({ Container: id, EndpointConfig } as Docker.NetworkConnectOptions)));
  }
}

/** Waits for the health check; ends early when the container is no longer running, because it will not become healthy then. */
async function untilHealthy(context: DockerContext, made: Docker.Container, seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const { State } = await context.stoppable(made.inspect());
    if (!State.Health) throw new Error("the container has no health check, so there is nothing that `wait` could wait for: give it one, or take `wait` away");
    if (State.Health.Status === "healthy") return;
    if (State.Status === "exited" || State.Status === "dead") throw new Error(`the container ended with exit code ${State.ExitCode} before it was healthy`);
    if (Date.now() >= end) {
      const last = State.Health.Log?.at(-1)?.Output?.trim();
      throw new Error(`the container was not healthy after ${seconds} s (${State.Health.Status})${last ? `; its health check said: ${last}` : ""}`);
    }
    context.status(`waiting until healthy (${State.Health.Status})`);
    await context.sleep(500);
  }
}

async function logsOf({ stoppable }: DockerContext, made: Docker.Container): Promise<string> {
  const raw = await stoppable(made.logs({ stdout: true, stderr: true, follow: false }));
  return demultiplexed(Buffer.from(raw));
}

/** The text of a log in which every piece has a header of eight bytes; of a terminal's log, which has none, as it is. */
export function demultiplexed(raw: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at < raw.length; ) {
    if (at + 8 > raw.length || (raw[at] ?? 9) > 2 || raw[at + 1] !== 0) return raw.toString();
    const length = raw.readUInt32BE(at + 4);
    pieces.push(raw.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(pieces).toString();
}

/** For an import: what no state tells yet, less what comes from the image. */
async function unasked({ docker, stoppable }: DockerContext, found: Found): Promise<Properties> {
  const image = await unlessGone(stoppable(docker.getImage(found.Image).inspect()));
  const imageEnv = new Set(image?.Config?.Env ?? []);
  const imageLabels = (image?.Config?.Labels ?? {}) as { [label: string]: string };
  return {
    envs: (found.Config.Env ?? []).filter((entry) => !imageEnv.has(entry)).sort(),
    labels: labelList(found.Config.Labels).filter(({ label, value }) => imageLabels[label] !== value) as unknown as Json,
    volumes: volumesOf(found),
    pidMode: found.HostConfig.PidMode || null,
  };
}

async function start({ stoppable }: DockerContext, made: Docker.Container): Promise<void> {
  // 304: it runs already.
  await step("Unable to start container", stoppable(made.start()).catch((error) => ignore(error, 304)));
}

function ignore(error: unknown, ...codes: number[]): void {
  if (!codes.includes((error as { statusCode?: number })?.statusCode ?? 0)) throw error;
}
