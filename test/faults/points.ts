import { type Blow, blows } from "./blows";

/** Where a blow falls: a command, and the event of Pulumi's own event stream at which it is struck. */
export interface Step {
  readonly command: "up" | "preview" | "refresh" | "destroy";
  /** What the command finds: nothing, a cluster, or a cluster whose slave is to be replaced. */
  readonly on: "nothing" | "a cluster" | "a change";
  /** Operation, type without its package, and logical name, as the event of the step's beginning tells them. */
  readonly event: string;
  /** Name of the component whose container Docker must have made by then: so far into the step. */
  readonly made?: string;
}

const steps: readonly Step[] = [
  { command: "up", on: "nothing", event: "create Volume cluster-mesos-slave-work" },
  { command: "up", on: "nothing", event: "create Command cluster-mesos-master-ready" },
  { command: "up", on: "nothing", event: "create Container cluster-marathon", made: "marathon" },
  { command: "up", on: "a change", event: "create-replacement Container cluster-mesos-slave", made: "mesos-slave" },
  { command: "preview", on: "a cluster", event: "refresh Container cluster-mesos-master" },
  { command: "refresh", on: "a cluster", event: "refresh Container cluster-mesos-slave" },
  { command: "destroy", on: "a cluster", event: "delete Command cluster-mesos-slave-teardown" },
  { command: "destroy", on: "a cluster", event: "delete Container cluster-zookeeper" },
];

export interface Point {
  readonly step: Step;
  readonly blow: Blow;
}

/** Every step with every blow; no command plugin runs yet when the first volume is made. */
export const points: readonly Point[] = steps
  .flatMap((step) => (Object.keys(blows) as Blow[]).map((blow) => ({ step, blow })))
  .filter(({ step, blow }) => step !== steps[0] || blow !== "command plugin killed");

/** The points that `npm test` strikes: each command, and each kind of what it leaves. */
export const representative: readonly Point[] = [
  { step: steps[2], blow: "SIGKILL" },
  { step: steps[1], blow: "command plugin killed" },
  { step: steps[3], blow: "docker plugin killed" },
  { step: steps[4], blow: "SIGINT" },
  { step: steps[5], blow: "network cut and restored" },
  { step: steps[6], blow: "Docker Engine killed and started" },
];
