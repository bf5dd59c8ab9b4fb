import { spawn } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";

import Docker from "dockerode";

import { eventually } from "./eventually";
import { dockerHost } from "./stack";

export const docker = new Docker({ socketPath: dockerHost().replace("unix://", "") });
export const testImage = process.env.TEST_IMAGE ?? "mesos-marathon/rehearsal-base:bookworm";

/** A container as it stands: a restarted or replaced one is not equal to what it was. */
export interface Standing {
  readonly id: string;
  readonly name: string;
  readonly startedAt: string;
  readonly running: boolean;
}

export async function standing(filter: (name: string) => boolean = () => true): Promise<Standing[]> {
  const listed = await docker.listContainers({ all: true });
  const all = await Promise.all(listed.map(({ Id }) => docker.getContainer(Id).inspect()));
  return all
    .map(({ Id, Name, State }) => ({ id: Id, name: Name.slice(1), startedAt: State.StartedAt, running: State.Running }))
    .filter(({ name }) => filter(name))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** A stranger's container, which nothing of ours may touch. */
export async function plant(name: string, options: Partial<Docker.ContainerCreateOptions> = {}): Promise<Docker.Container> {
  const container = await docker.createContainer({
    name,
    Image: testImage,
    Entrypoint: ["sleep"],
    Cmd: ["3600"],
    HostConfig: { NetworkMode: "none" },
    ...options,
  });
  await container.start();
  return container;
}

export async function volumeNames(): Promise<string[]> {
  return ((await docker.listVolumes()).Volumes ?? []).map(({ Name }) => Name).sort();
}

/** Removes volumes by their exact names. */
export async function removeVolumes(names: readonly string[]): Promise<void> {
  for (const name of names) {
    await docker.getVolume(name).remove();
  }
}

/** Ends the tests' Docker Engine in its own way, its containers with it, and starts it as it was started. */
export async function restartEngine(): Promise<void> {
  const text = (pid: string, file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
  const pids = async () => (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const running = await Promise.all((await pids()).map(async (pid) => ({ pid, command: (await text(pid, "cmdline")).split("\0").slice(0, -1), stat: await text(pid, "stat") })));
  const daemon = running.find(({ command }) => /(^|\/)dockerd$/.test(command[0] ?? "") && command.includes(dockerHost()));
  if (!daemon || (await readlink(`/proc/${daemon.pid}/root`)) !== "/") {
    throw new Error(`no dockerd of this root file system serves ${dockerHost()}`);
  }
  const children = running.filter(({ stat }) => stat.split(") ").pop()?.split(" ")[1] === daemon.pid).map(({ pid }) => pid);
  process.kill(Number(daemon.pid), "SIGTERM");
  // Its containerd leaves last, and a new one cannot start beside it.
  await eventually("the end of dockerd", async () => {
    const left = await pids();
    return ![daemon.pid, ...children].some((pid) => left.includes(pid));
  });
  spawn(daemon.command[0], daemon.command.slice(1), { detached: true, stdio: "ignore" }).unref();
  await eventually("dockerd", () => docker.ping());
}
