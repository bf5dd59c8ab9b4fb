import type { Recorded } from "../preflight/seen";
import type { AppReport, Resources, SlaveReport } from "./report";

/** Milliseconds for one answer. */
const patience = 3_000;

/** Marathon's apps: what runs, what waits and why. None where it does not answer. */
export async function appsOf(gate: Recorded["gates"][number] | undefined, slaves: readonly SlaveReport[]): Promise<AppReport[]> {
  if (!gate) {
    return [];
  }
  const { json } = await import("../checks/http.mjs");
  const get = async (path: string) => (await json(`${gate.MARATHON}${path}`, AbortSignal.timeout(patience), gate.CREDENTIALS)).value;
  const [listed, queued] = await Promise.all([get("/v2/apps?embed=apps.counts&embed=apps.lastTaskFailure"), get("/v2/queue?embed=lastUnusedOffers")]);
  return (listed?.apps ?? []).map((app: any) => {
    const entry = (queued?.queue ?? []).find((entry: any) => entry.app?.id === app.id);
    const running = app.tasksRunning ?? 0;
    const failure = running < app.instances ? app.lastTaskFailure : undefined;
    return {
      id: app.id,
      instances: app.instances,
      running,
      waits: entry ? whyItWaits(entry, slaves) : "",
      ...(failure && { lastFailure: `${failure.state} at ${failure.timestamp}${failure.message ? `: ${failure.message}` : ""}` }),
    };
  });
}

/** Why an entry of Marathon's queue is not launched. Before 1.5 Marathon does not say; then what slaves have free does. */
export function whyItWaits({ app, delay, processedOffersSummary: summary }: any, slaves: readonly SlaveReport[]): string {
  if (delay?.timeLeftSeconds > 0) {
    return `its tasks failed, so Marathon waits another ${delay.timeLeftSeconds} s before it tries again`;
  }
  if (!slaves.some(({ active }) => active)) {
    return "there is no active slave";
  }
  const rejections: { reason: string; declined: number }[] = summary?.rejectSummaryLastOffers ?? [];
  const reasons = rejections.filter(({ declined }) => declined > 0).map(({ reason }) => inWords(reason, app, slaves));
  const lacking = (["cpus", "mem", "disk"] as const).filter((name) => app[name] > most(slaves, name)).map((name) => lacks(name, app, slaves));
  const all = reasons.length > 0 ? reasons : lacking;
  if (all.length > 0) {
    return all.join("; ");
  }
  return summary?.processedOffersCount === 0 ? "Mesos has offered it nothing yet" : "no offer that fits has come yet";
}

function inWords(reason: string, app: any, slaves: readonly SlaveReport[]): string {
  const words: Record<string, () => string> = {
    UnfulfilledRole: () => "no offer is for a role that it accepts (acceptedResourceRoles)",
    UnfulfilledConstraint: () => `no slave fulfils its constraints (${(app.constraints ?? []).map((constraint: string[]) => constraint.join(" ")).join(", ")})`,
    NoCorrespondingReservationFound: () => "no slave has the reservation for its volumes",
    AgentMaintenance: () => "the slaves are in maintenance",
    InsufficientCpus: () => lacks("cpus", app, slaves),
    InsufficientMemory: () => lacks("mem", app, slaves),
    InsufficientDisk: () => lacks("disk", app, slaves),
    InsufficientGpus: () => `it asks for ${app.gpus} gpus, and no slave has as many free`,
    InsufficientPorts: () => "no slave has its host ports free, or offers them (mesosSlaveResources)",
    DeclinedScarceResources: () => "slaves with gpus are kept for apps that ask for some",
  };
  return words[reason]?.() ?? reason;
}

function lacks(name: keyof Resources, app: any, slaves: readonly SlaveReport[]): string {
  const unit = name === "cpus" ? "cpus" : `MiB of ${name === "mem" ? "memory" : "disk"}`;
  return `it asks for ${app[name]} ${unit}, and no slave has more than ${most(slaves, name)} free`;
}

const most = (slaves: readonly SlaveReport[], name: keyof Resources) => Math.max(0, ...slaves.filter(({ active }) => active).map(({ free }) => free[name]));
