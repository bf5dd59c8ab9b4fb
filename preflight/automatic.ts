/** `imageSet: auto`: which set that is. */

import * as pulumi from "@pulumi/pulumi";

import { chooseImageSet, setOfImages, telltales } from "../components/choose-image-set";
import type { ImageSet } from "../components/images";
import { platformOf } from "../components/platforms";
import { refusal } from "../components/refusal";
import type { Configuration } from "../configuration";
import { unreachable } from "./judgments/endpoint";
import { askRegistries, reach } from "./pullable";
import { bearsLabels, type Owner, type Recorded } from "./seen";
import { awake, readState } from "./state";

/**
 * The image set that this stack runs; where it runs none yet, the first that its Docker host can run. Says which, and why.
 * A set that is there stays: that a registry is silent today, or that the host has changed, is no reason to replace a cluster.
 * @param sets with the names that their images have for this stack
 * @throws pulumi.RunError where there is none, with why and what to do
 */
export async function automaticImageSet(host: Configuration["host"], sets: readonly ImageSet[]): Promise<string> {
  const { imageSet, why } = await awake(choose(host, sets, { project: pulumi.getProject(), stack: pulumi.getStack() }, readState()));
  await pulumi.log.info(`image set ${imageSet} (mesos-marathon:imageSet is auto): ${why}`);
  return imageSet;
}

/** The same without a program that runs. */
export async function choose(
  host: Configuration["host"],
  sets: readonly ImageSet[],
  owner: Owner,
  state: Promise<Recorded | undefined>,
): Promise<{ imageSet: string; why: string }> {
  const { dockerEngine } = await import("../checks/docker.mjs");
  const docker = dockerEngine(host.dockerHost, 5_000);
  const asked = Promise.all([state, docker.version(), docker.info(), docker.listImages(), docker.listContainers({ all: true })]);
  const [recorded, version, info, listed, containers] = await asked.catch(({ code, message }) => {
    throw refusal("The image set cannot be chosen (mesos-marathon:imageSet is auto):", [unreachable.finding(host.dockerHost, { code, message }).text]);
  });
  const own = recorded ? Object.values(recorded.images) : containers.filter(({ Labels }) => bearsLabels(Labels, owner)).map(({ Image }) => Image);
  if (own.length > 0) {
    const there = setOfImages(own, sets) ?? sets.find(({ name }) => name === recorded?.imageSet)?.name;
    if (there) {
      return { imageSet: there, why: "this stack runs it" };
    }
    throw refusal("The image set cannot be chosen (mesos-marathon:imageSet is auto):", [
      `this stack runs images of none of them (${own.join(", ")}): name the set that it shall run: pulumi config set imageSet NAME`,
    ]);
  }

  const images = listed.flatMap(({ RepoTags }) => RepoTags ?? []);
  const answers = Object.entries(await askRegistries(host, telltales(images, sets)));
  const registries = Object.fromEntries(answers.map(([image, { answer }]) => [image, reach(answer)]));
  const choice = chooseImageSet({ platform: platformOf(version, info), images, registries }, sets);
  if ("imageSet" in choice) {
    return choice;
  }
  throw refusal("This host can run none of the image sets as it is (mesos-marathon:imageSet is auto); nothing was changed:", [
    ...choice.reasons,
    ...choice.cures.map((cure) => `a way out for ${cure}`),
    "another way out: stand-ins for Mesos and Marathon, and real ZooKeeper: npm run images -- build --stack rehearsal, and pulumi config set imageSet rehearsal",
  ]);
}
