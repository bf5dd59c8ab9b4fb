import * as pulumi from "@pulumi/pulumi";

import type { ClusterArgs } from "../components";
import { imagesOf } from "../components/images";
import { refusal } from "../components/refusal";
import type { Configuration } from "../configuration";
import { currentImages } from "./current-images";
import type { Level } from "./findings";
import { judge } from "./judge";
import { look } from "./look";
import { ownContainers } from "./seen";
import { awake, readState } from "./state";

/**
 * Checks the host before the first change, in preview too. Creates nothing.
 * @returns this stack's containers as they are, what they are to be made from where that is not their image's name, and the
 * adoptions that are in its state.
 * @throws pulumi.RunError that lists every error found.
 */
export async function preflight(configuration: Configuration): Promise<Required<Pick<ClusterArgs, "found" | "currentImages" | "adoptions">>> {
  const owner = { project: pulumi.getProject(), stack: pulumi.getStack() };
  const state = readState();
  const seen = await awake(configuration.preflight ? look(configuration, state) : state.then(() => undefined));
  const recorded = await state;
  const { adoptions = {} } = recorded ?? {};
  if (!seen) {
    if (Object.values(recorded?.containers ?? {}).some(({ adopted }) => adopted)) {
      throw refusal("mesos-marathon:preflight is false, and it is preflight that looks at the adopted containers, whose data is to be carried over: pulumi config rm preflight");
    }
    const { imageSet } = configuration.cluster;
    if (Object.values(recorded?.images ?? {}).some((name) => imagesOf(imageSet).some((image) => name.startsWith(`${image}@`)))) {
      throw refusal("mesos-marathon:preflight is false, and it is preflight that knows which images containers of followed tags (followImageTags) have, so that others would replace them: pulumi config rm preflight");
    }
    return { found: [], currentImages: {}, adoptions };
  }
  const findings = judge(configuration, seen, owner);
  const told = (level: Level) => findings.filter((finding) => finding.level === level && !finding.accepted).map(({ name, text }) => `${text} [${name}]`);
  for (const text of told("warning")) {
    await pulumi.log.warn(text);
  }
  for (const text of told("note")) {
    await pulumi.log.info(text);
  }
  const errors = told("error");
  if (errors.length > 0) {
    throw refusal("The cluster cannot run here yet; nothing was changed:", errors);
  }
  return { found: ownContainers(seen, owner), currentImages: currentImages(configuration, seen, owner), adoptions };
}
