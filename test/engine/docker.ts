import Docker from "dockerode";

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
