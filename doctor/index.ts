/** `npm run doctor`: preflight's checks without a preview, and a look at the running cluster. Changes nothing. */

import { currentDocker } from "../checks/docker-context.cjs";
import { choosableImageSets } from "../components/choose-image-set";
import { readConfiguration } from "../configuration";
import { choose } from "../preflight/automatic";
import type { Finding } from "../preflight/findings";
import { judge } from "../preflight/judge";
import { look } from "../preflight/look";
import { isOurs } from "../preflight/seen";
import { recordedIn, type RecordedResource } from "../preflight/state";
import { lookAtCluster } from "./cluster";
import type { ClusterReport, Report } from "./report";

export { inTable } from "./table";

/** What is known of a stack before anything is looked at. */
export interface Given {
  readonly project: string;
  readonly stack: string;
  /** Key of this project → value, defaults included. */
  readonly values: Readonly<Record<string, string>>;
  /** Keys that have a secret in them. */
  readonly secretKeys: readonly string[];
  /** As `pulumi stack export --show-secrets` gives it; absent where the stack was never up, or Pulumi does not tell. */
  readonly deployment?: { readonly resources?: readonly any[]; readonly pending_operations?: readonly any[] };
  /** Why the configuration or the state could not be read; empty where they were. */
  readonly unread: readonly string[];
}

export async function diagnose({ project, stack, values, secretKeys, deployment, unread }: Given): Promise<Report> {
  const read = (imageSet: string) =>
    readConfiguration((key) => (key === "imageSet" ? imageSet : values[key]), Object.keys(values), () => currentDocker().dockerHost, (key) => secretKeys.includes(key));
  const resources = (deployment?.resources ?? []).filter((resource: { delete?: boolean }) => !resource.delete);
  const recorded = deployment && recordedIn(resources.map((resource: RecordedResource & { id?: string }) => ({ ...resource, outputs: { id: resource.id, ...plain(resource.outputs ?? {}) } })));
  const owner = { project, stack };
  let { configuration, problems } = read(values.imageSet);
  let isChosen = true;
  if (values.imageSet === "auto") {
    const choice = choose(configuration.host, choosableImageSets(values.imageRegistry), owner, Promise.resolve(recorded));
    const { imageSet, problem } = await choice.then(({ imageSet }) => ({ imageSet, problem: [] }), ({ message }) => ({ imageSet: undefined, problem: [message] }));
    isChosen = imageSet !== undefined;
    const chosen = read(imageSet ?? values.imageSet);
    [configuration, problems] = [chosen.configuration, [...chosen.problems, ...problem]];
  }
  const seen = await look(configuration, Promise.resolve(recorded));
  const own = seen.engine?.containers.filter((container) => isOurs(container, recorded, owner));
  const wasUp = (own ?? []).length > 0 || Object.keys(recorded?.containers ?? {}).length > 0;
  const cluster = wasUp ? await lookAtCluster(configuration, own, recorded?.gates ?? []) : undefined;
  // Without a set there is nothing to hold the host against.
  const judged = isChosen ? judge(configuration, seen, owner) : [];
  const findings = [
    ...problems.map((text): Finding => ({ level: "error", name: "configuration", text })),
    ...unread.map((text): Finding => ({ level: "warning", name: "not-read", text })),
    // Of what has drifted, the cluster tells more.
    ...judged.filter(({ name }) => !cluster || name !== "drifted"),
    ...interrupted(deployment?.pending_operations ?? []),
    ...(cluster ? judgeCluster(cluster) : []),
  ];
  const report: Report = {
    schemaVersion: 1,
    stack,
    dockerHost: configuration.host.dockerHost,
    dockerVersion: seen.engine?.version,
    ok: !findings.some(({ level }) => level === "error"),
    findings,
    cluster,
  };
  const passwords = (recorded?.gates ?? []).flatMap(({ CREDENTIALS = "" }) => [CREDENTIALS, CREDENTIALS.slice(CREDENTIALS.indexOf(":") + 1)]);
  const secrets = [...secretKeys.flatMap((key) => textsOf(values[key])), ...passwords];
  return without(report, [...secrets].sort((a, b) => b.length - a.length).filter((secret) => secret.length > 3));
}

/** A secret value as it may show up elsewhere: itself, and of an object each value in it, too. */
function textsOf(value = ""): string[] {
  try {
    const parsed = JSON.parse(value);
    return [value, ...(Object(parsed) === parsed ? Object.values(parsed).map(String) : [])];
  } catch {
    return [value];
  }
}

/** A value of the state whose secrets are shown, without what marks them as such. */
function plain(value: any): any {
  if (value === null || typeof value !== "object") {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  return "plaintext" in value ? JSON.parse(value.plaintext) : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

function interrupted(pending: readonly any[]): Finding[] {
  const made = pending.filter(({ type }) => type === "creating").map(({ resource }) => String(resource.urn).split("::").pop());
  return made.length === 0 ? [] : [{ level: "error", name: "interrupted", text: `a Pulumi command was cut off when it made ${made.join(", ")}: npm run recover` }];
}

function judgeCluster({ components, apps }: ClusterReport): Finding[] {
  const cure = "npm run up, or pulumi up, brings it back or says why not";
  const isStopped = components.every(({ container }) => container?.runs === false);
  const notReady = components.filter(({ ready }) => !ready).map(({ component, answer }) => `${component} is not ready (${answer}): ${cure}`);
  return [
    ...(isStopped ? [`the cluster is stopped: ${cure}`] : notReady).map((text): Finding => ({ level: "error", name: "not-ready", text })),
    ...apps
      .filter(({ waits }) => waits)
      .map(({ id, instances, running, waits }): Finding => ({ level: "warning", name: "app-waits", text: `the app ${id} waits, ${running} of ${instances} running: ${waits}` })),
    ...apps
      .filter(({ lastFailure }) => lastFailure)
      .map(({ id, lastFailure }): Finding => ({ level: "warning", name: "task-failed", text: `the last task of the app ${id} that failed: ${lastFailure}` })),
  ];
}

/** What others said, or somebody configured, and so may have a secret in it. */
const told = ["text", "answer", "log", "waits", "lastFailure", "attributes", "image", "dockerHost"];

/** The same with each of these texts left out of what others said. */
function without<T>(value: T, secrets: readonly string[]): T {
  const clean = (inner: any, isTold: boolean): any =>
    typeof inner === "string" && isTold
      ? secrets.reduce((text, secret) => text.replaceAll(secret, "…"), inner)
      : Array.isArray(inner)
        ? inner.map((each) => clean(each, isTold))
        : inner !== null && typeof inner === "object"
          ? Object.fromEntries(Object.entries(inner).map(([name, each]) => [name, clean(each, isTold || told.includes(name))]))
          : inner;
  return clean(value, false);
}
