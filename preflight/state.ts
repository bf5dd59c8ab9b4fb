import * as pulumi from "@pulumi/pulumi";

import type { Recorded } from "./seen";

/** What Pulumi's state says, asked of the engine as a StackReference asks, but without becoming a step of each preview. */
export async function readState(): Promise<Recorded | undefined> {
  try {
    const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
    const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName });
    const resources = Object.values(outputs as Record<string, { type: string; outputs: Record<string, any> }>);
    const ofType = (type: string) => resources.filter((resource) => resource.type === type).map(({ outputs }) => outputs);
    return {
      containers: ofType("docker:index/container:Container").map(({ id }) => id),
      networks: ofType("docker:index/network:Network").map(({ id }) => id),
      images: ofType("docker:index/remoteImage:RemoteImage").map(({ name }) => name),
      imageSet: ofType("pulumi:pulumi:Stack")[0]?.cluster?.imageSet?.name,
      gates: ofType("command:local:Command").flatMap(({ environment }) => (environment?.CONTAINER_ID ? [environment] : [])),
    };
  } catch {
    // An engine that does not know the question: then labels alone tell what is ours.
    return undefined;
  }
}

/**
 * Waits. Node ends when nothing keeps it waiting, and a program that ended before it declared anything would be taken for
 * one that wants nothing: `up` would delete the cluster.
 */
export function awake<T>(work: Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 1_000);
  return work.finally(() => clearInterval(alive));
}
