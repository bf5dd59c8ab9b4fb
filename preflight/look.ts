import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";

import type { ContainerInfo, ContainerInspectInfo } from "dockerode";

import { pulledImagesOf } from "../components/images";
import { platformOf } from "../components/platforms";
import { labelKeys } from "../components/service";
import type { Configuration } from "../configuration";
import { lookAtEmulation, lookAtMachine, lookUp } from "./machine";
import { askRegistries } from "./pullable";
import type { Engine, Recorded, Seen } from "./seen";

/** Looks at the Docker Engine and, where it is on this machine, at the machine. Nothing is created to try it. */
export async function look(configuration: Configuration, recorded?: Promise<Recorded | undefined>): Promise<Seen> {
  const { dockerHost } = configuration.host;
  const local = dockerHost.startsWith("unix://") && process.platform === "linux";
  try {
    const [engine, resolved, machine] = await Promise.all([
      lookAtEngine(configuration, recorded),
      lookUp(configuration.host.hostname),
      local ? lookAtMachine(configuration) : undefined,
    ]);
    // Docker Desktop's socket is here, but its containers live in a virtual machine.
    if (!machine || !existsSync(engine.rootDirectory)) {
      return { engine, resolved, recorded: await recorded };
    }
    const freeBytes = await statfs(engine.rootDirectory).then(({ bavail, bsize }) => bavail * bsize, () => undefined);
    const emulatesAmd64 = engine.architecture === "amd64" || (await lookAtEmulation());
    return { engine: { ...engine, emulatesAmd64 }, resolved, recorded: await recorded, here: { ...machine, freeBytes } };
  } catch (error) {
    const { code, message, path } = error as NodeJS.ErrnoException;
    return { engineProblem: { code, message, path } };
  }
}

async function lookAtEngine({ host, cluster, followImageTags }: Configuration, recorded?: Promise<Recorded | undefined>): Promise<Engine> {
  const { dockerEngine } = await import("../checks/docker.mjs");
  const docker = dockerEngine(host.dockerHost, 5_000);
  const asked = Date.now();
  const [version, info, containers, images, { Volumes: volumes }, networks, unready] = await Promise.all([
    docker.version(),
    docker.info().then((info) => ({ ...info, clockAhead: clockAhead(info.SystemTime, asked, Date.now()) })),
    docker.listContainers({ all: true }),
    docker.listImages(),
    docker.listVolumes(),
    docker.listNetworks(),
    recorded?.then((known) => askGates(known?.gates ?? [])),
  ]);
  const ids = Object.fromEntries(images.flatMap(({ Id, RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])].map((name) => [name, Id])));
  const inRegistries = pulledImagesOf(cluster.imageSet).filter((image) => followImageTags || !(image in ids));
  const pulls = inRegistries.length > 0 ? await askRegistries(host, inRegistries) : {};
  const known = (await recorded)?.containers ?? {};
  // They may have been removed meanwhile.
  const made = await Promise.all(
    containers.map(async ({ Id, Labels, ImageID }) => {
      if (!(labelKeys.project in Labels || Id in known)) {
        return undefined;
      }
      const [container, image] = await Promise.all([
        docker.getContainer(Id).inspect().catch(() => undefined),
        docker.getImage(ImageID).inspect().catch(() => undefined),
      ]);
      return container && {
        image: container.Config.Image,
        imageId: container.Image,
        environment: container.Config.Env,
        imageEnvironment: image?.Config.Env ?? [],
        labels: pairs(container.Config.Labels),
        imageLabels: pairs(image?.Config.Labels),
        cpus: (container.HostConfig.NanoCpus ?? 0) / 1e9,
        memory: (container.HostConfig.Memory ?? 0) / 1024 ** 2,
        logLimits: pairs(container.HostConfig.LogConfig?.Config),
        binds: (container.HostConfig.Binds ?? []).map(readableBind),
        ports: Object.values((container.HostConfig.PortBindings ?? {}) as Record<string, { HostIp: string; HostPort: string }[]>)
          .flat()
          .map(({ HostIp, HostPort }) => `${HostIp}:${HostPort}`),
        drift: driftOf(container.State, unready?.get(Id)),
        orphans: Labels[labelKeys.component] === "mesos-slave" ? await orphansOf(container, containers) : undefined,
      };
    }),
  );
  return {
    ...platformOf(version, info),
    defaultRuntime: info.DefaultRuntime,
    limitsMemory: info.MemoryLimit !== false,
    memoryBytes: info.MemTotal,
    clockAhead: info.clockAhead,
    operatingSystem: info.OperatingSystem ?? "",
    forwardsPackets: info.IPv4Forwarding !== false,
    withoutTls: host.dockerHost.startsWith("tcp://") && (docker.modem as { protocol?: string }).protocol !== "https",
    authorizationPlugins: info.Plugins?.Authorization ?? [],
    bridges: networks
      .filter(({ Driver }) => Driver === "bridge")
      .map(({ Id, Name, Created, Labels, IPAM, Options }) => ({
        id: Id,
        name: Name,
        created: utc(Created),
        labels: Labels ?? {},
        subnets: (IPAM?.Config ?? []).flatMap(({ Subnet }) => (Subnet && !Subnet.includes(":") ? [Subnet] : [])),
        gateways: (IPAM?.Config ?? []).flatMap(({ Gateway }) => Gateway ?? []),
        device: Options?.["com.docker.network.bridge.name"] ?? `br-${Id.slice(0, 12)}`,
      })),
    limitsCpus: info.CpuCfsQuota !== false,
    cpus: info.NCPU,
    rootDirectory: info.DockerRootDir,
    securityOptions: info.SecurityOptions ?? [],
    containers: containers.map(({ Id, Names, Image, Created, Labels, Mounts, Ports, State }, i) => ({
      id: Id,
      name: (Names[0] ?? "").replace(/^\//, ""),
      image: Image,
      created: new Date(Created * 1000).toISOString(),
      runs: ["running", "paused", "restarting"].includes(State),
      made: made[i],
      labels: Labels,
      mountSources: Mounts.map(({ Source }) => Source ?? ""),
      publishedPorts: Ports.flatMap(({ IP, PublicPort, Type }) => (PublicPort && Type === "tcp" ? [{ address: IP, port: PublicPort }] : [])),
    })),
    images: ids,
    pulls,
    // The type leaves CreatedAt out.
    volumes: (volumes ?? []).map(({ Name, CreatedAt, Labels }: (typeof volumes)[number] & { CreatedAt?: string }) => ({ name: Name, createdAt: utc(CreatedAt), labels: Labels ?? {} })),
  };
}

