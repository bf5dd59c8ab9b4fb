import * as pulumi from "@pulumi/pulumi";

import { rules } from "./keys";
import { faults, type Source, textFaults } from "./source";

/** Further labels of the containers: name → value. */
export function readLabels(source: Source): Record<string, pulumi.Input<string>> {
  const labels = source.object("labels", "labels");
  for (const [name, value] of Object.entries(labels)) {
    const found = [...faults(rules.labels.names, name).map((cure) => `is no name for a label: ${cure}`), ...textFaults(value)];
    found.forEach((sentence) => source.fault("labels", `.${JSON.stringify(name)}`, sentence));
  }
  const secret = source.isSecret("labels");
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, secret ? pulumi.secret(String(value)) : String(value)]));
}
