import * as pulumi from "@pulumi/pulumi";

import type { CurrentImage, FoundContainer } from "../components";
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
 * @returns this stack's containers as they are, and what they are to be made from where that is not their image's name.
 * @throws pulumi.RunError that lists every error found.
 */
export async function preflight(configuration: Configuration): Promise<{ found: FoundContainer[]; currentImages: Record<string, CurrentImage> }> {
  if (!configuration.preflight) {
    return { found: [], currentImages: {} };
  }
  const owner = { project: pulumi.getProject(), stack: pulumi.getStack() };
  const seen = await awake(look(configuration, readState()));
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
  return { found: ownContainers(seen, owner), currentImages: currentImages(configuration, seen, owner) };
}
