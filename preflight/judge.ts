import type { Configuration } from "../configuration";
import { evidence, type Finding, type Judgment, type Level } from "./findings";
import { data } from "./judgments/data";
import { drift } from "./judgments/drift";
import { unreachable } from "./judgments/endpoint";
import { exposure } from "./judgments/exposure";
import { host } from "./judgments/host";
import { images } from "./judgments/images";
import { names } from "./judgments/names";
import { network } from "./judgments/network";
import { platform } from "./judgments/platform";
import { ports } from "./judgments/ports";
import { privileges } from "./judgments/privileges";
import { slaves } from "./judgments/slaves";
import { upgrades } from "./judgments/upgrades";
import type { Owner, Seen } from "./seen";

/** All that is judged, in the order in which it is told. */
const judgments: readonly Judgment[] = [...names, ...ports, ...network, ...host, ...images, ...drift, ...upgrades, ...data, ...platform, ...privileges, ...slaves, ...exposure];

/** Every name of a finding → its level. */
export const levels: Readonly<Record<string, Level>> = Object.assign({}, unreachable.levels, ...judgments.map(({ levels }) => levels));

/** What the findings are, given what was seen. */
export function judge(configuration: Configuration, seen: Seen, owner: Owner): Finding[] {
  const { engine } = seen;
  if (!engine) {
    return [unreachable.finding(configuration.host.dockerHost, seen.engineProblem)];
  }
  const found = judgments.flatMap(({ judge }) => judge(evidence(configuration, { ...seen, engine }, owner)));
  const isAccepted = ({ level, name }: Finding) => level === "warning" && configuration.acceptedWarnings.includes(name);
  return found.map((finding) => (isAccepted(finding) ? { ...finding, accepted: true } : finding));
}
