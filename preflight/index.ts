import * as pulumi from "@pulumi/pulumi";

import type { CurrentImage, FoundContainer } from "../components";
import { refusal } from "../components/refusal";
import type { Configuration } from "../configuration";
import { currentImages } from "./current-images";
import type { Level } from "./findings";
import { judge } from "./judge";
import { look } from "./look";
import { ownContainers, type Recorded } from "./seen";

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
  // Node ends when nothing keeps it waiting, and a program that ended before it declared anything would be taken for one
  // that wants nothing: `up` would delete the cluster.
  const alive = setInterval(() => {}, 1_000);
  const seen = await look(configuration, readState()).finally(() => clearInterval(alive));
  const findings = judge(configuration, seen, owner);
  const told = (level: Level) => findings.filter((finding) => finding.level === level).map(({ name, text }) => `${text} [${name}]`);
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

/** What Pulumi's state says, asked of the engine as a StackReference asks, but without becoming a step of each preview. */
async function readState(): Promise<Recorded | undefined> {
  try {
    const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
    const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName });
    const resources = Object.values(outputs as Record<string, { type: string; outputs: Record<string, any> }>);
    const ofType = (type: string) => resources.filter((resource) => resource.type === type).map(({ outputs }) => outputs);
    return {
      containers: ofType("docker:index/container:Container").map(({ id }) => id),
      gates: ofType("command:local:Command").flatMap(({ environment }) => (environment?.CONTAINER_ID ? [environment] : [])),
      images: ofType("docker:index/remoteImage:RemoteImage").map(({ name }) => name),
    };
  } catch {
    // An engine that does not know the question: then labels alone tell what is ours.
    return undefined;
  }
}
