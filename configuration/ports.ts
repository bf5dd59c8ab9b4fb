/** Both ends included. */
export type PortRange = readonly [from: number, to: number];

/** The ranges of ports that a slave of these resources offers. (Mesos, `DEFAULT_PORTS`, where none are given.) */
export function offeredPorts(resources: string): PortRange[] {
  const ranges = /(?:^|;)ports:\[([\d,-]+)\]/.exec(resources)?.[1] ?? "31000-32000";
  return ranges.split(",").map((range) => range.split("-").map(Number) as [number, number]);
}