/** Seconds by which another clock is ahead of this one, at least: the answer came some time between the two moments. */
function clockAhead(time: string | undefined, asked: number, answered: number): number {
  const there = Date.parse(time ?? "");
  return Number.isNaN(there) ? 0 : (there > answered ? there - answered : Math.min(0, there - asked)) / 1000;
}

/** A time of Docker's, which may be in the time zone of its host. */
function utc(time: string | undefined): string | undefined {
  const there = Date.parse(time ?? "");
  return Number.isNaN(there) ? undefined : new Date(there).toISOString();
}

/** `NAME=value` of each. */
function pairs(record: Readonly<Record<string, string>> | null = {}): string[] {
  return Object.entries(record ?? {}).map(([name, value]) => `${name}=${value}`);
}

/** A bind mount as Docker tells it, with no other mode than `ro`. */
function readableBind(bind: string): string {
  const [source, path, mode = ""] = bind.split(":");
  return [source, path, ...(mode.split(",").includes("ro") ? ["ro"] : [])].join(":");
}

/** Asks what the gates asked when they were passed: id of the container → why it is not ready any more. */
async function askGates(gates: Recorded["gates"]): Promise<Map<string, string>> {
  const { checks } = await import("../checks/checks.mjs");
  const answers = await Promise.all(
    gates.map(async (gate): Promise<[string, string][]> => {
      const ask = () => checks[gate.COMPONENT](gate, AbortSignal.timeout(2_000));
      const first = await ask();
      // On a machine that is busy enough the time is over before anybody could read the answer.
      const { ready, asked, answer } = first.answer === "no answer" ? await ask() : first;
      return ready ? [] : [[gate.CONTAINER_ID, `${asked}: ${answer}`]];
    }),
  );
  return new Map(answers.flat());
}

/**
 * What is wrong with a container of ours, if anything. Each time is another text, as each repair must be another change.
 * `runs since` is how a gate knows that it is still the process that was found.
 */
function driftOf(state: ContainerInspectInfo["State"], unready?: string): string | undefined {
  const seen = `seen at ${new Date().toISOString()}`;
  if (state.Paused) {
    return `paused, ${seen}`;
  }
  if (state.Restarting) {
    return `in a restart loop with exit code ${state.ExitCode}, ${seen}`;
  }
  if (!state.Running) {
    return state.Status === "created" ? `never started, ${seen}` : `stopped at ${state.FinishedAt} with exit code ${state.ExitCode}`;
  }
  return unready && `not ready, ${seen}: ${unready}; runs since ${state.StartedAt}`;
}

/** What a slave's former life left running, if anything: its gate removes that. Each time another text, as above. */
async function orphansOf(slave: ContainerInspectInfo, containers: readonly ContainerInfo[]): Promise<string | undefined> {
  const { orphansAmong } = await import("../checks/mesos-slave.mjs");
  const names = orphansAmong(slave, containers).map(({ Names }) => Names[0].slice(1));
  return names.length > 0 ? `${names.join(", ")}, seen at ${new Date().toISOString()}` : undefined;
}
