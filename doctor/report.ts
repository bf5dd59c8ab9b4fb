import type { Finding } from "../preflight/findings";

/** What `npm run doctor --json` prints. A change of it that a reader could trip over is another `schemaVersion`. */
export interface Report {
  readonly schemaVersion: 1;
  readonly stack: string;
  /** The Docker Engine's endpoint. */
  readonly dockerHost: string;
  /** Absent where it does not answer. */
  readonly dockerVersion?: string;
  /** Whether no finding is an error. */
  readonly ok: boolean;
  /** Of preflight, then of the cluster. */
  readonly findings: readonly Finding[];
  /** Absent where no container of the stack is known. */
  readonly cluster?: ClusterReport;
}

export interface ClusterReport {
  readonly components: readonly ComponentReport[];
  /** All that the elected master lists. */
  readonly slaves: readonly SlaveReport[];
  /** All of Marathon's. */
  readonly apps: readonly AppReport[];
}

export interface ComponentReport {
  /** zookeeper, mesos-master, mesos-slave or marathon. */
  readonly component: string;
  /** Whether its gate would be passed now. */
  readonly ready: boolean;
  /** What it answered, or why it did not. */
  readonly answer: string;
  /** Where it was asked; absent where it was never ready. */
  readonly endpoint?: string;
  readonly version?: string;
  /** Absent where there is none. */
  readonly container?: { readonly name: string; readonly image: string; readonly runs: boolean };
  /** The last errors in its log, oldest first; of one that is not ready, its last lines where there are no errors. */
  readonly log: readonly string[];
}

/** Amounts of what a slave offers; mem and disk in MiB. */
export type Resources = Readonly<Record<"cpus" | "mem" | "disk", number>>;

export interface SlaveReport {
  readonly id: string;
  readonly hostname: string;
  readonly active: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly total: Resources;
  readonly free: Resources;
}

export interface AppReport {
  readonly id: string;
  readonly instances: number;
  readonly running: number;
  /** Why it is not launched, in words; empty where it does not wait. */
  readonly waits: string;
  /** Why its last task failed; absent where none has, or all instances run. */
  readonly lastFailure?: string;
}
