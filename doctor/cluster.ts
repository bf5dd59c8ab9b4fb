import type { Configuration } from "../configuration";
import { inSeconds, type Recorded, type SeenContainer } from "../preflight/seen";
import { labelKeys } from "../components/service";
import { appsOf } from "./apps";
import type { ClusterReport, ComponentReport, Resources, SlaveReport } from "./report";

const names = ["zookeeper", "mesos-master", "mesos-slave", "marathon"] as const;
/** Milliseconds for one answer: what hangs is told as that. */
const patience = 3_000;
const logLines = 300;
const shownLines = 3;
const lineLength = 300;
/**
 * What ZooKeeper calls an error and is none: that it is the only server of its ensemble, at each start; and that it
 * could not close the connection of a gate that asked before its data were read (`zkDb` is null; seen on 3.8.0).
 */
const harmless = /only one server specified \(ignoring\)|Error closing a command socket/;

type Gate = Recorded["gates"][number];

/**
 * Asks everything of a running cluster, side by side: what is dead keeps nobody from the rest.
 * @param containers those of the stack; undefined where the Docker Engine does not tell
 */
export async function lookAtCluster(
  { host }: Configuration,
  containers: readonly SeenContainer[] | undefined,
  gates: Recorded["gates"],
): Promise<ClusterReport> {
  const gateOf = (component: string) => gates.find(({ COMPONENT }) => COMPONENT === component);
  const [components, slaves] = await Promise.all([
    Promise.all(
      names.map((component) => {
        const container = containers?.find(({ labels }) => labels[labelKeys.component] === component);
        return lookAtComponent(component, gateOf(component), containers ? (container ?? "none") : "unseen", host.dockerHost);
      }),
    ),
    slavesOf(gateOf("mesos-slave")),
  ]);
  return { components, slaves, apps: await appsOf(gateOf("marathon"), slaves) };
}

async function lookAtComponent(
  component: (typeof names)[number],
  gate: Gate | undefined,
  seen: SeenContainer | "none" | "unseen",
  dockerHost: string,
): Promise<ComponentReport> {
  const { checks } = await import("../checks/checks.mjs");
  const container = typeof seen === "string" ? undefined : seen;
  const [asked, version, log] = await Promise.all([
    gate && checks[component](gate, AbortSignal.timeout(patience)),
    gate && versionOf(component, gate),
    container ? logOf(dockerHost, container.id) : [],
  ]);
  // Somebody else may answer at the address of a container that does not run.
  const ready = Boolean(asked?.ready) && (seen === "unseen" || container?.runs === true);
  const answer = seen === "none" ? "it has no container" : inSeconds(container?.made?.drift ?? asked?.answer ?? "it was never ready");
  const errors = log.filter((line) => /^[EF]\d{4} |\b(ERROR|FATAL|CRITICAL)\b/.test(line) && !harmless.test(line));
  return {
    component,
    ready,
    answer,
    endpoint: gate && endpointOf(gate),
    version,
    container: container && { name: container.name, image: container.image, runs: container.runs },
    log: (errors.length > 0 || ready ? errors : log).slice(-shownLines).map((line) => line.slice(0, lineLength)),
  };
}

function endpointOf({ COMPONENT, ADDRESS, PORT, MASTER, SLAVE, MARATHON }: Gate): string {
  return { zookeeper: `${ADDRESS}:${PORT}`, "mesos-master": MASTER, "mesos-slave": SLAVE, marathon: MARATHON }[COMPONENT] ?? "";
}

async function versionOf(component: string, gate: Gate): Promise<string | undefined> {
  const signal = AbortSignal.timeout(patience);
  if (component === "zookeeper") {
    const { fourLetterWord } = await import("../checks/zookeeper.mjs");
    return /version: (\d[\w.]*)/.exec(await fourLetterWord("srvr", gate.ADDRESS, Number(gate.PORT), signal))?.[1];
  }
  const { json } = await import("../checks/http.mjs");
  const url = { "mesos-master": `${gate.MASTER}/version`, "mesos-slave": `${gate.SLAVE}${gate.SLAVE_STATE_PATH}`, marathon: `${gate.MARATHON}/v2/info` }[component] ?? "";
  return (await json(url, signal, gate.CREDENTIALS)).value?.version;
}

async function slavesOf(gate: Gate | undefined): Promise<SlaveReport[]> {
  if (!gate) {
    return [];
  }
  const { json } = await import("../checks/http.mjs");
  const { value } = await json(`${gate.MASTER}${gate.SLAVES_PATH}`, AbortSignal.timeout(patience));
  return (value?.slaves ?? []).map(({ id, hostname, active, attributes = {}, resources = {}, used_resources: used = {} }: any) => {
    const amounts = (of: (name: keyof Resources) => number): Resources => ({ cpus: of("cpus"), mem: of("mem"), disk: of("disk") });
    return {
      id,
      hostname,
      active: active === true,
      attributes,
      total: amounts((name) => resources[name] ?? 0),
      free: amounts((name) => Math.round(((resources[name] ?? 0) - (used[name] ?? 0)) * 1000) / 1000),
    };
  });
}

/** The end of a container's log. */
async function logOf(dockerHost: string, id: string): Promise<string[]> {
  const { dockerEngine, logTail } = await import("../checks/docker.mjs");
  const text = await logTail(dockerEngine(dockerHost, patience).getContainer(id), logLines).catch(() => "");
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}
