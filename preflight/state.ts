import * as pulumi from "@pulumi/pulumi";

import { labelKeys } from "../components/service";
import type { Recorded } from "./seen";

/** What Pulumi's state says, asked of the engine as a StackReference asks, but without becoming a step of each preview. */
export async function readState(): Promise<Recorded | undefined> {
  try {
    const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
    const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName });
    return recordedIn(Object.entries(outputs as Record<string, Omit<RecordedResource, "urn">>).map(([urn, resource]) => ({ urn, ...resource })));
  } catch {
    // An engine that does not know the question: then labels alone tell what is ours.
    return undefined;
  }
}

/** A resource of the state, as far as it is looked at. */
export interface RecordedResource {
  readonly urn: string;
  readonly type: string;
  readonly outputs: Record<string, any>;
}

export function recordedIn(resources: readonly RecordedResource[]): Recorded {
  const ofType = (wanted: string): any[] => resources.flatMap(({ urn, type, outputs }) => (type === wanted ? { component: componentIn(urn), ...outputs } : []));
  const isLabelled = (labels?: { label: string }[]) => labels?.some(({ label }) => label === labelKeys.project);
  const containers = ofType("docker:index/container:Container");
  const commands = ofType("command:local:Command");
  return {
    containers: Object.fromEntries(containers.map(({ id, component, labels }) => [id, { component, adopted: !isLabelled(labels) }])),
    adoptions: Object.fromEntries(commands.flatMap(({ component, environment }) => (environment?.CARRY ? [[component, environment]] : []))),
    networks: ofType("docker:index/network:Network").map(({ id }) => id),
    images: Object.fromEntries(ofType("docker:index/remoteImage:RemoteImage").map(({ component, name }) => [component, name])),
    imageSet: ofType("pulumi:pulumi:Stack")[0]?.cluster?.imageSet?.name,
    gates: commands.flatMap(({ environment }) => (environment?.CONTAINER_ID ? [environment] : [])),
  };
}

/** urn:…::cluster-mesos-slave-ready → mesos-slave */
function componentIn(urn = ""): string {
  return /::cluster-(zookeeper|mesos-master|mesos-slave|marathon)[\w-]*$/.exec(urn)?.[1] ?? "";
}

/**
 * Waits. Node ends when nothing keeps it waiting, and a program that ended before it declared anything would be taken for
 * one that wants nothing: `up` would delete the cluster.
 */
export function awake<T>(work: Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 1_000);
  return work.finally(() => clearInterval(alive));
}
