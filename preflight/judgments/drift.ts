/** What has drifted, and what the slave's kept state does not allow. */

import type { FoundContainer } from "../../components";
import { generationOf } from "../../components/mesos-slave";
import { taskHostname } from "../../components/network";
import type { Configuration } from "../../configuration";
import { judgment } from "../findings";
import { ownContainers, variable } from "../seen";

const drifted = judgment({ drifted: "warning", "orphaned-tasks": "warning" }, (evidence, found) => {
  for (const { name, drift, orphans } of ownContainers(evidence, evidence.owner)) {
    if (drift) {
      found("drifted", `the container ${name} is not as it should be (${drift}): \`up\` brings it back and waits until it is ready`);
    }
    if (orphans) {
      found("orphaned-tasks", `containers of tasks whose executors ended with a former life of ${name} run on (${orphans}): \`up\` removes them`);
    }
  }
});

const keptState = judgment({ "slave-state-forbids": "error", "slave-generation-gone": "error" }, (evidence, found) => {
  const { configuration } = evidence;
  const { generation } = configuration.cluster.mesosSlave;
  // One that was started by hand begins anew in any case.
  const slave = ownContainers(evidence, evidence.owner).find(({ component, adopted }) => component === "mesos-slave" && !adopted);
  const before = generationOf(slave?.labels ?? []);
  if (slave && generation < before) {
    found(
      "slave-generation-gone",
      `mesos-marathon:mesosSlaveGeneration goes back from ${before} to ${generation}, and that Mesos slave has left for good: write ${before}, or ${before + 1} for another new one`,
    );
  }
  const refused = slave && !mayBeRefused(slave) && generation === before ? incompatibilities(slave, configuration) : [];
  if (refused.length > 0) {
    found(
      "slave-state-forbids",
      `the Mesos slave would end at every start, as its kept state forbids that ${refused.join(", and that ")}: set it back, or make it a new slave, ` +
        `whose tasks are all lost and launched anew: pulumi config set mesosSlaveGeneration ${before + 1}`,
    );
  }
});

/** Whether it may have been told already what its kept state forbids: then it has ended by itself, and is to be told otherwise. */
function mayBeRefused({ drift = "" }: FoundContainer): boolean {
  // What was stopped or killed had come up with its settings.
  return /^(in a restart loop|never started|not ready)/.test(drift) || (drift.startsWith("stopped") && !/with exit code (0|137|143)$/.test(drift));
}

/**
 * Why a Mesos slave would end at every start on the state that it keeps. Under Mesos's additive policy resources may grow
 * and attributes be added or get other values; without it nothing may change (seen on Mesos 1.11.0).
 */
function incompatibilities({ environment: found, ports }: FoundContainer, { host, cluster }: Configuration): string[] {
  const { environment, builtIn } = cluster.imageSet.mesosSlave;
  const additive = environment.MESOS_RECONFIGURATION_POLICY === "additive";
  const { port, resources, attributes } = cluster.mesosSlave;
  const hostname = taskHostname(host, cluster);
  const modeBefore = ports.length > 0 ? "bridge" : "host";
  const hostnameKey = hostname !== host.hostname ? "bridgeSubnet" : hostname !== host.address ? "hostname" : "address";
  const changes = [
    {
      key: modeBefore === cluster.networkMode ? hostnameKey : `networkMode (${cluster.networkMode}), and with it the slave's host name,`,
      before: variable("MESOS_HOSTNAME", found),
      now: hostname,
      allowed: () => false,
    },
    { key: "mesosSlavePort", before: variable("MESOS_PORT", found) ?? builtIn.port, now: String(port), allowed: () => false },
    { key: "mesosSlaveResources", before: variable("MESOS_RESOURCES", found), now: resources, allowed: grows },
    { key: "mesosRole", before: variable("MESOS_DEFAULT_ROLE", found) ?? "*", now: cluster.role, allowed: () => false },
    { key: "mesosSlaveAttributes", before: variable("MESOS_ATTRIBUTES", found) ?? "", now: attributes, allowed: keepsNames },
  ];
  return changes.flatMap(({ key, before, now = "", allowed }) =>
    before === undefined || before === now || (additive && allowed(entries(before), entries(now)))
      ? []
      : [`mesos-marathon:${key} changes from ${before || "nothing"} to ${now || "nothing"}`],
  );
}

/** `cpus:2;ports:[1-2]` → name → value. */
function entries(text: string): Map<string, string> {
  return new Map(text.split(";").filter(Boolean).map((entry) => [entry.split(":")[0], entry.slice(entry.indexOf(":") + 1)]));
}

function keepsNames(before: Map<string, string>, now: Map<string, string>): boolean {
  return [...before.keys()].every((name) => now.has(name));
}

function grows(before: Map<string, string>, now: Map<string, string>): boolean {
  const ranges = (text: string) => [...text.matchAll(/(\d+)-(\d+)/g)].map(([, from, to]) => ({ from: Number(from), to: Number(to) }));
  return [...before].every(([name, value]) => {
    const next = now.get(name);
    // What is left out the slave finds out by itself, so nobody knows here.
    if (next === undefined) {
      return true;
    }
    return value.startsWith("[")
      ? ranges(value).every((old) => ranges(next).some(({ from, to }) => from <= old.from && old.to <= to))
      : Number(next) >= Number(value);
  });
}

export const drift = [drifted, keptState];
