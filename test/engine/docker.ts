import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import Docker from "dockerode";

import { dockerHost, type TestStack } from "./stack";

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

/**
 * Plants what looks like a cluster's and is not: a container that could be a Mesos task, one that some versions of Mesos
 * take for theirs, and what else is named.
 */
export async function plantLookAlikes(containerNames: readonly string[], volumes: readonly string[], options: Partial<Docker.ContainerCreateOptions> = {}) {
  const containers: Docker.Container[] = [];
  for (const name of ["mesos-foreign", `mesos-${randomUUID()}`, ...containerNames]) {
    containers.push(await plant(name, options));
  }
  for (const Name of volumes) {
    await docker.createVolume({ Name });
  }
  return {
    containers,
    async remove(): Promise<void> {
      for (const container of containers) {
        await container.remove({ force: true });
      }
      await removeVolumes(volumes);
    },
  };
}

/** Everything on the Docker Engine: containers with ids and start times, volumes, networks, images. */
export async function census() {
  const [containers, volumes, networks, images] = await Promise.all([standing(), volumeNames(), docker.listNetworks(), docker.listImages()]);
  return { containers, volumes, networks: networks.map(({ Id }) => Id).sort(), images: images.map(({ Id }) => Id).sort() };
}

/** Expects `preview` and `up` to end with this sentence and to have made and removed nothing. */
export async function refused(stack: TestStack, sentence: RegExp): Promise<void> {
  const there = async () => [(await standing()).map(({ id, name }) => ({ id, name })), await volumeNames()];
  const before = await there();
  await assert.rejects(stack.preview(), sentence);
  await assert.rejects(stack.up(), sentence);
  assert.deepEqual(await there(), before);
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
