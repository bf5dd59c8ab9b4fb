/**
 * Real ZooKeeper and stand-ins for Mesos in containers on the tests' engine, on ports of their own, and all removed by
 * id at the end. The engine is `TEST_DOCKER_HOST`; the tests run in its network namespace and see its files.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";

export const base = "mesos-marathon/rehearsal-base:bookworm";
export const zookeeperImage = "mesos-marathon/rehearsal-zookeeper:3.8.0";
export const image = (program: "mesos-master" | "mesos-slave", version = "1.11.0") => `mesos-marathon/stand-in-${program}:${version}`;

function engine(): { docker: Docker; socket: string } {
  const host = process.env.TEST_DOCKER_HOST;
  if (!host?.startsWith("unix://")) throw new Error("TEST_DOCKER_HOST must be the unix:// address of the tests' own Docker Engine");
  return { docker: new Docker({ socketPath: host.slice(7) }), socket: host.slice(7) };
}

export const { docker, socket } = engine();

/** Ask again and again (at most 60 s) until there is an answer, and give that. */
export async function until<T>(what: string, ask: () => T | Promise<T>, last: () => unknown = () => "", seconds = 60): Promise<Exclude<T, false | null | undefined>> {
  const end = Date.now() + seconds * 1000;
  let error: unknown = "";
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer as Exclude<T, false | null | undefined>;
    } catch (problem) {
      error = problem;
    }
    await sleep(50);
  }
  throw new Error(`Waited ${seconds} s for ${what}. ${last()} ${error}`);
}

export interface Answer {
  status: number;
  text: string;
  location: string | null;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

/** GET without following redirects; status 0 where nobody answers. */
export async function get(url: string, init: RequestInit = {}): Promise<Answer> {
  try {
    const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(10_000), ...init });
    const text = await answer.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: answer.status, text, location: answer.headers.get("location"), json };
  } catch {
    return { status: 0, text: "", location: null, json: undefined };
  }
}

let lastPort = 20000 + Math.floor(Math.random() * 9000);

/** A port that nobody in this network namespace uses (read from /proc: some programs must be told theirs before they start). */
export function freePort(): number {
  const taken = ["tcp", "tcp6"].flatMap((name) => [...readFileSync(`/proc/self/net/${name}`, "utf8").matchAll(/^ *\d+: \w+:(\w{4})/gm)]);
  const ports = new Set(taken.map(([, port]) => parseInt(port!, 16)));
  while (ports.has(++lastPort));
  return lastPort;
}

export class Cluster {
  readonly suffix = randomBytes(4).toString("hex");
  /** Work directory of slaves: the same path on the host and in the container. */
  readonly workDir = mkdtempSync(join(tmpdir(), "stand-in-"));
  readonly zookeeperPort = freePort();
  readonly masterPort = freePort();
  readonly slavePort = freePort();
  private readonly made = new Set<string>();

  readonly zk = `zk://127.0.0.1:${this.zookeeperPort}/mesos`;
  readonly masterUrl = `http://127.0.0.1:${this.masterPort}`;
  readonly slaveUrl = `http://127.0.0.1:${this.slavePort}`;

  /** Make and start a container, called `<name>-<suffix>`. */
  async start(name: string, options: { Image: string; Env?: string[]; Cmd?: string[]; HostConfig?: Docker.HostConfig; exactName?: string }) {
    const { exactName, ...spec } = options;
    const container = await docker.createContainer({
      name: exactName ?? `${name}-${this.suffix}`,
      ...spec,
      HostConfig: { NetworkMode: "host", ...spec.HostConfig },
    });
    this.made.add(container.id);
    await container.start();
    return container;
  }

  zookeeper(Env?: string[]) {
    return this.start("zookeeper", {
      Image: zookeeperImage,
      Env: Env ?? [
        "ZOO_ADMINSERVER_ENABLED=false",
        `ZOO_SERVERS=server.1=127.0.0.1:${freePort()}:${freePort()};127.0.0.1:${this.zookeeperPort}`,
      ],
    });
  }

  masterEnvironment = (changes: Record<string, string | undefined> = {}) =>
    environment({
      MESOS_IP: "127.0.0.1", MESOS_HOSTNAME: "127.0.0.1", MESOS_PORT: `${this.masterPort}`, MESOS_QUORUM: "1", MESOS_ZK: this.zk,
      MESOS_WORK_DIR: "/var/lib/mesos", ...changes,
    });

  master(changes: Record<string, string | undefined> = {}, { version = "1.11.0", name = "master" } = {}) {
    return this.start(name, { Image: image("mesos-master", version), Env: this.masterEnvironment(changes) });
  }

  /** A slave with settings under which tasks outlive it: executors in containers of their own, the host's pid namespace. */
  slave(changes: Record<string, string | undefined> = {}, { version = "1.11.0", name = "slave", pid = "host", env = {} as Record<string, string> } = {}) {
    return this.start(name, {
      Image: image("mesos-slave", version),
      Env: environment({
        MESOS_IP: "127.0.0.1", MESOS_HOSTNAME: "127.0.0.1", MESOS_PORT: `${this.slavePort}`, MESOS_MASTER: this.zk,
        MESOS_WORK_DIR: this.workDir, MESOS_CONTAINERIZERS: "docker,mesos", MESOS_DOCKER_MESOS_IMAGE: image("mesos-slave", version),
        MESOS_DOCKER_SOCKET: socket, MESOS_RESOURCES: "cpus:2;mem:2048;disk:4096;ports:[31000-32000]", ...changes, ...env,
      }),
      HostConfig: {
        Privileged: true, PidMode: pid,
        Binds: [`${socket}:${socket}`, `${this.workDir}:${this.workDir}`],
      },
    });
  }

  /** ZooKeeper, a leading master and an active slave. */
  async up(slave: Record<string, string | undefined> = {}, options: Parameters<Cluster["slave"]>[1] = {}) {
    const zookeeper = await this.zookeeper();
    const master = await this.master();
    const agent = await this.slave(slave, options);
    const id = await this.activeSlave();
    // The master knows it first: a slave that is ended before it has heard of its id never had one.
    await until("the slave to know its id", async () => (await logs(agent)).includes(`agent id ${id}`));
    return { zookeeper, master, slave: agent, slaveId: id };
  }

  /** Id of the slave once it is active at the master. */
  async activeSlave(port = this.slavePort): Promise<string> {
    return until("an active slave", async () => {
      const slaves = (await get(`${this.masterUrl}/master/slaves`)).json?.slaves as { id: string; active: boolean; pid: string }[] | undefined;
      return slaves?.find(({ active, pid }) => active && pid.endsWith(`:${port}`))?.id;
    });
  }

  elected = (port = this.masterPort) =>
    until("an elected master", async () => (await get(`http://127.0.0.1:${port}/metrics/snapshot`)).json?.["master/elected"] === 1);

  framework = async (id: string) =>
    (await get(`${this.masterUrl}/master/frameworks`)).json?.frameworks.find((framework: { id: string }) => framework.id === id);

  /** All containers of this cluster's tasks and executors: those that its work directory is mounted into. */
  async taskContainers(): Promise<Docker.ContainerInfo[]> {
    const all = await docker.listContainers({ all: true });
    return all.filter(({ Id, Mounts }) => !this.made.has(Id) && Mounts.some(({ Source }) => Source?.startsWith(`${this.workDir}/`)));
  }

  /** Names of its running task containers, without those of executors. */
  async running(): Promise<string[]> {
    const containers = await this.taskContainers();
    return containers.filter(({ State, Names }) => State === "running" && !Names[0]!.endsWith(".executor")).map(({ Names }) => Names[0]!.slice(1));
  }

  async remove(container: Docker.Container) {
    await container.remove({ force: true, v: true });
    this.made.delete(container.id);
  }

  /** Remove everything that was made, by id. */
  async down() {
    for (const id of this.made) {
      await docker.getContainer(id).remove({ force: true, v: true }).catch((error: { statusCode?: number }) => {
        if (error.statusCode !== 404) throw error;
      });
    }
    for (const { Id } of await this.taskContainers()) await docker.getContainer(Id).remove({ force: true, v: true }).catch(() => {});
    if (existsSync(this.workDir)) rmSync(this.workDir, { recursive: true });
  }
}

function environment(variables: Record<string, string | undefined>): string[] {
  return Object.entries(variables).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`);
}

/** What a container wrote, both streams. */
export async function logs(container: Docker.Container): Promise<string> {
  const raw = (await container.logs({ stdout: true, stderr: true })) as unknown as Buffer;
  const parts: string[] = [];
  for (let at = 0; at + 8 <= raw.length; at += 8 + raw.readUInt32BE(at + 4)) {
    parts.push(raw.subarray(at + 8, at + 8 + raw.readUInt32BE(at + 4)).toString());
  }
  return parts.join("");
}

/** Wait for a container's end: exit code and log. */
export async function exit(container: Docker.Container): Promise<{ code: number; log: string }> {
  const { ExitCode } = await until("the container's end", async () => {
    const { State } = await container.inspect();
    return !State.Running && State;
  });
  return { code: ExitCode, log: await logs(container) };
}

/** A container's labels, but for those that its image has already. */
export async function ownLabels({ Config, Image }: Docker.ContainerInspectInfo): Promise<Record<string, string>> {
  const inherited = (await docker.getImage(Image).inspect()).Config.Labels ?? {};
  return Object.fromEntries(Object.entries(Config.Labels).filter(([key, value]) => inherited[key] !== value));
}

export const dockerTask = (command: string, more: object = {}, docker: object = {}) => ({
  container: { type: "DOCKER", docker: { image: base, network: "HOST", privileged: false, ...docker } },
  command: { value: command, shell: true },
  ...more,
});

export const commandTask = (command: string, more: object = {}) => ({ command: { value: command, shell: true }, ...more });
